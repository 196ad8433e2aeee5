#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""write_story.py MTU [plain]: node a writes a few messages of chosen sizes to node b while
somebody captures; prints what it did as JSON for check_capture.py.

With "plain" the nodes cannot exchange a hello: a SEND must then be refused with an error.
"""

import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "system"))
from verbsh import Node, connect                                        # noqa: E402


def main():
    mtu, plain = int(sys.argv[1]), "plain" in sys.argv[2:]
    rnd = random.Random(mtu)
    a, b = Node("a", "-m", mtu), Node("b", "-m", mtu)
    source = a.do("mr", 0, 1 << 18, "l")
    target = b.do("mr", 0, 1 << 18, "lw")
    empty = b.do("mr", 0, 64, "l")
    qa, qb = connect(a, b)
    mtu = min(qa["mtu"], mtu)
    messages, offset = [], 3
    for i, size in enumerate((1, 2, 3, 4, 0, mtu - 1, mtu, mtu + 1, 2 * mtu, 5 * mtu + 6, 20 * mtu,
                              8, 0, 100, 3 * mtu + 1)):
        data = rnd.randbytes(size)
        message = {"offset": offset, "data": data.hex()}
        words = ["write", qa["qp"], source["mr"], 0, size, target["addr"] + offset, target["rkey"]]
        if i >= 11:
            message["imm"] = 0x01020304 + i
            words.append(message["imm"])
            b.do("recv", qb["qp"], empty["mr"], 0, 0)
        for at in range(0, size, 8192):
            a.do("poke", source["mr"], at, data[at:at + 8192].hex())
        a.do(*words)
        wc = a.completion()
        if wc["code"]:
            sys.exit("message %d: %s" % (i, wc["status"]))
        messages.append(message)
        offset += size + 5
    time.sleep(0.3)
    print(json.dumps({
        "mtu": mtu, "psn": qa["psn"], "sqp": qa["qpn"], "dqp": qb["qpn"], "addr": target["addr"],
        "rkey": target["rkey"], "from": qa["gid"].replace("::ffff:", ""),
        "to": qb["gid"].replace("::ffff:", ""), "messages": messages,
        "per_plane_addresses": True, "plain": plain,
    }))
    if plain:
        a.do("send", qa["qp"], source["mr"], 0, 100)
        wc = a.completion()
        if not wc["code"]:
            sys.exit("a SEND to a plain MRC 1.0 endpoint ended with success")
        print("a SEND ends with: " + wc["status"], file=sys.stderr)
    return a.end() or b.end()


sys.exit(main())
