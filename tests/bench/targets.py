"""What sysbench is pointed at: direct, HAProxy, the relay, the proxy; for `run`."""
import os
import re
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field

import setup

running = []  # so that they are not collected; they end with us (setpriv --pdeathsig)

HAPROXY = """\
global
  nbthread {threads}
  maxconn 8000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen reads
  bind fd@{reads}
  balance roundrobin
{replicas}
listen writes
  bind fd@{writes}
  server primary 127.0.0.1:{primary}
"""


@dataclass
class Target:
    name: str
    reads: str  # port, or ports to be taken in turn
    writes: str
    pid: int = 0  # of the process that serves reads; 0: nobody stands between
    writes_pid: int = 0  # of the one that serves writes, if that is another
    watching: int = 0  # connections to servers that are there without any client
    label: str = field(default="")

    def port(self, mix):
        return self.writes if setup.MIXES[mix][2] else self.reads

    def process(self, mix):
        return self.writes_pid if setup.MIXES[mix][2] and self.writes_pid else self.pid


def launch(command, **more):
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL"] + command, **more)
    running.append(process)
    return process


def listener():
    made = socket.create_server(("127.0.0.1", 0), backlog=4096)
    return made, made.getsockname()[1]


def replica_ports():
    return [os.environ[f"PM_{server}_PORT"] for server in setup.servers()[1:]]


def primary_port():
    return os.environ["PM_PRIMARY_PORT"]


def start_direct(plan):
    return Target("direct", ",".join(replica_ports()), primary_port(), label="direct")


def start_haproxy(plan):
    (reads, reads_port), (writes, writes_port) = listener(), listener()
    path = os.path.join(os.environ["PM_DIR"], "haproxy.cfg")
    replicas = "\n".join(f"  server replica{n} 127.0.0.1:{port}" for n, port in enumerate(replica_ports()))
    with open(path, "w") as file:
        file.write(HAPROXY.format(threads=os.cpu_count(), reads=reads.fileno(), writes=writes.fileno(),
                                  replicas=replicas, primary=primary_port()))
    process = launch(["haproxy", "-db", "-f", path], pass_fds=(reads.fileno(), writes.fileno()),
                     stdin=subprocess.DEVNULL)
    return Target("haproxy", str(reads_port), str(writes_port), process.pid, label="HAProxy, TCP mode")


def start_relay(plan):
    """Two processes, since it knows one set of backends."""
    started = []
    for ports in (replica_ports(), [primary_port()]):
        binary = os.path.join(plan.build, "tests/bench/relay")
        process = launch([binary, "-t", str(os.cpu_count())] + ports, stdout=subprocess.PIPE, text=True)
        word, port = process.stdout.readline().split() or setup.refuse("the relay does not start")
        started.append((port, process.pid))
    (reads, reads_pid), (writes, writes_pid) = started
    return Target("relay", reads, writes, reads_pid, writes_pid, label="relay, parses nothing")


def start_pointsman(plan):
    """Not the one that came with the set: all targets are started alike, since a process in a session of its own
    is scheduled as a group of its own."""
    return start_build("pointsman", os.path.join(plan.build, "pointsman"), [], "Pointsman")


def wait_ready(process, http_port):
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            if urllib.request.urlopen(f"http://127.0.0.1:{http_port}/readyz", timeout=1).status == 200:
                return
        except OSError:
            time.sleep(0.05)
    setup.refuse(f"{process.args[3]} does not get ready")


def start_build(name, binary, lines, label=None):
    """Another build of the proxy, with the ini of the first but for its ports and what is asked for."""
    ports = []
    for _ in range(3):
        made, port = listener()
        made.close()
        ports.append(port)
    with open(os.path.join(os.environ["PM_DIR"], "pointsman-1.ini")) as file:
        text = file.read()
    for key, port in zip(("listen", "admin", "http"), ports):
        text = re.sub(rf"^{key} = .*$", f"{key} = 127.0.0.1:{port}", text, count=1, flags=re.M)
    for line in lines:
        option, _, value = line.partition("=")
        section, _, key = option.rpartition(".")
        section = f"[{section or 'pointsman'}]\n"
        text = text if section in text else text + section
        text = text.replace(section, f"{section}{key} = {value}\n", 1)
    path = os.path.join(os.environ["PM_DIR"], f"build-{name}.ini")
    with open(path, "w") as file:
        file.write(text)
    with open(path + ".log", "w") as log:
        process = launch([binary, "--config", path], stderr=log)
    wait_ready(process, ports[2])
    return Target(name, str(ports[0]), str(ports[0]), process.pid, label=label or f"Pointsman, {name}")


def start(plan):
    makers = {"direct": start_direct, "haproxy": start_haproxy, "relay": start_relay, "pointsman": start_pointsman}
    return [makers[name](plan) for name in plan.targets] + [start_build(*build) for build in plan.builds]
