#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Tables and plots of what guest.sh has measured.

report.py FOLDER reads FOLDER/results, FOLDER/latency.LOSS.CASE and FOLDER/profile.SIZE, prints the
tables (and writes them to FOLDER/report.txt) and draws FOLDER/*.png with gnuplot if it is
there. Exits with 1 when a goal is missed.
"""

import collections
import os
import re
import shutil
import statistics
import subprocess
import sys

LABEL = {"rxe": "rdma_rxe", "tcp": "TCP (iperf3)"}


def label(case):
    return LABEL.get(case, case)


def read_results(folder):
    """(loss, case, test, size) -> median of the rounds; None: a round failed."""
    rounds = collections.OrderedDict()
    with open(os.path.join(folder, "results")) as file:
        for line in file:
            loss, case, test, size, value = line.split()
            values = rounds.setdefault((loss, case, test, int(size)), [])
            try:
                values.append(float(value))
            except ValueError:
                values.append(None)
    return {key: None if None in values else statistics.median(values)
            for key, values in rounds.items()}


def size_text(n):
    for unit, name in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if n >= unit:
            return "%d %s" % (n // unit, name)
    return "%d B" % n


def number(value, digits=1):
    if value is None:
        return "failed"
    return "%.*f" % (digits, value)


def ratio(a, b):
    if not a or not b:
        return "-"
    return "%.2fx" % (a / b)


class Report:
    def __init__(self, folder):
        self.folder = folder
        self.table = read_results(folder)
        self.losses = list(dict.fromkeys(k[0] for k in self.table))
        self.cases = list(dict.fromkeys(k[1] for k in self.table))
        self.lines = []
        self.missed = 0

    def say(self, text=""):
        self.lines.append(text)
        print(text)

    def sizes(self, test):
        return sorted({k[3] for k in self.table if k[2] == test})

    def get(self, loss, case, test, size):
        return self.table.get((loss, case, test, size))

    def rows(self, title, test, better_is_more, digits=1):
        """A table of one test: a column per case, then the ratios of mrc to the others."""
        for loss in self.losses if self.sizes(test) else ():
            self.say("%s, %s %% loss" % (title, loss))
            others = [c for c in self.cases if c != "mrc"]
            self.say("  %10s" % "size" + "".join("%14s" % label(c) for c in self.cases) +
                     "".join("%14s" % ("mrc/" + c if better_is_more else c + "/mrc")
                             for c in others))
            for size in self.sizes(test):
                values = {c: self.get(loss, c, test, size) for c in self.cases}
                if all(v is None for v in values.values()):
                    continue
                line = "  %10s" % size_text(size)
                for c in self.cases:
                    known = (loss, c, test, size) in self.table
                    line += "%14s" % (number(values[c], digits) if known else "-")
                for c in others:
                    pair = (values.get("mrc"), values[c])
                    line += "%14s" % ratio(*(pair if better_is_more else pair[::-1]))
                self.say(line)
            self.say()

    def latencies(self):
        with open(os.path.join(self.folder, "tests")) as file:
            if "latency" not in file.read().split():
                return
        self.say("Latency of an 8-byte write (TCP: 8 bytes each way, halved), microseconds")
        self.say("  %5s%14s%10s%10s%10s%10s%10s" % ("loss", "", "least", "median", "99 %",
                                                    "99.9 %", "most"))
        for loss in self.losses:
            for case in self.cases:
                path = os.path.join(self.folder, "latency.%s.%s" % (loss, case))
                try:
                    with open(path) as file:
                        v = sorted(float(line) for line in file)
                except (OSError, ValueError):
                    v = []
                if not v:
                    self.say("  %3s %%%14s%10s" % (loss, label(case), "failed"))
                    continue
                at = [v[min(len(v) - 1, int(len(v) * q))] for q in (0, .5, .99, .999, 1)]
                self.say("  %3s %%%14s" % (loss, label(case)) + "".join("%10.1f" % x for x in at))
        self.say()

    def goal(self, held, text):
        self.say("  %s  %s" % ("reached" if held else "MISSED ", text))
        self.missed += not held

    def goals(self):
        self.say("Goals")
        clean = self.losses[0]
        m, x = (self.get(clean, c, "bandwidth", 65536) for c in ("mrc", "rxe"))
        if m and x:
            self.goal(m >= 3 * x, "3 times rxe's throughput at 64 KiB: %s" % ratio(m, x))
        pairs = [(s, self.get(clean, "mrc", "bandwidth", s), self.get(clean, "rxe", "bandwidth", s))
                 for s in self.sizes("bandwidth")]
        slower = [size_text(s) for s, ours, theirs in pairs if (ours or 0) < (theirs or 0)]
        if any(ours and theirs for _, ours, theirs in pairs):
            self.goal(not slower, "not slower than rxe at any size" +
                      (": slower at " + ", ".join(slower) if slower else ""))
        for loss in self.losses[1:]:
            lossy = self.get(loss, "mrc", "bandwidth", 65536)
            if m and lossy is not None:
                self.goal(lossy >= 0.8 * m, "at %s %% loss at least 80 %% of the throughput without: "
                          "%.0f %% (64 KiB)" % (loss, 100 * lossy / m))
        self.say()

    def profile(self):
        names = [n for n in os.listdir(self.folder) if re.fullmatch(r"profile\.\d+", n)]
        for name in sorted(names, key=lambda n: -int(n.split(".")[1])):
            self.say("Where the time goes (perf, all CPUs, mrc, %s, no loss)" %
                     size_text(int(name.split(".")[1])))
            with open(os.path.join(self.folder, name)) as file:
                for line in list(file)[:25]:
                    self.say("  " + line.rstrip())
            self.say()

    def plot(self, name, commands, files):
        for file, rows in files.items():
            with open(os.path.join(self.folder, file), "w") as out:
                out.writelines(" ".join(map(str, r)) + "\n" for r in rows)
        script = ("set terminal pngcairo size 900,560 font 'sans,11'\nset output '%s.png'\n"
                  "set grid\nset key top left\n%s\n" % (name, commands))
        subprocess.run(["gnuplot"], input=script, text=True, cwd=self.folder, check=True)

    def plots(self):
        if not shutil.which("gnuplot"):
            self.say("No plots: gnuplot is not installed.")
            return
        for loss in self.losses:
            files, curves, steps = {}, [], []
            for case in self.cases:
                rows = [(s, self.get(loss, case, "bandwidth", s)) for s in self.sizes("bandwidth")]
                rows = [r for r in rows if r[1]]
                if rows:
                    name = "bandwidth.%s.%s.dat" % (loss, case)
                    files[name] = rows
                    curves.append("'%s' with linespoints lw 2 title '%s'" % (name, label(case)))
                name = "latency.%s.%s" % (loss, case)
                if os.path.exists(os.path.join(self.folder, name)) and \
                   os.path.getsize(os.path.join(self.folder, name)):
                    steps.append("'%s' using 1:(1) smooth cnormal lw 2 title '%s'" %
                                 (name, label(case)))
            if curves:
                self.plot("bandwidth-%s" % loss,
                          "set logscale x 2\nset xlabel 'message size (bytes)'\n"
                          "set ylabel 'MiB/s'\nset yrange [0:*]\n"
                          "set title 'Throughput, %s %% loss'\nplot %s" % (loss, ", ".join(curves)),
                          files)
            if steps:
                self.plot("latency-%s" % loss,
                          "set logscale x\nset xlabel 'microseconds'\nset key bottom right\n"
                          "set ylabel 'part of messages'\nset yrange [0:1]\n"
                          "set title 'Latency of 8 bytes, %s %% loss'\nplot %s" %
                          (loss, ", ".join(steps)), {})
        self.say("Plots: " + ", ".join(sorted(f for f in os.listdir(self.folder)
                                              if f.endswith(".png"))))

    def run(self):
        self.rows("Throughput, MiB/s", "bandwidth", True)
        self.rows("Messages per second, 8-byte WRITE", "write_rate", True, 0)
        self.rows("Messages per second, 64-byte SEND", "send_rate", True, 0)
        self.rows("CPU time per byte, ns (both ends, kernel and program)", "cpu_ns_byte", False, 2)
        self.latencies()
        self.profile()
        self.goals()
        self.plots()
        with open(os.path.join(self.folder, "report.txt"), "w") as out:
            out.writelines(line + "\n" for line in self.lines)
        return self.missed != 0


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(Report(sys.argv[1]).run())
