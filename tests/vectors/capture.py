#!/usr/bin/python3
"""Captures answers of a real MariaDB server as tests/vectors/*.bin, byte for byte as they came.

    capture.py [FOLDER]         starts a server of its own in a temporary folder, ends it, leaves only the vectors

A speaker of the protocol that knows just enough of it to say where an answer ends, and nothing of the C code it is
to test. Every answer is captured twice, for clients without and with DEPRECATE_EOF: NAME.eof.bin and NAME.ok.bin.
Packets of the connection phase are captured once, client's packets included: greeting.bin, login.bin, ...
"""

import hashlib
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, WITH_DB, LOCAL_FILES = 1, 2, 4, 8, 1 << 7
PROTOCOL_41, TRANSACTIONS, SECURE = 1 << 9, 1 << 13, 1 << 15
MULTI_STATEMENTS, MULTI_RESULTS, PS_MULTI_RESULTS, PLUGIN_AUTH = 1 << 16, 1 << 17, 1 << 18, 1 << 19
CONNECT_ATTRS, PLUGIN_LENENC, SESSION_TRACK, DEPRECATE_EOF = 1 << 20, 1 << 21, 1 << 23, 1 << 24
BASE = (LONG_PASSWORD | LONG_FLAG | LOCAL_FILES | PROTOCOL_41 | TRANSACTIONS | SECURE | MULTI_STATEMENTS
        | MULTI_RESULTS | PS_MULTI_RESULTS | PLUGIN_AUTH | CONNECT_ATTRS | PLUGIN_LENENC | SESSION_TRACK)
MORE_RESULTS, CURSOR_EXISTS = 8, 64


def lenenc(data):
    assert len(data) < 251
    return bytes([len(data)]) + data


def lenenc_at(data, at):
    size = {0xfc: 2, 0xfd: 3, 0xfe: 8}.get(data[at], 0)
    if not size:
        return data[at], at + 1
    return int.from_bytes(data[at + 1:at + 1 + size], "little"), at + 1 + size


def native_answer(password, scramble):
    if not password:
        return b""
    stage1 = hashlib.sha1(password).digest()
    mask = hashlib.sha1(scramble + hashlib.sha1(stage1).digest()).digest()
    return bytes(a ^ b for a, b in zip(stage1, mask))


