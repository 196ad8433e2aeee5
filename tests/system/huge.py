#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A WRITE of 2 GiB from node a. See huge.sh."""

import sys
import time

from verbsh import Node, Results, connect

MESSAGE = 1 << 31
# a's side is a piece of memory 31 times over, and the last piece: of a length that no misplaced
# packet fits
PIECES, PIECE = 31, 66000001
LAST = MESSAGE - PIECES * PIECE
LOC_LEN_ERR = 1

results = Results()
a, b = Node("a"), Node("b")
source = a.do("mr", 0, LAST + 8, "l")
target = b.do("mr", 0, MESSAGE, "lwr")
a.do("random", source["mr"], 1)


def write(last):
    """One message on a QP of its own; its completion."""
    qa, _ = connect(a, b)
    began = time.time()
    a.do("writev", qa["qp"], source["mr"], PIECE, PIECES, last, target["addr"], target["rkey"])
    wc = a.completion(300000)
    print("figure %-36s %.1f s" % ("WRITE of %d bytes" % (PIECES * PIECE + last),
                                   time.time() - began), flush=True)
    return wc


def total(node, memory, offset, length):
    return node.do("sum", memory["mr"], offset, length)["sum"]


wc = write(LAST + 1)
results.check(wc["code"] == LOC_LEN_ERR, "a WRITE of a byte more than 2 GiB is refused", wc["status"])
wc = write(LAST)
results.check(wc["code"] == 0, "a WRITE of 2 GiB", wc["status"])
want = total(a, source, 0, PIECE)
wrong = [i for i in range(PIECES) if total(b, target, i * PIECE, PIECE) != want]
if total(b, target, PIECES * PIECE, LAST) != total(a, source, 0, LAST):
    wrong.append(PIECES)
results.check(not wrong, "every byte of it is there", "wrong pieces: %s" % wrong)
results.check(a.end() == 0 and b.end() == 0, "both programs end well")
sys.exit(results.failures != 0)
