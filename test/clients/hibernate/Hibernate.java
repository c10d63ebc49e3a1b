import java.util.Map;
import java.util.stream.Collectors;
import javax.persistence.Entity;
import javax.persistence.Id;
import javax.persistence.Table;
import org.hibernate.annotations.SQLDelete;
import org.hibernate.annotations.Where;
import org.postgresql.util.DriverInfo;

/** Hibernate and pgjdbc. */
public class Hibernate {
    /** The same table with a soft delete by Hibernate's own means. */
    @Entity(name = "Paranoid")
    @Table(name = "customer")
    @SQLDelete(sql = "UPDATE customer SET deleted_at = now() WHERE id = ?")
    @Where(clause = "deleted_at IS NULL")
    public static class Paranoid {
        @Id Long id;
        String email;
        String name;
    }

    static String live(Jpa jpa) {
        return jpa.get(
                manager ->
                        manager.createQuery("SELECT p FROM Paranoid p ORDER BY p.id", Paranoid.class)
                                .getResultList()
                                .stream()
                                .map(each -> each.name)
                                .collect(Collectors.joining(",")));
    }

    static String all(Jpa jpa) {
        String sql = "SELECT string_agg(name, ',' ORDER BY id) FROM customer";
        return jpa.get(manager -> (String) manager.createNativeQuery(sql).getSingleResult());
    }

    static Object ownSoftDelete(Jpa jpa) {
        jpa.run(manager -> manager.remove(manager.find(Paranoid.class, 2L)));
        String seen = live(jpa) + "|" + all(jpa) + "|";
        String sql = "UPDATE customer SET deleted_at = NULL WHERE id = 2";
        jpa.run(manager -> manager.createNativeQuery(sql).executeUpdate());
        return seen + live(jpa);
    }

    public static void main(String[] arguments) throws Exception {
        Jpa jpa = new Jpa("shop");
        Map<String, Client.Step> steps = jpa.steps();
        steps.put(
                "version",
                configured -> "Hibernate " + System.getenv("VERSION") + ", pgjdbc " + DriverInfo.DRIVER_VERSION);
        steps.put("own_soft_delete", configured -> ownSoftDelete(jpa));
        steps.put("truncate", jpa.truncate("shop"));
        Client.main(steps);
    }
}
