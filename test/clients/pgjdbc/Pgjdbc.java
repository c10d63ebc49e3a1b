import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.postgresql.util.DriverInfo;

/** The steps of test/clients/scenario with pgjdbc. */
class Pgjdbc {
    static Connection connect(String options) throws SQLException {
        String url =
                "jdbc:postgresql://127.0.0.1:%s/%s?user=%s&options=%s"
                        .formatted(
                                System.getenv("PGPORT"),
                                System.getenv("PGDATABASE"),
                                System.getenv("PGUSER"),
                                options);
        return DriverManager.getConnection(url);
    }

    static int update(Connection db, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = db.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            return statement.executeUpdate();
        }
    }

    static String query(Connection db, String sql, Object... values) throws SQLException {
        List<String> found = new ArrayList<>();
        try (PreparedStatement statement = db.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            ResultSet rows = statement.executeQuery();
            while (rows.next()) {
                found.add(rows.getString(1));
            }
        }
        return String.join(",", found);
    }

    static Object create(Connection db) throws SQLException {
        db.setAutoCommit(false);
        update(db, "INSERT INTO tag (name) VALUES (?), (?)", "red", "blue");
        try (PreparedStatement customer =
                        db.prepareStatement(
                                "INSERT INTO customer (email, name) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS);
                PreparedStatement order =
                        db.prepareStatement("INSERT INTO orders (customer_id, total) VALUES (?, ?)")) {
            for (String[] each : new String[][] {{Client.ADA, "Ada"}, {Client.BOB, "Bob"}}) {
                customer.setString(1, each[0]);
                customer.setString(2, each[1]);
                customer.executeUpdate();
                ResultSet keys = customer.getGeneratedKeys();
                keys.next();
                for (int total : each[1].equals("Ada") ? new int[] {100, 50} : new int[] {30}) {
                    order.setLong(1, keys.getLong("id"));
                    order.setInt(2, total);
                    order.addBatch();
                }
            }
            order.executeBatch();
        }
        update(db, "INSERT INTO order_tag (order_id, tag_id) VALUES (1, 1), (1, 2), (2, 1)");
        update(db, "INSERT INTO customer_tag (customer_id, tag_id) VALUES (1, 1), (2, 2)");
        db.commit();
        db.setAutoCommit(true);
        return null;
    }

    /** By an updatable result set. */
    static Object deleteOne(Connection db) throws SQLException {
        try (Statement statement =
                db.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_UPDATABLE)) {
            ResultSet rows = statement.executeQuery("SELECT * FROM orders WHERE id = 3");
            rows.next();
            rows.deleteRow();
        }
        return null;
    }

    static Object upsert(Connection db) throws SQLException {
        String sql = "INSERT INTO customer (email, name) VALUES (?, ?) ON CONFLICT (email) DO UPDATE SET name = excluded.name";
        try (PreparedStatement statement = db.prepareStatement(sql)) {
            for (String[] each : new String[][] {{Client.ADA, "Ada L."}, {Client.BOB, "Robert"}}) {
                statement.setString(1, each[0]);
                statement.setString(2, each[1]);
                statement.addBatch();
            }
            statement.executeBatch();
        }
        return null;
    }

    /** More often than the driver prepares on the server, and the server makes a generic plan. */
    static Object eager(Connection db) throws SQLException {
        String seen = "";
        for (int i = 0; i < 12; i++) {
            seen =
                    query(db, "SELECT o.id FROM customer c JOIN orders o ON o.customer_id = c.id WHERE c.id = ?", 1L)
                            + " "
                            + query(db, "SELECT t.name FROM order_tag JOIN tag t ON t.id = tag_id WHERE order_id = ?", 1L)
                            + " "
                            + query(
                                    db,
                                    "SELECT coalesce(c.name, '-') FROM orders o LEFT JOIN customer c ON c.id = o.referrer_id"
                                            + " WHERE o.id = ?",
                                    1L);
        }
        return seen;
    }

    static Object locking(Connection db) throws SQLException {
        String change = "UPDATE orders SET total = ?, version = version + 1 WHERE id = ? AND version = ?";
        String remove = "DELETE FROM orders WHERE id = ? AND version = ?";
        update(db, remove, 1L, 1);
        update(db, change, 51, 2L, 1);
        int[] counts = {update(db, change, 101, 1L, 1), update(db, remove, 2L, 1)};
        return (counts[0] == 0 ? "stale" : "done") + " " + (counts[1] == 0 ? "stale" : "done");
    }

    static Object savepoint(Connection db) throws SQLException {
        db.setAutoCommit(false);
        Savepoint before = db.setSavepoint();
        update(db, "DELETE FROM orders WHERE id = 1");
        db.rollback(before);
        update(db, "DELETE FROM orders WHERE id = 3");
        db.commit();
        db.setAutoCommit(true);
        return null;
    }

    static Object dump(Connection db) throws SQLException {
        TreeSet<String> tables = new TreeSet<>();
        ResultSet rows = db.getMetaData().getTables(null, "public", "%", new String[] {"TABLE"});
        while (rows.next()) {
            tables.add(rows.getString("TABLE_NAME"));
        }
        TreeSet<String> unique = new TreeSet<>();
        rows = db.getMetaData().getIndexInfo(null, "public", "customer", true, true);
        while (rows.next()) {
            if (!rows.getString("INDEX_NAME").endsWith("_pkey")) {
                unique.add(rows.getString("COLUMN_NAME"));
            }
        }
        return String.join(" ", tables) + "|" + String.join(" ", unique);
    }

    public static void main(String[] arguments) throws Exception {
        Connection db = connect("");
        Map<String, Client.Step> steps = new HashMap<>();
        steps.put("version", configured -> "pgjdbc " + DriverInfo.DRIVER_VERSION);
        steps.put("create", configured -> create(db));
        steps.put("delete_one", configured -> deleteOne(db));
        steps.put("delete_many", configured -> update(db, "DELETE FROM orders WHERE total < ?", 60));
        steps.put("delete_tree", configured -> done(update(db, "DELETE FROM customer WHERE email = ?", Client.ADA)));
        steps.put(
                "recreate",
                configured -> {
                    update(db, "DELETE FROM customer WHERE email = ?", Client.BOB);
                    return done(update(db, "INSERT INTO customer (email, name) VALUES (?, ?)", Client.BOB, "Robert"));
                });
        steps.put("upsert", configured -> upsert(db));
        steps.put("eager", configured -> eager(db));
        steps.put("locking", configured -> locking(db));
        steps.put("savepoint", configured -> savepoint(db));
        steps.put(
                "links",
                configured -> {
                    update(db, "DELETE FROM order_tag WHERE order_id = 1 AND tag_id = 2");
                    return done(update(db, "INSERT INTO order_tag (order_id, tag_id) VALUES (1, 2)"));
                });
        steps.put(
                "links_by_key",
                configured -> {
                    update(db, "DELETE FROM customer_tag WHERE customer_id = 1 AND tag_id = 1");
                    return done(update(db, "INSERT INTO customer_tag (customer_id, tag_id) VALUES (1, 1)"));
                });
        steps.put(
                "restore",
                configured ->
                        query(db, "SELECT softdelete.restore('orders', ?)", 3L)
                                + " "
                                + query(db, "SELECT id FROM orders WHERE id = ?", 3L));
        steps.put("dump", configured -> dump(db));
        steps.put(
                "truncate",
                configured -> {
                    try (Connection tests = connect(configured ? "-c%20softdelete.deletion=hard" : "")) {
                        return done(update(tests, "TRUNCATE customer, tag CASCADE"));
                    }
                });
        Client.main(steps);
    }

    /** For a step whose count is no answer. */
    static Object done(int count) {
        return null;
    }
}
