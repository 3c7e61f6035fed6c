"""
checks.py - what the Python scripts share: lines of checks, the kinds of columns, and how values are shown.
"""
import datetime
import decimal
import os
import re
import sys
import time
import traceback

NAME = os.environ["DRIVER_NAME"]
HOST, PORT = os.environ.get("DRIVER_HOST"), int(os.environ.get("DRIVER_PORT", "0"))
USER, PASSWORD = os.environ.get("DRIVER_USER"), os.environ.get("DRIVER_PASSWORD")
SCHEMA = os.environ.get("DRIVER_SCHEMA")
READERS = os.environ.get("DRIVER_READERS", "").split()
MEGABYTE = 1 << 20
failed = False


def equal(expected, got):
    if expected != got:
        raise AssertionError(f"expected {brief(expected)}, got {brief(got)}")


def brief(value):
    text = repr(value)
    return text if len(text) < 300 else f"{text[:100]}... ({len(text)} characters)"


def check(what, run):
    global failed
    try:
        run()
        print(f"ok {NAME} {what}", flush=True)
    except Exception as error:
        failed = True
        words = str(error) if isinstance(error, AssertionError) else f"expected no error, got {error!r}"
        print(f"not ok {NAME} {what}: {' '.join(words.split())[:600]}", flush=True)
        if not isinstance(error, AssertionError):
            traceback.print_exc()


def finish():
    sys.exit(1 if failed else 0)


def until(condition, seconds=10):
    """The condition's value as soon as it is true; the last one after that time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


def reads_on_readers(server_id):
    """New replicas' turns and lag are the proxy's business: some read has to get there, none has to at once."""
    seen = []
    until(lambda: seen.append(str(server_id())) or seen[-1] in READERS)
    if seen[-1] not in READERS:
        raise AssertionError(f"expected server {' or '.join(READERS)}, got {seen[-1]}")


def kinds():
    with open(os.environ["DRIVER_KINDS"], encoding="utf-8") as lines:
        return [[word.strip() for word in line.split("|")] for line in lines if line.strip() and line[0] != "#"]


def shown(value, kind, sql_type):
    """As the file `kinds` has it."""
    if value is None:
        return None
    if kind == "float":
        return float(value)
    if kind == "bytes":
        return bytes(value).hex().upper()
    if isinstance(value, datetime.timedelta):
        return shown_span(value, sql_type)
    if isinstance(value, datetime.datetime):
        digits = int((re.findall(r"\((\d)\)", sql_type) or ["0"])[0])
        return value.strftime("%Y-%m-%d %H:%M:%S") + (f".{value.microsecond:06}"[:digits + 1] if digits else "")
    if isinstance(value, decimal.Decimal):
        return f"{value:f}"
    return value.decode() if isinstance(value, bytes) else str(value)


def shown_span(value, sql_type):
    micros = value // datetime.timedelta(microseconds=1)
    seconds, fraction = divmod(abs(micros), 1000000)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return ("-" if micros < 0 else "") + text + (f".{fraction:06}" if "(" in sql_type else "")


def check_kinds(rows):
    """Rows 1, 2, 3 of the table, without id."""
    equal(3, len(rows))
    for number, row in enumerate(rows):
        for (column, sql_type, kind, *values), value in zip(kinds(), row):
            expected = values[number] if number < 2 else None
            if kind == "float" and expected is not None:
                expected = float(expected)
            equal((column, expected), (column, shown(value, kind, sql_type)))


def blob(megabytes):
    """Every byte value, and no 16 MB of it like another."""
    size = megabytes * MEGABYTE
    return b"".join(bytes([(i + j) & 255 for i in range(257)]) * 256 for j in range(size // 65792 + 1))[:size]
