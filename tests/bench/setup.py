"""What is to be measured, whether it can be here, and on what machine: for `run`."""
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

MIXES = {
    # What sysbench runs, more of its options, and whether it must go to the primary.
    "point_select": ("oltp_point_select", [], False),
    "read_only": ("oltp_read_only", ["--skip-trx=on"], False),
    "read_write": ("oltp_read_write", [], True),
    # Not by default: the same, prepared by the binary protocol.
    "prepared": ("oltp_point_select", ["--db-ps-mode=auto"], False),
    # Not by default: reads within transactions, which the proxy takes to the primary and the others don't.
    "read_only_trx": ("oltp_read_only", [], False),
}
TARGETS = ["direct", "haproxy", "relay", "pointsman"]
PROGRAMS = ["sysbench", "haproxy", "mariadbd", "mariadb", "setpriv", "gnuplot"]
BUILT = ["pointsman", "tests/pm-cluster", "tests/bench/relay", "tests/bench/idle", "tests/bench/sql_read"]
SERVER_OPTIONS = ["--innodb-buffer-pool-size=128M", "--open-files-limit=16384", "--table-open-cache=2000"]
TABLE_ROWS = 10000

os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"


@dataclass
class Plan:
    build: str
    duration: float
    rounds: int
    clients: list
    mixes: list
    targets: list
    idle: int
    builds: list  # (name, binary, [ini lines])

    @property
    def max_connections(self):  # of each server: all clients direct, what proxies keep, all idle ones through a relay
        return max(self.clients) * (2 + len(self.builds)) + self.idle + 200


def refuse(why):
    sys.exit(f"bench: {why}")


def number(name, default, least):
    text = os.environ.get(name, default)
    try:
        value = float(text)
    except ValueError:
        value = least - 1
    if value < least:
        refuse(f"{name}={text}: a number of at least {least} is wanted")
    return value


def choice(name, known, default):
    chosen = os.environ.get(name, default).replace(",", " ").split()
    for item in chosen:
        if item not in known:
            refuse(f"{name}: no {item}; there are {', '.join(known)}")
    return chosen or refuse(f"{name} is empty")


def more_builds():
    builds = []
    for item in os.environ.get("BUILDS", "").split():
        name, _, rest = item.partition("=")
        binary, *lines = rest.split(",")
        if not name or not os.access(binary, os.X_OK):
            refuse(f"BUILDS: {item} is not NAME=BINARY[,KEY=VALUE...] with a program that exists")
        builds.append((name, binary, lines))
    return builds


def plan():
    clients = os.environ.get("CLIENTS", "1,16,64,512").replace(",", " ").split()
    if not clients or not all(n.isdigit() and int(n) > 0 for n in clients):
        refuse("CLIENTS must be a list of numbers above 0")
    return Plan(
        build=os.path.abspath(os.environ.get("BUILD", "build")),
        duration=number("DURATION", "5", 1),
        rounds=int(number("ROUNDS", "3", 1)),
        clients=[int(n) for n in clients],
        mixes=choice("MIXES", MIXES, "point_select,read_only,read_write"),
        targets=choice("TARGETS", TARGETS, ",".join(TARGETS)),
        idle=int(number("IDLE", "2000", 0)),
        builds=more_builds(),
    )


# ---- may it be measured here?


def check_build(plan):
    for name in BUILT:
        if not os.access(os.path.join(plan.build, name), os.X_OK):
            refuse(f"{plan.build}/{name} is not built; `make bench` does so")
    with open(os.path.join(plan.build, "flags")) as file:
        flags = file.read()
    if "-fsanitize" in flags or not re.search(r"-O[23]\b", flags):
        refuse(f"{plan.build} was built with a sanitizer or without -O2: its figures would mean nothing")


def check_files(plan):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * max(plan.clients + [plan.idle]) + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        refuse(f"{wanted} open files are needed, ulimit -Hn allows {hard}; lower CLIENTS or IDLE")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def check(plan):
    """Before anything is started."""
    missing = [program for program in PROGRAMS if not shutil.which(program)]
    if missing:
        refuse(f"not installed: {', '.join(missing)}; `make deps` does so")
    check_build(plan)
    check_files(plan)
    for variable in ("LD_PRELOAD", "VALGRIND_LIB"):
        if os.environ.get(variable):
            refuse(f"{variable} is set: that is another program than users have")


