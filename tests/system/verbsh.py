# SPDX-License-Identifier: GPL-2.0
"""Drives mrc-verbsh on a node of the fabric, see src/verbsh.c."""

import json
import subprocess


class VerbsError(Exception):
    pass


class Node:
    """A node with an mrc-verbsh of its own."""

    def __init__(self, name, *options):
        self.name = name
        self.process = subprocess.Popen(
            ["on", name, "bash", "-c", 'exec mrc-verbsh -d $MRC_DEV "$@"', "verbsh",
             *map(str, options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def try_do(self, *words):
        """The answer to a command, also when it says that it failed."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise VerbsError("%s: mrc-verbsh ended (status %s) at: %.60s" %
                             (self.name, self.process.wait(), " ".join(map(str, words))))
        return json.loads(line)

    def do(self, *words):
        answer = self.try_do(*words)
        if not answer["ok"]:
            raise VerbsError("%s: %.60s: %s" % (self.name, " ".join(map(str, words)),
                                               answer["error"]))
        return answer

    def completion(self, milliseconds=5000):
        """The next completion; VerbsError if there is none in time."""
        wc = self.do("poll", milliseconds)
        if not wc["n"]:
            raise VerbsError("%s: no completion within %d ms" % (self.name, milliseconds))
        return wc

    def counters(self):
        device = subprocess.run(["on", self.name, "bash", "-c", "echo $MRC_DEV"], text=True,
                                capture_output=True, check=True).stdout.strip()
        out = subprocess.run(["on", self.name, "rdma", "-j", "statistic", "show", "link",
                              device + "/1"], text=True, capture_output=True).stdout
        table = json.loads(out)[0] if out.strip() else {}
        return {k: v for k, v in table.items() if isinstance(v, int) and k != "port"}

    def end(self):
        self.process.stdin.close()
        return self.process.wait(30)


def connect(a, b, command="qp", mtu=0, pd=0):
    """A QP on each node, connected; both answers of "qp"."""
    qa, qb = a.do(command, pd), b.do(command, pd)
    a.do("connect", qa["qp"], qb["qpn"], qb["psn"], qb["gid"], mtu)
    b.do("connect", qb["qp"], qa["qpn"], qa["psn"], qa["gid"], mtu)
    return qa, qb


class Results:
    """ok and not ok lines, as lib.sh prints them."""

    def __init__(self):
        self.failures = 0

    def check(self, condition, name, detail=""):
        print(("ok - " if condition else "not ok - ") + name, flush=True)
        if not condition:
            self.failures += 1
            if detail:
                print("  | " + str(detail), flush=True)
        return condition
