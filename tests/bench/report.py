"""The table, the plot and the raw figures, in BUILD/bench/; for `run`."""
import json
import os
import re
import statistics
import subprocess

import setup

INTRODUCTION = """\
# Benchmarks

Made by `make bench`, copied here by `make bench-docs`. All figures are medians over {rounds} round(s); in each round every
target is measured once at every load for {duration:g} s, one directly after the other, so that ratios hold where
absolute figures depend on the machine (clients, proxies and servers share it). Text protocol, one table.

* **direct**: no proxy; reads go to both replicas, half of the clients each.
* **HAProxy**: TCP mode, as many threads as cores, whole connections in turn to the replicas.
* **relay**: `tests/bench/relay.c`, as many threads as cores: reads, writes, and looks at nothing. What is above it
  is what knowing the protocol costs.
* **Pointsman**: as it is configured by default; it decides for each statement.

Transactions that write go to the primary everywhere; for HAProxy and the relay that means another port.
Latencies are those of a transaction of sysbench (one query in the first mix).
*µs a query* is the processor time, user and system, of the proxy's own process with all its threads.
*connections* are those that it has to the servers, without the ones by which it watches them.
"""
MIX_TITLES = {
    "point_select": "Point selects (oltp_point_select)",
    "prepared": "Point selects, prepared by the binary protocol (oltp_point_select --db-ps-mode=auto)",
    "read_only": "Reads without transactions (oltp_read_only --skip-trx): 14 queries each",
    "read_write": "Transactions that read and write (oltp_read_write): 20 queries each, on the primary",
    "read_only_trx": "Reads in transactions (oltp_read_only): 16 queries each; Pointsman takes them to the primary",
}
HEADER = ("clients", "target", "queries/s", "of direct", "p50 ms", "p95 ms", "p99 ms", "µs a query", "of HAProxy's",
          "peak MB", "connections")


class Results:
    """Medians, and medians of ratios between two targets of one round."""

    def __init__(self, results):
        self.good = [result for result in results if "failed" not in result]

    def values(self, mix, clients, target, key):
        return {r["round"]: r[key] for r in self.good
                if (r["mix"], r["clients"], r["target"]) == (mix, clients, target) and r.get(key) is not None}

    def median(self, mix, clients, target, key):
        values = self.values(mix, clients, target, key).values()
        return statistics.median(values) if values else None

    def ratio(self, mix, clients, target, other, key):
        mine, others = (self.values(mix, clients, name, key) for name in (target, other))
        pairs = [mine[n] / others[n] for n in mine if others.get(n)]
        return statistics.median(pairs) if pairs else None


def text(value, form, scale=1.0):
    return "–" if value is None else format(value / scale, form)


def brief(result):
    if "failed" in result:
        return "FAILED: " + result["failed"]
    return (f"{result['qps']:8.0f} q/s  p99 {text(result['p99'], '.2f')} ms  {text(result.get('cpu_us'), '.1f')} µs"
            f"  {result['connections']} connections")


# ---- Markdown


def row(results, mix, clients, target):
    def median(key, form, scale=1.0):
        return text(results.median(mix, clients, target.name, key), form, scale)

    return (str(clients), target.label, median("qps", ".0f"),
            text(results.ratio(mix, clients, target.name, "direct", "qps"), ".2f"),
            median("p50", ".2f"), median("p95", ".2f"), median("p99", ".2f"), median("cpu_us", ".1f"),
            text(results.ratio(mix, clients, target.name, "haproxy", "cpu_us"), ".2f"),
            median("peak_kb", ".1f", 1024), median("connections", ".0f"))


def table(header, rows, names=1):
    """Figures are set flush right; `names` columns, behind the first, are not."""
    rule = ["--:"] + ["---"] * names + ["--:"] * (len(header) - 1 - names)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule] + rows) + "\n"


def mix_table(results, plan, shown, mix):
    rows = [row(results, mix, clients, target) for clients in plan.clients for target in shown]
    return f"\n## {MIX_TITLES[mix]}\n\n" + table(HEADER, rows)


def idle_table(idle, plan):
    lines = "".join(f"| {line['target']} | {line['in']:.2f} | {line['ran']:.2f} |\n" for line in idle)
    return (f"\n## Memory of an idle client\n\n{plan.idle} clients; KB of the process for each.\n\n"
            "| target | logged in | after one SELECT each |\n| --- | --: | --: |\n" + lines)


# ---- what it must reach


def at_most(value, limit, form):
    return (text(value, form), f"at most {limit}", value is not None and value <= limit)