class Connection:
    """One client. self.raw collects what the server sends, packet headers and all."""

    def __init__(self, path, capabilities, user=b"app", password=b"secret", database=b"v", plugin=None, extended=0):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.capabilities, self.raw, self.sent, self.last = capabilities, b"", b"", 0
        self.greeting = self.packet()
        self.greeting_raw, self.raw = self.raw, b""
        at = self.greeting.index(0, 1) + 5
        scramble = self.greeting[at:at + 8] + self.greeting[at + 27:at + 39]
        if database:
            capabilities |= WITH_DB
        attributes = b"".join(lenenc(x) for x in (b"_client_name", b"capture", b"program_name", b"vectors"))
        login = struct.pack("<IIB19xI", capabilities, 1 << 24, 45, extended) + user + b"\0"
        login += lenenc(native_answer(password, scramble) if not plugin else b"")
        login += database + b"\0" if database else b""
        login += (plugin or b"mysql_native_password") + b"\0" + lenenc(attributes)
        self.send(login, 1)
        self.login_sent = self.sent
        payload = self.packet()
        if payload[:1] == b"\xfe":
            self.switch_raw, self.raw = self.raw, b""
            self.send(native_answer(password, payload[payload.index(0, 1) + 1:-1]), self.last + 1)
            payload = self.packet()
        self.login_raw, self.raw = self.raw, b""
        self.ok = payload[0] == 0

    def read(self, length):
        data = b""
        while len(data) < length:
            part = self.socket.recv(length - len(data))
            assert part, "the server closed the connection"
            data += part
        self.raw += data
        return data

    def packet(self):
        payload = b""
        while True:
            header = self.read(4)
            length, self.last = int.from_bytes(header[:3], "little"), header[3]
            payload += self.read(length)
            if length < 0xffffff:
                return payload

    def send(self, payload, sequence=0):
        self.sent = struct.pack("<I", len(payload))[:3] + bytes([sequence & 255]) + payload
        self.socket.sendall(self.sent)

    def status_of(self, payload):
        if payload[0] == 0xfe and len(payload) == 5:
            return struct.unpack("<H", payload[3:5])[0]
        at = lenenc_at(payload, lenenc_at(payload, 1)[1])[1]
        return struct.unpack("<H", payload[at:at + 2])[0]

    def rows(self):
        """Up to the terminator. Returns its status, None for an ERR."""
        while True:
            payload = self.packet()
            if payload[0] == 0xff:
                return None
            if payload[0] == 0xfe and len(payload) < 0xffffff:
                return self.status_of(payload)

    def definitions(self, count):
        """Returns the status of their EOF, 0 if there is none."""
        for _ in range(count):
            self.packet()
        return 0 if self.capabilities & DEPRECATE_EOF else self.status_of(self.packet())

    def result(self, file=b""):
        """One result set or OK. Returns the status, None for an ERR."""
        payload = self.packet()
        while payload[:3] == b"\xff\xff\xff":  # a progress report
            payload = self.packet()
        if payload[0] == 0xff:
            return None
        if payload[0] == 0xfb:
            self.send(file, self.last + 1)
            self.send(b"", self.last + 2)
            payload = self.packet()
            return None if payload[0] == 0xff else self.status_of(payload)
        if payload[0] == 0:
            return self.status_of(payload)
        status = self.definitions(lenenc_at(payload, 0)[0])
        return status if status & CURSOR_EXISTS else self.rows()

    def query(self, sql, command=3, file=b""):
        """Returns the answer's bytes."""
        self.raw = b""
        self.send(bytes([command]) + sql)
        status = MORE_RESULTS
        while status is not None and status & MORE_RESULTS:
            status = self.result(file)
        return self.raw

    def simple(self, command):
        """A command that is answered by one packet."""
        self.raw = b""
        self.send(command)
        self.packet()
        return self.raw

    def prepare(self, sql):
        self.raw = b""
        self.send(b"\x16" + sql)
        payload = self.packet()
        if payload[0] == 0:
            self.statement, columns, parameters = struct.unpack("<IHH", payload[1:9])
            for count in filter(None, (parameters, columns)):
                self.definitions(count)
        return self.raw

    def execute(self, cursor=0, parameters=b""):
        """parameters: null bitmap, 1, types, values."""
        return self.query(struct.pack("<IBI", self.statement, cursor, 1) + parameters, command=0x17)

    def fetch(self, rows):
        self.raw = b""
        self.send(struct.pack("<BII", 0x1c, self.statement, rows))
        self.rows()
        return self.raw

    def fields(self, table):
        self.raw = b""
        self.send(b"\x04" + table + b"\0")
        self.rows()
        return self.raw


class Server:
    """A MariaDB of its own in a temporary folder."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="pointsman-vectors-")
        data, self.path = os.path.join(self.folder, "data"), os.path.join(self.folder, "s")
        user = ["--user=root"] if os.geteuid() == 0 else []
        subprocess.run(["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal",
                        "--skip-test-db", "--datadir=" + data] + user, check=True, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", "--skip-networking", "--datadir=" + data, "--socket=" + self.path,
             "--pid-file=" + data + "/pid", "--innodb-buffer-pool-size=16M", "--max-allowed-packet=64M",
             "--local-infile=1"] + user, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.socket(socket.AF_UNIX).connect(self.path)
                return self
            except OSError:
                assert time.monotonic() < deadline and self.process.poll() is None, "the server doesn't start"
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


SETUP = """
CREATE DATABASE v; USE v;
CREATE USER app@localhost IDENTIFIED BY 'secret'; GRANT ALL ON *.* TO app@localhost;
CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(40), note TEXT);
INSERT INTO t VALUES (1, 'one', NULL), (2, '', 'two'), (3, 'three', REPEAT('x', 300));
CREATE TABLE pairs (id INT, other INT); INSERT INTO pairs VALUES (1, 1), (2, 2), (3, 3), (3, 4);
CREATE PROCEDURE two() BEGIN SELECT id FROM t; SELECT name FROM t; END;
CREATE PROCEDURE outs(IN a INT, OUT b INT) BEGIN SELECT a; SET b = a + 1; END;
CREATE PROCEDURE handled() BEGIN DECLARE CONTINUE HANDLER FOR 1242 SET @seen = 1;
  SELECT id, (SELECT other FROM pairs WHERE pairs.id = t.id) FROM t; SELECT 'after'; END
