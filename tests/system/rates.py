#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What a node's netdevs receive and send, at short intervals.

rates.py SECONDS FILE       in the node's namespace: write a line per 5 ms to FILE: TIME, then
                            "rx_bytes tx_packets" of eth0, eth1, ...; TIME is in seconds of the
                            monotonic clock, as in traces with trace_clock mono
rates.py gap FILE PLANE     when did PLANE last receive something before its first pause of 50 ms?
rates.py mean FILE FROM TO  bytes per second of all planes in this time
rates.py back FILE FROM RATE WINDOW
                            how long after FROM the mean over WINDOW seconds reaches RATE: the
                            beginning of the first such window, in ms after FROM; -1: never
"""

import bisect
import glob
import os
import sys
import time


def record(seconds, path):
    names = sorted(glob.glob("/sys/class/net/eth*"))
    files = [os.open("%s/statistics/%s" % (n, s), os.O_RDONLY)
             for n in names for s in ("rx_bytes", "tx_packets")]
    lines, start = [], time.monotonic()
    while time.monotonic() < start + seconds:
        lines.append((time.monotonic(), [int(os.pread(f, 32, 0)) for f in files]))
        time.sleep(0.005)
    with open(path, "w") as out:
        for at, values in lines:
            print("%.6f" % at, *values, file=out)


def load(path):
    times, values = [], []
    with open(path) as file:
        for line in file:
            words = line.split()
            times.append(float(words[0]))
            values.append([int(w) for w in words[1:]])
    return times, values


def total(times, values, at):
    """Bytes received by all planes until then, between samples by proportion."""
    k = min(max(bisect.bisect(times, at), 1), len(times) - 1)
    a, b = sum(values[k - 1][::2]), sum(values[k][::2])
    part = (at - times[k - 1]) / (times[k] - times[k - 1])
    return a + (b - a) * min(max(part, 0), 1)


def mean(times, values, start, end):
    return (total(times, values, end) - total(times, values, start)) / (end - start)


def gap(times, values, plane):
    last, was = times[0], values[0][2 * plane]
    for at, v in zip(times, values):
        if v[2 * plane] != was:
            last, was = at, v[2 * plane]
        elif at - last > 0.05:
            return last
    return -1


def back(times, values, start, rate, window):
    at = start
    while at + window < times[-1]:
        if mean(times, values, at, at + window) >= rate:
            return 1000 * (at - start)
        at += 0.005
    return -1


def main():
    if len(sys.argv) == 3:
        record(float(sys.argv[1]), sys.argv[2])
        return
    times, values = load(sys.argv[2])
    numbers = [float(w) for w in sys.argv[3:]]
    if sys.argv[1] == "gap":
        print("%.6f" % gap(times, values, int(numbers[0])))
    elif sys.argv[1] == "mean":
        print("%.0f" % mean(times, values, *numbers))
    elif sys.argv[1] == "back":
        print("%.1f" % back(times, values, *numbers))
    else:
        sys.exit(__doc__)


main()
