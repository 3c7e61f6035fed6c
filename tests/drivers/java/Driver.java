/*
 * Driver.java - MariaDB Connector/J: text by default, prepared with useServerPrepStmts; run from its source.
 */
import java.io.StringWriter;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

public class Driver {
    static final String NAME = System.getenv("DRIVER_NAME"), SCHEMA = System.getenv("DRIVER_SCHEMA");
    static final String PREPARED = "&useServerPrepStmts=true";
    static boolean failed = false;

    static class Difference extends RuntimeException {
        Difference(String words) { super(words); }
    }

    interface Check { void run() throws Exception; }

    static void equal(Object expected, Object got) {
        if (!Objects.equals(expected, got))
            throw new Difference("expected " + brief(expected) + ", got " + brief(got));
    }

    static String brief(Object value) {
        String text = String.valueOf(value);
        return text.length() < 300 ? text : text.substring(0, 300);
    }

    static void check(String what, Check check) {
        try {
            check.run();
            System.out.println("ok " + NAME + " " + what);
        } catch (Exception error) {
            failed = true;
            String words = error instanceof Difference ? error.getMessage() : "expected no error, got " + error + " " + error.getStackTrace()[0];
            System.out.println("not ok " + NAME + " " + what + ": " + brief(words.replaceAll("\\s+", " ")));
        }
    }

    static Connection connect(String schema, String password, String options) throws SQLException {
        return DriverManager.getConnection("jdbc:mariadb://" + System.getenv("DRIVER_HOST") + ":" + System.getenv("DRIVER_PORT") + "/" +
            schema + "?allowLocalInfile=true&socketTimeout=20000" + options, System.getenv("DRIVER_USER"), password);
    }

    static Connection connect(String options) throws SQLException {
        return connect(SCHEMA, System.getenv("DRIVER_PASSWORD"), options);
    }

    static PreparedStatement prepare(Connection db, String sql, Object... arguments) throws SQLException {
        PreparedStatement statement = db.prepareStatement(sql, Statement.RETURN_GENERATED_KEYS);
        for (int i = 0; i < arguments.length; i++)
            statement.setObject(i + 1, arguments[i]);
        return statement;
    }

    static int update(Connection db, String sql, Object... arguments) throws SQLException {
        try (PreparedStatement statement = prepare(db, sql, arguments)) {
            return statement.executeUpdate();
        }
    }

    /* The first column of all rows. */
    static List<String> column(Connection db, String sql, Object... arguments) throws SQLException {
        List<String> found = new ArrayList<>();
        try (PreparedStatement statement = prepare(db, sql, arguments); ResultSet rows = statement.executeQuery()) {
            while (rows.next())
                found.add(rows.getString(1));
        }
        return found;
    }

    static String value(Connection db, String sql, Object... arguments) throws SQLException {
        return column(db, sql, arguments).get(0);
    }

    static int codeOf(Check check) throws Exception {
        try {
            check.run();
        } catch (SQLException error) {
            return error.getErrorCode() != 0 ? error.getErrorCode() : -1;
        }
        return 0;
    }

    static void connects() throws Exception {
        try (Connection db = connect("")) {
            equal(SCHEMA, value(db, "SELECT DATABASE()"));
            equal(true, db.isValid(5));
            equal("MariaDB", db.getMetaData().getDatabaseProductName());
        }
    }

    static void errors(String options, String form) throws Exception {
        try (Connection db = connect(options)) {
            equal(1064, codeOf(() -> column(db, "SELEC ?", 1)));
            equal(1146, codeOf(() -> column(db, "SELECT * FROM no_such_table")));
            update(db, "INSERT INTO items (name) VALUES (?)", "once " + form);
            equal(1062, codeOf(() -> update(db, "INSERT INTO items (name) VALUES (?)", "once " + form)));
            equal("1", value(db, "SELECT 1"));
        }
    }