"""

LATER_ERROR = b"SELECT id, (SELECT other FROM pairs WHERE pairs.id = t.id) FROM t"


def setup(path):
    root = Connection(path, BASE, b"root", b"", b"")
    # Statements end with ';' and a line end, but for routines' bodies: those go as one.
    for line in [x.strip() for x in SETUP.replace(";\n  SELECT", "; SELECT").split("\n")]:
        if line.startswith("CREATE PROCEDURE"):
            root.query(line.removesuffix("; END;") .encode() + (b"; END" if line.endswith("; END;") else b""))
        elif line:
            root.query(line.encode())


def answers(c):
    """Yields name and bytes of each captured answer."""
    yield "rows", c.query(b"SELECT id, name, note FROM t")
    yield "empty", c.query(b"SELECT id, name FROM t WHERE id = 0")
    yield "values", c.query(b"SELECT '' AS a, NULL AS b, 'x' AS c UNION ALL SELECT NULL, '', 'y'")
    yield "insert", c.query(b"INSERT INTO t VALUES (10, 'a', NULL), (11, 'b', NULL)")
    yield "delete", c.query(b"DELETE FROM t WHERE id >= 10")
    yield "returning", c.query(b"INSERT INTO t VALUES (12, 'r', NULL) RETURNING id, name")
    c.query(b"DELETE FROM t WHERE id >= 10")
    yield "multi", c.query(b"SELECT 1; DO 0; SELECT id FROM t; UPDATE t SET note = 'n' WHERE id = 1")
    yield "multi_err", c.query(b"SELECT 1; SELECT nosuch; SELECT 2")
    yield "err", c.query(b"SELECT nosuch FROM t")
    yield "err_late", c.query(LATER_ERROR)
    yield "call", c.query(b"CALL two()")
    yield "call_handled", c.query(b"CALL handled()")
    yield "infile", c.query(b"LOAD DATA LOCAL INFILE 'x' INTO TABLE t FIELDS TERMINATED BY ','", 3, b"20,a,b\n21,c,d\n")
    yield "infile_err", c.query(b"LOAD DATA LOCAL INFILE 'x' INTO TABLE t (nosuch)", 3, b"")
    c.query(b"DELETE FROM t WHERE id >= 10")
    yield "wide", c.query(b"SELECT " + b", ".join(b"%d" % x for x in range(260)))
    yield "begin", c.query(b"BEGIN")
    yield "rollback", c.query(b"ROLLBACK")
    yield "warning", c.query(b"SELECT 1 / 0, 'a' + 1")
    c.query(b"SET SESSION session_track_schema = 1, session_track_state_change = 1, "
            b"session_track_system_variables = 'autocommit,last_gtid,time_zone,sql_mode'")
    yield "track_use", c.query(b"USE mysql")
    yield "track_set", c.query(b"SET autocommit = 0, time_zone = '+00:00', sql_mode = 'ANSI_QUOTES'")
    c.query(b"SET autocommit = 1, sql_mode = ''")
    c.query(b"SET SESSION session_track_transaction_info = 'CHARACTERISTICS'")
    yield "track_begin", c.query(b"START TRANSACTION READ ONLY")
    yield "track_commit", c.query(b"COMMIT")
    yield "init_db", c.simple(b"\x02v")
    c.query(b"SET SESSION session_track_system_variables = '*'")
    yield "track_names", c.query(b"SET NAMES latin1")
    yield "prepare_plain", c.prepare(b"DO 0")
    yield "prepare_parameters", c.prepare(b"INSERT INTO t VALUES (?, ?, ?)")
    yield "prepare_columns", c.prepare(b"SELECT * FROM t")
    yield "execute", c.execute()
    yield "execute_cursor", c.execute(cursor=1)
    yield "fetch", c.fetch(2)
    yield "fetch_last", c.fetch(9)
    yield "prepare_both", c.prepare(b"SELECT id, name FROM t WHERE id > ? AND name <> ?")
    yield "prepare_err", c.prepare(b"SELECT nosuch")
    yield "stmt_reset", c.simple(struct.pack("<BI", 0x1a, c.statement))
    c.prepare(b"CALL outs(?, ?)")
    yield "execute_outs", c.execute(parameters=b"\0\1\3\0\3\0" + struct.pack("<ii", 5, 0))
    yield "ping", c.simple(b"\x0e")
    yield "statistics", c.simple(b"\x09")
    yield "set_option", c.simple(b"\x1b\0\0")
    yield "field_list", c.fields(b"t")
    yield "field_list_err", c.fields(b"nosuch")
    yield "process_info", c.query(b"", command=0x0a)
    yield "unknown", c.simple(b"\x63")
    yield "debug", c.simple(b"\x0d")
    yield "reset_connection", c.simple(b"\x1f")


def connection_phase(path):
    good = Connection(path, BASE | DEPRECATE_EOF)
    yield "greeting", good.greeting_raw
    yield "login", good.login_sent
    yield "login_ok", good.login_raw
    yield "login_wrong", Connection(path, BASE, password=b"wrong").login_raw
    yield "login_database", Connection(path, BASE, database=b"nosuch").login_raw
    yield "auth_switch", Connection(path, BASE, plugin=b"dialog").switch_raw
    good.raw = b""
    good.send(b"\x11app\0\0v\0\x2d\0mysql_native_password\0\0")
    yield "change_user", good.sent
    assert good.packet()[0] == 0xfe
    yield "change_user_switch", good.raw


def others(path):
    plain = Connection(path, BASE & ~SESSION_TRACK)
    yield "insert_untracked", plain.query(b"INSERT INTO t VALUES (10, 'a', NULL), (11, 'b', NULL)")
    plain.query(b"DELETE FROM t WHERE id >= 10")
    # MariaDB's extended capability 0 asks for progress reports; it counts where CLIENT_MYSQL is not set.
    watcher = Connection(path, BASE & ~LONG_PASSWORD, extended=1)
    watcher.query(b"CREATE TABLE long_t (a INT) ENGINE=MyISAM SELECT seq AS a FROM seq_1_to_20000")
    watcher.query(b"SET progress_report_time = 1")
    yield "progress", watcher.query(b"ALTER TABLE long_t ADD KEY (a), ADD COLUMN b INT FIRST, ALGORITHM=COPY")


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    with Server() as server:
        setup(server.path)
        vectors = list(connection_phase(server.path))
        for kind, capabilities in (("eof", BASE), ("ok", BASE | DEPRECATE_EOF)):
            connection = Connection(server.path, capabilities)
            vectors += [("%s.%s" % (name, kind), raw) for name, raw in answers(connection)]
        vectors += others(server.path)
    for name, raw in vectors:
        with open(os.path.join(folder, name + ".bin"), "wb") as file:
            file.write(raw)
    print("%d vectors, %d bytes" % (len(vectors), sum(len(raw) for _, raw in vectors)))


if __name__ == "__main__":
    main()
