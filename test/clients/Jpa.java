import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import javax.persistence.CascadeType;
import javax.persistence.Column;
import javax.persistence.Entity;
import javax.persistence.EntityManager;
import javax.persistence.EntityManagerFactory;
import javax.persistence.EntityNotFoundException;
import javax.persistence.FetchType;
import javax.persistence.GeneratedValue;
import javax.persistence.GenerationType;
import javax.persistence.Id;
import javax.persistence.JoinColumn;
import javax.persistence.JoinTable;
import javax.persistence.ManyToMany;
import javax.persistence.ManyToOne;
import javax.persistence.OneToMany;
import javax.persistence.OptimisticLockException;
import javax.persistence.OrderBy;
import javax.persistence.Persistence;
import javax.persistence.RollbackException;
import javax.persistence.Table;
import javax.persistence.Version;

/** The steps of test/clients/scenario with JPA, for each of its providers. */
public class Jpa {
    @Entity(name = "Tag")
    @Table(name = "tag")
    public static class Tag {
        @Id
        @GeneratedValue(strategy = GenerationType.IDENTITY)
        Long id;

        String name;
    }

    @Entity(name = "Customer")
    @Table(name = "customer")
    public static class Customer {
        @Id
        @GeneratedValue(strategy = GenerationType.IDENTITY)
        Long id;

        @Column(unique = true)
        String email;

        String name;

        @OneToMany(mappedBy = "customer", cascade = CascadeType.ALL, orphanRemoval = true)
        @OrderBy("id")
        List<Purchase> purchases = new ArrayList<>();

        @ManyToMany
        @JoinTable(
                name = "customer_tag",
                joinColumns = @JoinColumn(name = "customer_id"),
                inverseJoinColumns = @JoinColumn(name = "tag_id"))
        List<Tag> tags = new ArrayList<>();

        public String getName() {
            return name;
        }
    }

    @Entity(name = "Purchase")
    @Table(name = "orders")
    public static class Purchase {
        @Id
        @GeneratedValue(strategy = GenerationType.IDENTITY)
        Long id;

        @ManyToOne(optional = false)
        @JoinColumn(name = "customer_id")
        Customer customer;

        @ManyToOne(fetch = FetchType.LAZY)
        @JoinColumn(name = "referrer_id")
        Customer referrer;

        BigDecimal total;

        @Version
        int version;

        @ManyToMany
        @JoinTable(
                name = "order_tag",
                joinColumns = @JoinColumn(name = "order_id"),
                inverseJoinColumns = @JoinColumn(name = "tag_id"))
        List<Tag> tags = new ArrayList<>();

        String referrerName() {
            return referrer == null ? "-" : referrer.getName();
        }
    }

    final EntityManagerFactory factory;

    Jpa(String unit) {
        factory = connect(unit, "");
    }

    static EntityManagerFactory connect(String unit, String options) {
        String url =
                "jdbc:postgresql://127.0.0.1:%s/%s?options=%s"
                        .formatted(System.getenv("PGPORT"), System.getenv("PGDATABASE"), options);
        Map<String, String> settings = new HashMap<>();
        for (String prefix : List.of("javax.persistence.jdbc.", "hibernate.connection.")) {
            settings.put(prefix + "url", url);
            settings.put(prefix + (prefix.startsWith("javax") ? "user" : "username"), System.getenv("PGUSER"));
        }
        return Persistence.createEntityManagerFactory(unit, settings);
    }

    <T> T get(Function<EntityManager, T> work) {
        EntityManager manager = factory.createEntityManager();
        try {
            manager.getTransaction().begin();
            T result = work.apply(manager);
            manager.getTransaction().commit();
            return result;
        } finally {
            if (manager.getTransaction().isActive()) {
                manager.getTransaction().rollback();
            }
            manager.close();
        }
    }

    Object run(Consumer<EntityManager> work) {
        return get(
                manager -> {
                    work.accept(manager);
                    return null;
                });
    }

    static Customer byEmail(EntityManager manager, String email) {
        return manager.createQuery("SELECT c FROM Customer c WHERE c.email = :email", Customer.class)
                .setParameter("email", email)
                .getSingleResult();
    }

    static Tag tag(EntityManager manager, String name) {
        return manager.createQuery("SELECT t FROM Tag t WHERE t.name = :name", Tag.class)
                .setParameter("name", name)
                .getSingleResult();
    }

    static Tag newTag(EntityManager manager, String name) {
        Tag tag = new Tag();
        tag.name = name;
        manager.persist(tag);
        manager.flush();
        return tag;
    }

    static Customer newCustomer(EntityManager manager, String email, String name, int... totals) {
        Customer customer = new Customer();
        customer.email = email;
        customer.name = name;
        manager.persist(customer);
        for (int total : totals) {
            Purchase purchase = new Purchase();
            purchase.customer = customer;
            purchase.total = BigDecimal.valueOf(total);
            customer.purchases.add(purchase);
            manager.persist(purchase);
            manager.flush();
        }
        return customer;
    }

