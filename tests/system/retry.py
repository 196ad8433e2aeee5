#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""How long a requester tries. See retry.sh."""

import subprocess
import sys
import time

from verbsh import Node, Results, connect

SUCCESS, RETRY_EXC, RNR_RETRY_EXC = 0, 12, 13

results = Results()


def pair(sender, receiver=()):
    """Nodes a and b with these options, a QP between them, memory on both."""
    a, b = Node("a", *sender), Node("b", *receiver)
    qa, qb = connect(a, b)
    return a, b, qa, qb, a.do("mr", 0, 4096, "lwr"), b.do("mr", 0, 4096, "lwr")


def ends(name, node, began, code, least, most):
    """The next completion: what it says, and when it comes, seconds since @began."""
    wc = node.do("poll", int(1000 * (most + 20)))
    took = time.time() - began
    print("figure %-36s %.2f s" % (name, took), flush=True)
    results.check(wc["n"] and wc["code"] == code, name, wc.get("status", "no completion"))
    results.check(least <= took <= most, "%s: after %.2f to %.2f s" % (name, least, most),
                  "%.2f s" % took)


def close(*nodes):
    for node in nodes:
        results.check(node.end() == 0, "the program on node %s ends well" % node.name)


# IBTA 9.7.5.2.8: timer 22 is 20.48 ms, 24 is 40.96 ms; each pause is a try.
for tries, timer, pause in ((3, 24, 0.04096), (6, 22, 0.02048)):
    a, b, qa, qb, ma, mb = pair(("-R", tries), ("-n", timer))
    began = time.time()
    a.do("send", qa["qp"], ma["mr"], 0, 64)
    ends("rnr_retry %d, min_rnr_timer %d" % (tries, timer), a, began, RNR_RETRY_EXC,
         tries * pause, tries * pause + 2)
    close(a, b)

# 7 is for ever.
a, b, qa, qb, ma, mb = pair(("-R", 7), ("-n", 14))
began = time.time()
a.do("send", qa["qp"], ma["mr"], 0, 64)
results.check(not a.do("poll", 3000)["n"], "rnr_retry 7: no end after 3 s")
b.do("recv", qb["qp"], mb["mr"], 0, 4096)
ends("rnr_retry 7: done once a receive is posted", a, began, SUCCESS, 3, 8)
close(a, b)

# 4.096 us * 2^16 is 268 ms, 2^17 537 ms; retry_cnt + 1 times that.
for timeout, retries in ((16, 2), (17, 0)):
    a, b, qa, qb, ma, mb = pair(("-t", timeout, "-r", retries))
    a.do("write", qa["qp"], ma["mr"], 0, 64, mb["addr"], mb["rkey"])
    results.check(a.completion()["code"] == SUCCESS, "a WRITE on good links")
    subprocess.run(["fault", "all", "blackhole"], check=True)
    one = 4.096e-6 * 2 ** timeout
    began = time.time()
    a.do("write", qa["qp"], ma["mr"], 0, 64, mb["addr"], mb["rkey"])
    ends("timeout %d, retry_cnt %d" % (timeout, retries), a, began, RETRY_EXC,
         (retries + 1) * one, 2 * (retries + 1) * one + 3)
    subprocess.run(["fault", "all", "clear"], check=True)
    close(a, b)

# Without a timeout it goes on when the links do.
a, b, qa, qb, ma, mb = pair(("-t", 0, "-r", 0))
a.do("write", qa["qp"], ma["mr"], 0, 64, mb["addr"], mb["rkey"])
results.check(a.completion()["code"] == SUCCESS, "a WRITE on good links")
subprocess.run(["fault", "all", "blackhole"], check=True)
began = time.time()
a.do("write", qa["qp"], ma["mr"], 0, 64, mb["addr"], mb["rkey"])
results.check(not a.do("poll", 5000)["n"], "timeout 0: no end after 5 s")
subprocess.run(["fault", "all", "clear"], check=True)
ends("timeout 0: done when the links are back", a, began, SUCCESS, 5, 15)
close(a, b)
sys.exit(results.failures != 0)