def sql(server, statement, wait=30):
    """Runs a statement as root on PRIMARY, REPLICA1, ...; its rows' text."""
    command = ["mariadb", "--no-defaults", "-NB", "-uroot", "-S", os.environ[f"PM_{server}_SOCKET"], "-e", statement]
    done = subprocess.run(command, capture_output=True, text=True, timeout=wait)
    if done.returncode:
        refuse(f"{server}: {done.stderr.strip()}")
    return done.stdout.strip()


def servers():
    return ["PRIMARY"] + [f"REPLICA{n}" for n in range(1, int(os.environ["PM_SERVERS"]))]


def check_servers(plan):
    """When the set runs."""
    if len(servers()) < 3:
        refuse("a primary and two replicas are needed")
    for server in servers():
        log, allowed = sql(server, "SELECT @@general_log, @@max_connections").split()
        if log != "0":
            refuse(f"{server} has its general log on")
        if int(allowed) < plan.max_connections:
            refuse(f"{server} allows {allowed} connections, {plan.max_connections} are needed")


# ---- data


def sysbench(arguments):
    return ["setpriv", "--pdeathsig", "KILL", "sysbench", "--db-driver=mysql", "--db-ps-mode=disable",
            "--mysql-host=127.0.0.1", f"--mysql-user={os.environ['PM_APP_USER']}",
            f"--mysql-password={os.environ['PM_APP_PASSWORD']}", f"--mysql-db={os.environ['PM_SCHEMA']}",
            "--tables=1", f"--table-size={TABLE_ROWS}"] + arguments


def fill(plan):
    """The table, on all servers."""
    prepare = sysbench([f"--mysql-port={os.environ['PM_PRIMARY_PORT']}", "oltp_read_write", "prepare"])
    done = subprocess.run(prepare, capture_output=True, text=True, timeout=120)
    if done.returncode:
        refuse("sysbench prepare: " + done.stdout + done.stderr)
    position = sql("PRIMARY", "SELECT @@gtid_binlog_pos")
    for server in servers()[1:]:
        if sql(server, f"SELECT MASTER_GTID_WAIT('{position}', 60)", 90) != "0":
            refuse(f"{server} does not get the table")


# ---- the machine


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except OSError:
        return "unknown"
    return (done.stdout + done.stderr).strip().split("\n")[0]


def cpu_model():
    with open("/proc/cpuinfo") as file:
        found = re.search(r"model name\s*:\s*(.*)", file.read())
    return found.group(1) if found else platform.machine()


def memory_gb():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def revision():
    root = os.path.dirname(os.path.abspath(__file__))
    commit = first_line("git", "-C", root, "describe", "--always", "--dirty")
    return "" if commit.startswith(("fatal", "unknown")) else f" ({commit})"


def describe(plan):
    """(what, text) of the machine and the programs, before the load begins."""
    load = os.getloadavg()[0]
    busy = " - it was busy with something else: believe the ratios, not the figures" if load > 1 else ""
    return [
        ("processor", f"{cpu_model()}, {os.cpu_count()} cores"),
        ("memory", f"{memory_gb():.0f} GB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("Pointsman", first_line(os.path.join(plan.build, "pointsman"), "--version") + revision()),
        ("servers", first_line("mariadbd", "--version") + "; a primary, two replicas"),
        ("HAProxy", first_line("haproxy", "-v")),
        ("load", first_line("sysbench", "--version") + f"; a table of {TABLE_ROWS} rows; everything on this machine"),
        ("before", f"load average {load:.2f}{busy}"),
        ("date", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())),
        ("command", f"DURATION={plan.duration:g} ROUNDS={plan.rounds} CLIENTS={','.join(map(str, plan.clients))} "
                    f"MIXES={','.join(plan.mixes)} make bench"),
    ]
