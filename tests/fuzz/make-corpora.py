#!/usr/bin/python3
"""Makes the protocol targets' seed corpora (tests/fuzz/corpus/NAME/) from the captured packets of tests/vectors.

Run from the repository's top folder after capturing anew. Files that fuzzing found are named by their hash and left
alone.
"""

import glob
import os
import struct

EVERYTHING = struct.pack("<I", 0xffffffff)
SHAPES = {"prepare": 4, "fetch": 5, "field": 3, "statistics": 2, "ping": 1, "set_option": 1, "init_db": 1,
          "stmt_reset": 1, "reset": 1, "debug": 1, "unknown": 1}


def read(name):
    with open("tests/vectors/%s.bin" % name, "rb") as file:
        return file.read()


def write(target, name, data):
    os.makedirs("tests/fuzz/corpus/" + target, exist_ok=True)
    with open("tests/fuzz/corpus/%s/%s" % (target, name), "wb") as file:
        file.write(data)


def shape_of(name):
    return next((shape for prefix, shape in SHAPES.items() if name.startswith(prefix)), 0)


def entry(kind, *texts):
    """One tracked entry, of a name and a value or of one text."""
    data = b"".join(bytes([len(text)]) + text for text in texts)
    return bytes([kind, len(data)]) + data


def states():
    """Two states each: what their differences are made of."""
    room = struct.pack("<H", 4000)
    variable = lambda name, value: entry(0, name, value)
    cases = {
        "none": (b"", b""),
        "schema": (entry(1, b"shop"), entry(1, b"stock")),
        "no-schema": (entry(1, b"shop"), entry(1, b"")),
        "variables": (variable(b"sql_mode", b"ANSI"), variable(b"time_zone", b"+05:30") + variable(b"autocommit", b"OFF")),
        "quotes": (b"", variable(b"a", b"it's \"x\"") + variable(b"b", b"\\") + variable(b"c", b"\xc3\xa4\0")),
        "charset": (entry(3, b"latin1") + variable(b"character_set_results", b""), entry(3, b"utf8mb4 COLLATE utf8mb4_bin")),
        "users": (entry(5, b"1"), entry(5, b"'x`y'") + entry(3, b"gbk")),
        "null": (variable(b"innodb_tmpdir", b""), variable(b"system_versioning_asof", b"DEFAULT")),
    }
    for name, (before, after) in cases.items():
        write("state", name, room + before + b"\xee" + after)
    write("state", "no-room", b"\x05\0" + b"\xee" + variable(b"a", b"12345"))
    write("state", "cut", room + variable(b"a", b"1")[:-1] + b"\xee" + b"\0\xfa")


def main():
    greeting, login, change_user = read("greeting")[4:], read("login")[4:], read("change_user")[4:]
    write("greeting", "mariadb", greeting)
    write("greeting", "mysql", b"\x0a9.7.4\0\7\0\0\0abcdefgh\0\xff\xff\xff\2\0\xff\xdf\x15" + bytes(10)
          + b"abcdefghijkl\0caching_sha2_password\0")
    write("login", "everything", EVERYTHING + login)
    write("login", "overlong", EVERYTHING + login[:36] + b"\xfe" + b"\xff" * 8 + login[37:])
    write("login", "attributes-cut", EVERYTHING + login[:-3])
    write("login", "ssl-request", EVERYTHING + struct.pack("<IIB23x", 0x0a00, 1 << 24, 45))
    write("login", "ssl-request-oversize", EVERYTHING + struct.pack("<IIB23x", 0x0a00, 1 << 24, 45) + b"me\0\0")
    write("change_user", "captured", EVERYTHING + change_user)
    write("change_user", "attributes", EVERYTHING + change_user[:-1] + b"\4\1k\1v")
    write("change_user", "attributes-cut", EVERYTHING + change_user[:-1] + b"\4\1k\xfc\xff")
    write("auth_switch", "login", read("auth_switch")[4:])
    write("auth_switch", "change-user", read("change_user_switch")[4:])
    for name in ("insert.ok", "track_use.ok", "track_set.ok", "track_names.ok", "track_begin.ok", "login_ok", "err.ok"):
        write("answer", name, b"\1" + read(name)[4:])
    write("answer", "insert_untracked", b"\0" + read("insert_untracked")[4:])
    write("answer", "eof", b"\1\xfe\1\0\2\0")
    states()
    for path in glob.glob("tests/vectors/*.eof.bin") + glob.glob("tests/vectors/*.ok.bin"):
        name = os.path.basename(path).removesuffix(".bin")
        if os.path.getsize(path) < 1024:
            head = bytes([shape_of(name), 4 | name.endswith(".ok"), 0x34, 0x12])
            write("result", name, head + read(name))
    write("result", "progress", b"\0\4\1\1" + read("progress"))


if __name__ == "__main__":
    main()
