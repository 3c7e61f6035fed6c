"""
dbapi.py - PyMySQL, and mysqlclient, which has the same interface: text statements only.
"""
import os
import sys
import threading

import checks
from checks import HOST, NAME, PASSWORD, PORT, SCHEMA, USER, check, equal

if NAME == "PyMySQL":
    import pymysql as driver
    import pymysql.cursors as cursors
    from pymysql.constants import CLIENT
else:
    import MySQLdb as driver
    import MySQLdb.cursors as cursors
    from MySQLdb.constants import CLIENT


def connect(**more):
    options = {"host": HOST, "port": PORT, "user": USER, "password": PASSWORD, "database": SCHEMA, "charset": "utf8mb4",
               "autocommit": True, "local_infile": 1}
    if NAME == "PyMySQL":
        options["max_allowed_packet"] = 64 * checks.MEGABYTE
    return driver.connect(**options | more)


def query(connection, sql, arguments=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchall()


def value(connection, sql, arguments=None):
    return query(connection, sql, arguments)[0][0]


def code_of(run):
    try:
        run()
    except driver.Error as error:
        return error.args[0]
    return 0


def connects():
    db = connect()
    equal(SCHEMA, value(db, "SELECT DATABASE()"))
    equal(db.thread_id(), value(db, "SELECT CONNECTION_ID()"))
    equal(None, db.ping())
    db.close()


def errors():
    db = connect()
    equal(1064, code_of(lambda: query(db, "SELEC 1")))
    equal(1146, code_of(lambda: query(db, "SELECT * FROM no_such_table")))
    query(db, "INSERT INTO items (name) VALUES ('once')")
    equal(1062, code_of(lambda: query(db, "INSERT INTO items (name) VALUES ('once')")))
    equal(1, value(db, "SELECT 1"))


def kinds():
    db = connect()
    query(db, "SET time_zone = '+00:00'")
    with db.cursor() as cursor:
        cursor.execute("SELECT * FROM kinds ORDER BY id")
        equal(["id"] + [kind[0] for kind in checks.kinds()], [column[0] for column in cursor.description])
        checks.check_kinds([row[1:] for row in cursor.fetchall()])


def blobs(megabytes):
    db, content = connect(), checks.blob(megabytes)
    query(db, "REPLACE INTO blobs VALUES (%s, _binary %s)", (megabytes, content))
    equal(content, value(db, "SELECT content FROM blobs WHERE id = %s", (megabytes,)))


def emoji():
    db, text = connect(), "😀 grüße 日本"
    query(db, "INSERT INTO items (name) VALUES (%s)", (text,))
    equal(text, value(db, "SELECT name FROM items WHERE name = %s", (text,)))
    with db.cursor() as cursor:
        cursor.execute("SELECT 1 AS `größe`")
        equal("größe", cursor.description[0][0])


def multi_results():
    db = connect(client_flag=CLIENT.MULTI_STATEMENTS)
    with db.cursor() as cursor:
        cursor.execute("SELECT 1; INSERT INTO items (name) VALUES ('multi'); SELECT 'b', 'c'")
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
    equal([((1,),), (), (("b", "c"),)], found)
    with db.cursor() as cursor:
        cursor.execute("SELECT 1; SELEC 2")
        equal(1064, code_of(cursor.nextset))
    equal(1, value(db, "SELECT 1"))


def call():
    db = connect()
    with db.cursor() as cursor:
        cursor.callproc("two_results", (5,))
        found = [cursor.fetchall()]
        while cursor.nextset():
            found.append(cursor.fetchall())
    equal([((5,),), ((6, "two"),), ()], found)


def out_parameters():
    db = connect()
    with db.cursor() as cursor:
        cursor.callproc("out_parameters", (21, 0, "x"))
        cursor.execute("SELECT @_out_parameters_1, @_out_parameters_2")
        equal(((42, "x was given"),), cursor.fetchall())


def many_parameters():
    numbers = tuple(range(200))
    equal((numbers,), query(connect(), "SELECT " + ",".join(["%s"] * 200), numbers))


def unbuffered():
    db = connect()
    with db.cursor(cursors.SSCursor) as cursor:
        cursor.execute("SELECT n, filler FROM numbers ORDER BY n")
        equal((1, "n" * 200), cursor.fetchone())
        equal(list(range(2, 5001)), [row[0] for row in cursor])
    with db.cursor(cursors.SSCursor) as cursor:
        cursor.execute("SELECT n, filler FROM numbers ORDER BY n")
        cursor.fetchone()
    equal(5000, value(db, "SELECT COUNT(*) FROM numbers"))


def load_data():
    path = os.path.join(os.environ["DRIVER_TMP"], "rows")
    with open(path, "w", encoding="utf-8") as rows:
        rows.writelines(f"{n}\tname {n} 😀\n" for n in range(20000))
    db = connect()
    with db.cursor() as cursor:
        cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE loaded CHARACTER SET utf8mb4")
        equal(20000, cursor.rowcount)
    equal(((20000, "name 19999 😀"),), query(db, "SELECT (SELECT COUNT(*) FROM loaded), name FROM loaded WHERE id = 19999"))
    absent = code_of(lambda: query(db, f"LOAD DATA LOCAL INFILE '{path}.absent' INTO TABLE loaded"))
    equal(True, absent in (1017, 2))
    equal(1, value(db if NAME != "PyMySQL" else connect(), "SELECT 1"))


def load_data_plain():
    """Without a character set the schema's counts, whatever the connection was used for before."""
    path = os.path.join(os.environ["DRIVER_TMP"], "word")
    with open(path, "w", encoding="utf-8") as rows:
        rows.write("1\tgrüße\n")
    for _ in range(20):
        before = connect()
        query(before, "CREATE TEMPORARY TABLE passing (n INT)")
        before.close()
        db = connect()
        query(db, "DELETE FROM loaded")
        query(db, f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE loaded")
        equal("grüße", value(db, "SELECT name FROM loaded"))


def transaction():
    db = connect(autocommit=False)
    query(db, "INSERT INTO items (name) VALUES ('tx 1')")
    query(db, "SAVEPOINT here")
    query(db, "INSERT INTO items (name) VALUES ('tx 2')")
    equal(2, value(db, "SELECT COUNT(*) FROM items WHERE name LIKE 'tx %'"))
    query(db, "ROLLBACK TO SAVEPOINT here")
    db.commit()
    query(db, "INSERT INTO items (name) VALUES ('tx 3')")
    db.rollback()
    equal((("tx 1",),), query(db, "SELECT name FROM items WHERE name LIKE 'tx %'"))


def ids_and_rows():
    db = connect()
    query(db, "DELETE FROM items")
    query(db, "ALTER TABLE items AUTO_INCREMENT = 1000")
    with db.cursor() as cursor:
        cursor.execute("INSERT INTO items (name, amount) VALUES ('a', 1), ('b', 1)")
        equal((1000, 2), (cursor.lastrowid, cursor.rowcount))
        equal(1000, value(db, "SELECT LAST_INSERT_ID()"))
        cursor.executemany("INSERT INTO items (name, amount) VALUES (%s, %s)", [("c", 3), ("d", 4), ("e", 5)])
        equal((1002, 3), (cursor.lastrowid, cursor.rowcount))
        cursor.execute("UPDATE items SET amount = 1 WHERE amount IN (1, 3)")
        equal(1, cursor.rowcount if NAME == "PyMySQL" else db.affected_rows())
    with connect(client_flag=CLIENT.FOUND_ROWS).cursor() as cursor:
        cursor.execute("UPDATE items SET amount = 1 WHERE amount = 1")
        equal(3, cursor.rowcount)


def warnings():
    db = connect()
    query(db, "SET SESSION sql_mode = ''")
    query(db, "INSERT INTO items (name, amount) VALUES ('warned', 'abc')")
    equal(1366, query(db, "SHOW WARNINGS")[0][1])
    query(db, "SELECT COUNT(*) FROM items")
    equal((), query(db, "SHOW WARNINGS"))


def change_user():
    db = connect()
    query(db, "SET @a = 1")
    db.change_user(os.environ["DRIVER_OTHER_USER"], os.environ["DRIVER_OTHER_PASSWORD"], SCHEMA)
    equal(os.environ["DRIVER_OTHER_USER"], value(db, "SELECT CURRENT_USER()").split("@")[0])
    equal(((None, SCHEMA),), query(db, "SELECT @a, DATABASE()"))
    equal(1045, code_of(lambda: db.change_user(USER, "wrong", SCHEMA)))


def kill():
    victim, other = connect(), connect()
    query(other, "KILL %s", (victim.thread_id(),))
    equal(True, checks.until(lambda: code_of(lambda: query(victim, "SELECT 1")) in (2006, 2013, 1927)))
    victim, met = connect(), []
    thread = threading.Thread(target=lambda: met.append(code_of(lambda: query(victim, "SELECT SLEEP(20) FROM items LIMIT 1"))))
    query(other, "INSERT IGNORE INTO items (name) VALUES ('to sleep on')")
    thread.start()
    checks.until(lambda: query(other, "KILL QUERY %s", (victim.thread_id(),)) and False or met)
    thread.join()
    equal(1, len(met))
    equal(1, value(victim, "SELECT 1"))


def compression():
    db = connect(compress=True)
    equal("x" * 3000000, value(db, "SELECT REPEAT('x', 3000000)"))
    equal(200000, value(db, "SELECT LENGTH(%s)", ("y" * 200000,)))


def tls():
    ca = os.environ["DRIVER_CA"]
    db = connect(ssl={"ca": ca})
    equal(True, value(db, "SELECT 1") == 1 and (NAME != "PyMySQL" or db._secure))


def main():
    if "--version" in sys.argv:
        print(driver.__version__)
        return
    check("connect", connects)
    check("wrong password", lambda: equal(1045, code_of(lambda: connect(password="wrong"))))
    check("unknown database", lambda: equal(1049, code_of(lambda: connect(database="driver_gone"))))
    check("errors", errors)
    check("kinds text", kinds)
    for megabytes in 1, 17, 40:
        check(f"blob text {megabytes} MB", lambda: blobs(megabytes))
    check("emoji", emoji)
    check("multi results", multi_results)
    check("call", call)
    check("out parameters", out_parameters)
    check("200 parameters text", many_parameters)
    check("unbuffered", unbuffered)
    check("load data local", load_data)
    check("load data local by the schema's characters", load_data_plain)
    check("transaction", transaction)
    check("insert ids and affected rows", ids_and_rows)
    check("warnings", warnings)
    if NAME != "PyMySQL":
        check("change user", change_user)
        check("compression", compression)
    check("kill", kill)
    check("tls", tls)
    check("reads text", lambda: checks.reads_on_readers(lambda: value(connect(), "SELECT @@server_id")))
    checks.finish()


main()
