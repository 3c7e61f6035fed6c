"""
fixture.py - a driver's schema: what its checks find there, made on the primary and waited for on the replicas.

    kinds     a column a type of the file `kinds`: two rows of values, one of NULLs
    items     what checks write to
    numbers   5000 rows to be read one after another
    blobs     long values; not of InnoDB, for which they cost much
    loaded    what LOAD DATA LOCAL fills
    two_results(n), out_parameters(given, doubled, text)
"""
import os

import pymysql

HERE = os.path.dirname(os.path.abspath(__file__))

TABLES = """
CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) UNIQUE, amount INT)
CREATE TABLE numbers (n INT PRIMARY KEY, filler VARCHAR(200))
INSERT INTO numbers SELECT seq, REPEAT('n', 200) FROM seq_1_to_5000
CREATE TABLE blobs (id INT PRIMARY KEY, content LONGBLOB) ENGINE=MyISAM
CREATE TABLE loaded (id INT PRIMARY KEY, name VARCHAR(100))
CREATE DEFINER={app} PROCEDURE two_results(IN n INT) BEGIN SELECT n AS n; SELECT n + 1 AS n, 'two' AS word; END
CREATE DEFINER={app} PROCEDURE out_parameters(IN given INT, OUT doubled INT, INOUT text VARCHAR(100)) \
    BEGIN SET doubled = given * 2; SET text = CONCAT(text, ' was given'); END
"""


def kinds():
    with open(os.path.join(HERE, "kinds"), encoding="utf-8") as lines:
        return [[word.strip() for word in line.split("|")] for line in lines if line.strip() and line[0] != "#"]


def connect(role):
    return pymysql.connect(unix_socket=os.environ[f"PM_{role}_SOCKET"], user=os.environ["PM_ROOT_USER"],
                           password=os.environ["PM_ROOT_PASSWORD"], autocommit=True, charset="utf8mb4")


def statements(schema):
    yield f"CREATE DATABASE {schema} CHARACTER SET utf8mb4"
    yield f"GRANT ALL ON {schema}.* TO {os.environ['PM_APP_USER']}@'%'"
    yield f"GRANT SELECT ON {schema}.* TO {os.environ['PM_REPORT_USER']}@'%'"
    # The account must be allowed to see that a schema is not there.
    yield f"GRANT ALL ON driver_gone.* TO {os.environ['PM_APP_USER']}@'%'"
    yield f"USE {schema}"
    yield "CREATE TABLE kinds (id INT PRIMARY KEY, " + ", ".join(f"{kind[0]} {kind[1]}" for kind in kinds()) + ")"
    for row in 1, 2:
        values = [f"0x{kind[2 + row]}" if kind[2] == "bytes" else "'" + kind[2 + row].replace("\\", "\\\\").replace("'", "''") + "'"
                  for kind in kinds()]
        yield f"INSERT INTO kinds VALUES ({row}, {', '.join(values)})"
    yield "INSERT INTO kinds (id) VALUES (3)"
    yield from (line for line in TABLES.replace("\\\n", "").replace("{app}", f"{os.environ['PM_APP_USER']}@'%'").splitlines() if line)


def make(schema):
    drop(schema)
    with connect("PRIMARY") as primary, primary.cursor() as cursor:
        for statement in statements(schema):
            cursor.execute(statement)
        cursor.execute("SELECT @@GLOBAL.gtid_current_pos")
        position = cursor.fetchone()[0]
    for number in range(1, int(os.environ["PM_SERVERS"])):
        with connect(f"REPLICA{number}") as replica, replica.cursor() as cursor:
            cursor.execute("SELECT MASTER_GTID_WAIT(%s, 60)", (position,))
            if cursor.fetchone()[0] != 0:
                raise RuntimeError(f"replica {number} does not get to {position}")


def drop(schema):
    """Old binary logs go as well: they hold every blob."""
    with connect("PRIMARY") as primary, primary.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {schema}")
    for number in range(1, int(os.environ["PM_SERVERS"])):
        with connect(f"REPLICA{number}") as replica, replica.cursor() as cursor:
            cursor.execute("PURGE BINARY LOGS BEFORE NOW()")
    with connect("PRIMARY") as primary, primary.cursor() as cursor:
        cursor.execute("PURGE BINARY LOGS BEFORE NOW()")