def goals(results, plan, idle, reading):
    """(what, measured, goal, reached) as far as it was measured."""
    found = []
    for clients, limit in ((16, 0.9), (64, 0.95)):
        value = results.ratio("point_select", clients, "pointsman", "haproxy", "cpu_us")
        if value is not None:
            found.append((f"processor time of a point select, {clients} clients, of HAProxy's",) +
                         at_most(value, limit, ".2f"))
    value = results.ratio("point_select", 512, "pointsman", "haproxy", "qps")
    if value is not None:
        found.append(("queries/s at 512 clients, of HAProxy's", f"{value:.2f}", "at least 1.2", value >= 1.2))
        connections = results.median("point_select", 512, "pointsman", "connections")
        found.append(("backend connections at 512 clients", f"{connections:.0f}", "fewer than 64", connections < 64))
    for line in idle:
        if line["target"] == "pointsman":
            found.append(("KB a logged-in idle client",) + at_most(max(line["in"], line["ran"]), 2, ".2f"))
    nanoseconds = re.search(r"100-byte select.*?: (\d+) ns", reading)
    if nanoseconds:
        ns = int(nanoseconds.group(1))
        found.append(("reading a 100-byte SELECT, ns", str(ns), "under 300", ns < 300))
    return found


def goals_table(found):
    lines = "".join(f"| {what} | {value} | {goal} | {'reached' if reached else '**missed**'} |\n"
                    for what, value, goal, reached in found)
    return "\n## What it must reach\n\n| figure | measured | goal | |\n| --- | --: | --- | --- |\n" + lines


# ---- the plot

PLOT = """\
set terminal svg size {width},640 font 'sans,12' background 'white'
set output 'benchmarks.svg'
set datafile missing '-'
set multiplot layout 2,{columns}
set logscale x 2
set xtics ({tics})
set xrange [{least}*0.8:{most}*1.25]
set grid ytics lc rgb '#dddddd'
set yrange [0:*]
set key bottom right samplen 1 spacing 0.9
set style data linespoints
set xlabel 'clients'
"""
COLOURS = ["#555555", "#cc7711", "#8899aa", "#1155cc", "#118844", "#aa2266", "#77aa00"]


def write_data(folder, results, plan, shown, mix, key):
    """A column a target, a line a load."""
    name = f"{mix}-{key}.dat"
    with open(os.path.join(folder, name), "w") as file:
        for clients in plan.clients:
            cells = [results.median(mix, clients, target.name, key) for target in shown]
            print(clients, *("-" if cell is None else cell for cell in cells), file=file)
    return name


def panel(folder, results, plan, shown, mix, key, title):
    name = write_data(folder, results, plan, shown, mix, key)
    curves = [f"'{name}' using 1:{2 + n} title '{target.label}' lc rgb '{COLOURS[n % len(COLOURS)]}' pt 7 ps 0.5 lw 2"
              for n, target in enumerate(shown) if key != "cpu_us" or target.pid]
    return f"set title '{mix}: {title}' noenhanced\nplot " + ", ".join(curves) + "\n"


def plot(folder, results, plan, shown):
    script = PLOT.format(width=420 * len(plan.mixes), columns=len(plan.mixes),
                         least=min(plan.clients), most=max(plan.clients),
                         tics=", ".join(f"'{n}' {n}" for n in plan.clients))
    for key, title in (("qps", "queries/s"), ("cpu_us", "µs a query, own process")):
        for mix in plan.mixes:
            if key == "qps" or any(target.pid for target in shown):
                script += panel(folder, results, plan, shown, mix, key, title)
    with open(os.path.join(folder, "benchmarks.gp"), "w") as file:
        file.write(script)
    subprocess.run(["gnuplot", "benchmarks.gp"], cwd=folder, check=True)


# ---- all of it


def write(folder, plan, machine, shown, results, idle, reading):
    gathered = Results(results)
    found = goals(gathered, plan, idle, reading)
    page = INTRODUCTION.format(rounds=plan.rounds, duration=plan.duration)
    page += "\n![queries/s and processor time by clients](benchmarks.svg)\n"
    page += goals_table(found) if found else ""
    page += "".join(mix_table(gathered, plan, shown, mix) for mix in plan.mixes)
    page += idle_table(idle, plan) if idle else ""
    page += f"\n## Reading statements\n\n```\n{reading}\n```\n"
    page += "\n## The machine\n\n| | |\n| --- | --- |\n" + "".join(f"| {what} | {how} |\n" for what, how in machine)
    os.makedirs(folder, exist_ok=True)
    plot(folder, gathered, plan, shown)
    with open(os.path.join(folder, "benchmarks.md"), "w") as file:
        file.write(page)
    with open(os.path.join(folder, "benchmarks.json"), "w") as file:
        json.dump({"machine": dict(machine), "results": results, "idle": idle}, file, indent=1)
    print(page)