    static String describe(Customer ada, Purchase purchase) {
        String ids = ada.purchases.stream().map(each -> each.id.toString()).collect(Collectors.joining(","));
        String tags = purchase.tags.stream().map(each -> each.name).collect(Collectors.joining(","));
        String referrer;
        try {
            referrer = purchase.referrerName();
        } catch (EntityNotFoundException error) {
            referrer = "-";
        }
        return ids + " " + tags + " " + referrer;
    }

    static String outcome(EntityManager manager) {
        try {
            manager.getTransaction().commit();
            return "done";
        } catch (RollbackException error) {
            if (error.getCause() instanceof OptimisticLockException) {
                return "stale";
            }
            throw error;
        } finally {
            manager.close();
        }
    }

    String locking() {
        EntityManager saving = factory.createEntityManager();
        EntityManager removing = factory.createEntityManager();
        saving.getTransaction().begin();
        removing.getTransaction().begin();
        saving.find(Purchase.class, 1L).total = BigDecimal.valueOf(101);
        removing.remove(removing.find(Purchase.class, 2L));
        run(manager -> manager.remove(manager.find(Purchase.class, 1L)));
        run(manager -> manager.find(Purchase.class, 2L).total = BigDecimal.valueOf(51));
        return outcome(saving) + " " + outcome(removing);
    }

    void takeOff(List<Tag> tags, String name) {
        tags.removeIf(tag -> tag.name.equals(name));
    }

    Map<String, Client.Step> steps() {
        Map<String, Client.Step> steps = new HashMap<>();
        steps.put(
                "create",
                configured ->
                        run(
                                manager -> {
                                    Tag red = newTag(manager, "red");
                                    Tag blue = newTag(manager, "blue");
                                    Customer ada = newCustomer(manager, Client.ADA, "Ada", 100, 50);
                                    Customer bob = newCustomer(manager, Client.BOB, "Bob", 30);
                                    ada.purchases.get(0).tags.addAll(List.of(red, blue));
                                    ada.purchases.get(1).tags.add(red);
                                    ada.tags.add(red);
                                    bob.tags.add(blue);
                                }));
        steps.put("delete_one", configured -> run(manager -> manager.remove(manager.find(Purchase.class, 3L))));
        steps.put(
                "delete_many",
                configured ->
                        get(
                                manager ->
                                        manager.createQuery("DELETE FROM Purchase p WHERE p.total < 60")
                                                .executeUpdate()));
        steps.put("delete_tree", configured -> run(manager -> manager.remove(byEmail(manager, Client.ADA))));
        steps.put(
                "recreate",
                configured ->
                        run(
                                manager -> {
                                    manager.remove(byEmail(manager, Client.BOB));
                                    manager.flush();
                                    newCustomer(manager, Client.BOB, "Robert");
                                }));
        steps.put(
                "eager",
                configured -> {
                    String ofCustomer = "SELECT c FROM Customer c LEFT JOIN FETCH c.purchases WHERE c.id = 1";
                    String ofPurchase =
                            "SELECT p FROM Purchase p LEFT JOIN FETCH p.tags LEFT JOIN FETCH p.referrer WHERE p.id = 1";
                    Customer ada = get(manager -> manager.createQuery(ofCustomer, Customer.class).getSingleResult());
                    return get(
                            manager ->
                                    describe(ada, manager.createQuery(ofPurchase, Purchase.class).getSingleResult()));
                });
        steps.put(
                "lazy",
                configured ->
                        get(
                                manager ->
                                        describe(
                                                manager.find(Customer.class, 1L),
                                                manager.find(Purchase.class, 1L))));
        steps.put("locking", configured -> locking());
        steps.put(
                "links",
                configured -> {
                    run(manager -> takeOff(manager.find(Purchase.class, 1L).tags, "blue"));
                    return run(manager -> manager.find(Purchase.class, 1L).tags.add(tag(manager, "blue")));
                });
        steps.put(
                "links_by_key",
                configured -> {
                    run(manager -> takeOff(manager.find(Customer.class, 1L).tags, "red"));
                    return run(manager -> manager.find(Customer.class, 1L).tags.add(tag(manager, "red")));
                });
        steps.put(
                "restore",
                configured ->
                        get(
                                manager -> {
                                    Object count =
                                            manager.createNativeQuery("SELECT softdelete.restore('orders', ?1)")
                                                    .setParameter(1, 3L)
                                                    .getSingleResult();
                                    return count + " " + manager.find(Purchase.class, 3L).id;
                                }));
        return steps;
    }

    Client.Step truncate(String unit) {
        return configured -> {
            EntityManagerFactory tests = connect(unit, configured ? "-c%20softdelete.deletion=hard" : "");
            EntityManager manager = tests.createEntityManager();
            try {
                manager.getTransaction().begin();
                manager.createNativeQuery("TRUNCATE customer, tag CASCADE").executeUpdate();
                manager.getTransaction().commit();
            } finally {
                tests.close();
            }
            return null;
        };
    }
}