    static List<String[]> kinds() throws Exception {
        List<String[]> found = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(System.getenv("DRIVER_KINDS"))))
            if (!line.isBlank() && line.charAt(0) != '#')
                found.add(Arrays.stream(line.split("\\|")).map(String::trim).toArray(String[]::new));
        return found;
    }

    /* Dates and times as text are the driver's own business: their digits behind the second may differ. */
    static Object shown(ResultSet rows, int at, String kind) throws Exception {
        if (rows.getObject(at) == null)
            return null;
        switch (kind) {
        case "bytes": return hex(rows.getBytes(at));
        case "float": return rows.getDouble(at);
        case "decimal": return rows.getBigDecimal(at).toPlainString();
        case "datetime": return rows.getTimestamp(at);
        case "year": return String.valueOf(rows.getInt(at));
        default: return rows.getString(at);
        }
    }

    static String hex(byte[] bytes) {
        StringWriter text = new StringWriter();
        for (byte it : bytes)
            text.write(String.format("%02X", it));
        return text.toString();
    }

    static void allKinds(String options) throws Exception {
        try (Connection db = connect(options + "&sessionVariables=time_zone='+00:00'"); PreparedStatement select = prepare(db, "SELECT * FROM kinds ORDER BY id");
             ResultSet rows = select.executeQuery()) {
            for (int number = 0; number < 3; number++) {
                equal(true, rows.next());
                int at = 1;
                for (String[] kind : kinds()) {
                    at++;
                    if (kind[1].startsWith("BIT") || kind[2].equals("time"))
                        continue; // the driver's own form
                    Object expected = number == 2 ? null : kind[3 + number];
                    if (expected != null && kind[2].equals("float"))
                        expected = Double.valueOf(kind[3 + number]);
                    if (expected != null && kind[2].equals("datetime"))
                        expected = Timestamp.valueOf(kind[3 + number]);
                    if (expected != null && kind[2].equals("decimal"))
                        expected = new BigDecimal(kind[3 + number]).toPlainString();
                    equal(kind[0] + " " + expected, kind[0] + " " + shown(rows, at, kind[2]));
                }
            }
        }
    }

    static void blobs(String options, int megabytes) throws Exception {
        byte[] content = new byte[megabytes << 20];
        for (int i = 0; i < content.length; i++)
            content[i] = (byte)i;
        try (Connection db = connect(options)) {
            update(db, "REPLACE INTO blobs VALUES (?, ?)", megabytes, content);
            try (PreparedStatement select = prepare(db, "SELECT content FROM blobs WHERE id = ?", megabytes); ResultSet rows = select.executeQuery()) {
                rows.next();
                equal(true, Arrays.equals(content, rows.getBytes(1)));
            }
        }
    }

    static void emoji(String options, String form) throws Exception {
        try (Connection db = connect(options)) {
            update(db, "INSERT INTO items (name) VALUES (?)", "😀 grüße " + form);
            equal("😀 grüße " + form, value(db, "SELECT name FROM items WHERE name = ?", "😀 grüße " + form));
        }
    }

    static List<String> results(Statement statement, boolean first) throws SQLException {
        List<String> found = new ArrayList<>();
        for (boolean rows = first; rows || statement.getUpdateCount() != -1; rows = statement.getMoreResults()) {
            if (!rows)
                continue;
            try (ResultSet result = statement.getResultSet()) {
                while (result.next())
                    found.add(result.getString(1));
            }
        }
        return found;
    }

    static void multiResults() throws Exception {
        try (Connection db = connect("&allowMultiQueries=true"); Statement statement = db.createStatement()) {
            equal(List.of("5", "6"), results(statement, statement.execute("SELECT 5; INSERT INTO items (name) VALUES ('multi'); SELECT 6")));
            equal(List.of("5", "6"), results(statement, statement.execute("CALL two_results(5)")));
            equal("1", value(db, "SELECT 1"));
        }
    }

    static void outParameters(String options) throws Exception {
        try (Connection db = connect(options); CallableStatement call = db.prepareCall("{CALL out_parameters(?, ?, ?)}")) {
            call.setInt(1, 21);
            call.registerOutParameter(2, Types.INTEGER);
            call.setString(3, "x");
            call.registerOutParameter(3, Types.VARCHAR);
            for (int times = 0; times < 2; times++) {
                call.execute();
                equal(42, call.getInt(2));
                equal("x was given", call.getString(3));
            }
            equal("1", value(db, "SELECT 1"));
        }
    }

    static void manyParameters(String options) throws Exception {
        Object[] numbers = new Object[200];
        Arrays.setAll(numbers, n -> n);
        try (Connection db = connect(options); PreparedStatement select = prepare(db, "SELECT ?" + ", ?".repeat(199), numbers); ResultSet row = select.executeQuery()) {
            row.next();
            for (int n = 0; n < 200; n++)
                equal(n, row.getInt(n + 1));
        }
    }

    static void fetched(String options) throws Exception {
        try (Connection db = connect(options)) {
            try (PreparedStatement select = prepare(db, "SELECT n, filler FROM numbers ORDER BY n")) {
                select.setFetchSize(10);
                try (ResultSet rows = select.executeQuery()) {
                    for (int n = 1; n <= 5000; n++) {
                        equal(true, rows.next());
                        equal(n, rows.getInt(1));
                    }
                    equal(false, rows.next());
                }
                try (ResultSet rows = select.executeQuery()) {
                    rows.next();
                }
            }
            equal("5000", value(db, "SELECT COUNT(*) FROM numbers"));
        }
    }

    /* Batches: rewritten into one, sent without waiting, or the bulk command of MariaDB. */
    static void batch(String options, String form) throws Exception {
        try (Connection db = connect(options)) {
            db.setAutoCommit(false);
            try (PreparedStatement insert = prepare(db, "INSERT INTO items (name, amount) VALUES (?, ?)")) {
                for (int n = 0; n < 500; n++) {
                    insert.setString(1, form + n);
                    insert.setInt(2, n);
                    insert.addBatch();
                }
                equal(500, insert.executeBatch().length);
            }
            db.commit();
            db.setAutoCommit(true);
            equal("500", value(db, "SELECT COUNT(*) FROM items WHERE name LIKE ?", form + "%"));
        }
    }

    static void loadData() throws Exception {
        StringBuilder content = new StringBuilder();
        for (int n = 0; n < 20000; n++)
            content.append(n).append("\tname ").append(n).append(" 😀\n");
        Path path = Path.of(System.getenv("DRIVER_TMP"), "rows");
        Files.write(path, content.toString().getBytes(StandardCharsets.UTF_8));
        try (Connection db = connect("")) {
            equal(20000, update(db, "LOAD DATA LOCAL INFILE '" + path + "' INTO TABLE loaded CHARACTER SET utf8mb4"));
            equal("name 19999 😀", value(db, "SELECT name FROM loaded WHERE id = 19999"));
        }
    }

    static void transaction(String options) throws Exception {
        final String insert = "INSERT INTO items (name) VALUES (?)";
        try (Connection db = connect(options)) {
            update(db, "DELETE FROM items WHERE name LIKE 'tx %'");
            db.setAutoCommit(false);
            update(db, insert, "tx 1");
            Savepoint here = db.setSavepoint("here");
            update(db, insert, "tx 2");
            db.rollback(here);
            db.commit();
            db.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            update(db, insert, "tx 3");
            db.rollback();
            db.setAutoCommit(true);
            equal(Connection.TRANSACTION_SERIALIZABLE, db.getTransactionIsolation());
            equal(List.of("tx 1"), column(db, "SELECT name FROM items WHERE name LIKE 'tx %'"));
        }
    }

    static void idsAndRows(String options, int first) throws Exception {
        try (Connection db = connect(options + "&useAffectedRows=true")) {
            update(db, "DELETE FROM items");
            update(db, "ALTER TABLE items AUTO_INCREMENT = " + first);
            try (PreparedStatement insert = prepare(db, "INSERT INTO items (name, amount) VALUES (?, 1)", "a")) {
                equal(1, insert.executeUpdate());
                ResultSet keys = insert.getGeneratedKeys();
                keys.next();
                equal(first, keys.getInt(1));
            }
            update(db, "INSERT INTO items (name, amount) VALUES (?, 2)", "b");
            equal(String.valueOf(first + 1), value(db, "SELECT LAST_INSERT_ID()"));
            equal(1, update(db, "UPDATE items SET amount = ?", 1));
        }
    }

    static void warnings(String options, String form) throws Exception {
        try (Connection db = connect(options + "&sessionVariables=sql_mode=''"); PreparedStatement insert = prepare(db, "INSERT INTO items (name, amount) VALUES (?, ?)", "warned " + form, "abc")) {
            insert.executeUpdate();
            equal(1366, insert.getWarnings().getErrorCode());
        }
    }

    /* Reset by the command, as its pool does. */
    static void pool() throws Exception {
        String id = null;
        for (int n = 0; n < 20; n++)
            try (Connection db = connect("&pool=true&maxPoolSize=1&useResetConnection=true" + PREPARED)) {
                equal(null, value(db, "SELECT @a"));
                update(db, "SET @a = 5");
                equal(String.valueOf(n), value(db, "SELECT ? + 0", n));
                String now = value(db, "SELECT CONNECTION_ID()");
                equal(id == null ? now : id, now);
                id = now;
            }
    }

    static void kill() throws Exception {
        try (Connection victim = connect(""); Connection other = connect(""); Statement sleep = other.createStatement()) {
            update(other, "INSERT IGNORE INTO items (name) VALUES ('to sleep on')");
            sleep.setQueryTimeout(1); // SET STATEMENT max_statement_time
            equal(true, codeOf(() -> sleep.executeQuery("SELECT SLEEP(20) FROM items LIMIT 1")) != 0);
            update(other, "KILL " + value(victim, "SELECT CONNECTION_ID()"));
            equal(true, codeOf(() -> value(victim, "SELECT 1")) != 0);
        }
        try (Connection db = connect(""); Statement sleep = db.createStatement()) {
            boolean[] ended = {false};
            Thread all = new Thread(() -> {
                while (!ended[0])
                    try {
                        Thread.sleep(50);
                        sleep.cancel(); // too early it does nothing: again, until the statement ends
                    } catch (Exception none) {
                        return;
                    }
            });
            all.setDaemon(true);
            all.start();
            int code = codeOf(() -> sleep.executeQuery("SELECT SLEEP(20) FROM items LIMIT 1"));
            ended[0] = true;
            equal(1317, code);
            equal("1", value(db, "SELECT 1"));
        }
    }

    static void compression() throws Exception {
        try (Connection db = connect("&useCompression=true" + PREPARED)) {
            equal(3000000, value(db, "SELECT REPEAT('x', 3000000)").length());
            equal("200000", value(db, "SELECT LENGTH(?)", "y".repeat(200000)));
        }
    }

    static void tls() throws Exception {
        try (Connection db = connect("&useSsl=true&serverSslCert=" + System.getenv("DRIVER_CA"))) {
            equal("1", value(db, "SELECT 1"));
        }
    }

    /* Some read has to get to where reads run; none has to at once. */
    static void reads(String options) throws Exception {
        List<String> readers = List.of(System.getenv("DRIVER_READERS").split(" "));
        long end = System.nanoTime() + 10_000_000_000L;
        String seen;
        do {
            try (Connection db = connect(options)) {
                seen = value(db, "SELECT @@server_id WHERE ?", 1);
            }
        } while (!readers.contains(seen) && System.nanoTime() < end);
        if (!readers.contains(seen))
            throw new Difference("expected server " + readers + ", got " + seen);
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0) {
            System.out.println(org.mariadb.jdbc.internal.util.constant.Version.version);
            return;
        }
        check("connect", Driver::connects);
        check("wrong password", () -> equal(1045, codeOf(() -> connect(SCHEMA, "wrong", ""))));
        check("unknown database", () -> equal(1049, codeOf(() -> connect("driver_gone", System.getenv("DRIVER_PASSWORD"), ""))));
        for (String form : new String[] {"text", "prepared"}) {
            String options = form.equals("text") ? "" : PREPARED;
            check("errors " + form, () -> errors(options, form));
            check("kinds " + form, () -> allKinds(options));
            for (int megabytes : new int[] {1, 17, 40})
                check("blob " + form + " " + megabytes + " MB", () -> blobs(options, megabytes));
            check("emoji " + form, () -> emoji(options, form));
            check("out parameters " + form, () -> outParameters(options));
            check("200 parameters " + form, () -> manyParameters(options));
            check("fetched by tens " + form, () -> fetched(options));
            check("batch " + form, () -> batch(options, "batch " + form));
            check("transaction " + form, () -> transaction(options));
            check("insert ids and affected rows " + form, () -> idsAndRows(options, form.equals("text") ? 1000 : 2000));
            check("warnings " + form, () -> warnings(options, form));
            check("reads " + form, () -> reads(options));
        }
        check("batch rewritten", () -> batch("&rewriteBatchedStatements=true", "rewritten "));
        check("multi results", Driver::multiResults);
        check("load data local", Driver::loadData);
        check("pool", Driver::pool);
        check("kill", Driver::kill);
        check("compression", Driver::compression);
        check("tls", Driver::tls);
        System.exit(failed ? 1 : 0);
    }
}
