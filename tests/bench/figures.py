"""One measurement: sysbench's figures, and what the process between it and the servers used; for `run`."""
import os
import re
import subprocess
import time

import setup

TICK_US = 1000000 / os.sysconf("SC_CLK_TCK")
ESTABLISHED = "01"

# ---- a process


def cpu_us(pid):
    """User and system time of all its threads."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_US


def status_kb(pid, key):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(rf"^{key}:\s+(\d+) kB", file.read(), re.M).group(1))


def forget_peak(pid):
    """VmHWM begins anew, at what is resident now."""
    with open(f"/proc/{pid}/clear_refs", "w") as file:
        file.write("5")


def socket_inodes(pid):
    inodes = set()
    for fd in os.scandir(f"/proc/{pid}/fd"):
        try:
            link = os.readlink(fd.path)
        except OSError:
            continue
        if link.startswith("socket:["):
            inodes.add(link[8:-1])
    return inodes


def backend_connections(pid):
    """Its established connections to the servers' ports."""
    ports = {int(os.environ[f"PM_{server}_PORT"]) for server in setup.servers()}
    with open("/proc/net/tcp") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    to_servers = {row[9] for row in rows if row[3] == ESTABLISHED and int(row[2].split(":")[1], 16) in ports}
    return len(to_servers & socket_inodes(pid))


# ---- sysbench


def percentiles(text, wanted=(50, 95, 99)):
    """Of the histogram: the bucket that the percentile falls into; ms."""
    buckets = [(float(value), int(count)) for value, count in
               re.findall(r"^\s*([\d.]+) \|\**\s+(\d+)$", text, re.M)]
    total, seen, found = sum(count for _, count in buckets), 0, {}
    for value, count in buckets:
        seen += count
        for percent in wanted:
            if percent not in found and seen * 100 >= total * percent:
                found[percent] = value
    return {f"p{percent}": found.get(percent) for percent in wanted}


def read_output(text):
    """None if it isn't the report of a good run."""
    queries = re.search(r"^\s+total:\s+(\d+)$", text, re.M)
    rate = re.search(r"^\s+queries:\s+\d+\s+\(([\d.]+) per sec", text, re.M)
    if not queries or not rate or int(queries.group(1)) == 0:
        return None
    return {"queries": int(queries.group(1)), "qps": float(rate.group(1))} | percentiles(text)


def run_sysbench(command, pid, seconds):
    """(Its output, the most backend connections seen while it ran.)"""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    most, end = 0, time.monotonic() + seconds + 60
    while True:
        try:
            return process.communicate(timeout=max(0.5, seconds / 4))[0], most
        except subprocess.TimeoutExpired:
            if pid:
                most = max(most, backend_connections(pid))
            if time.monotonic() > end:
                process.kill()


def measure(target, mix, clients, seconds):
    script, options, _ = setup.MIXES[mix]
    pid = target.process(mix)
    command = setup.sysbench([f"--mysql-port={target.port(mix)}", f"--threads={clients}", f"--time={seconds:g}",
                              "--histogram=on"] + options + [script, "run"])
    if pid:
        forget_peak(pid)
        before = cpu_us(pid)
    output, connections = run_sysbench(command, pid, seconds)
    result = read_output(output)
    if not result:
        fatal = re.findall(r"^(?:FATAL|\(last message).*$", output, re.M)
        return {"failed": fatal[0] if fatal else "sysbench was killed: it did not end"}
    if pid:
        result |= {"cpu_us": (cpu_us(pid) - before) / result["queries"], "peak_kb": status_kb(pid, "VmHWM"),
                   "connections": connections - target.watching}
    else:
        result["connections"] = clients
    return result


# ---- idle clients


class Idle:
    """Clients that are logged in; see idle.c."""

    def __init__(self, target, count, plan):
        command = ["setpriv", "--pdeathsig", "KILL", os.path.join(plan.build, "tests/bench/idle"), target.reads,
                   str(count), os.environ["PM_APP_USER"], os.environ["PM_SCHEMA"]]
        environment = os.environ | {"MYSQL_PWD": os.environ["PM_APP_PASSWORD"]}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        self.expect("in")

    def expect(self, word):
        if self.process.stdout.readline().split()[:1] != [word]:
            setup.refuse("the idle clients could not log in or run a SELECT")

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.expect("ran")

    def leave(self):
        self.process.communicate()


def idle_memory(target, plan):
    """KB of the process for each client; to be asked before any load, while it has memory to spare of none."""
    few = Idle(target, 16, plan)
    few.run()
    base = status_kb(target.pid, "VmRSS")
    clients = Idle(target, plan.idle, plan)
    logged_in = status_kb(target.pid, "VmRSS")
    clients.run()
    ran = status_kb(target.pid, "VmRSS")
    clients.leave()
    few.leave()
    return {"target": target.name, "in": (logged_in - base) / plan.idle, "ran": (ran - base) / plan.idle}


def reading(plan):
    """What reading statements costs: lines of the micro-benchmark."""
    binary = os.path.join(plan.build, "tests/bench/sql_read")
    return subprocess.run([binary], capture_output=True, text=True, timeout=120).stdout.strip()
