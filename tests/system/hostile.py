#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Forged packets against node b, sent from node a's network. See hostile.sh.

Every case gets a QP pair of its own, so that b expects a known PSN and nothing else is going
on. After it: not a byte of b's memory has changed, b's counters say that something was
refused, and a real WRITE on another QP still works.
"""

import os
import random
import socket
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..", "conformance")]
import mrcwire as w                                                     # noqa: E402
from verbsh import Node, Results, VerbsError, connect                   # noqa: E402

A, B = "10.0.0.1", "10.0.0.2"
RTS, ERR = 3, 6

results = Results()
wire = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
rnd = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 1)


def send(body, src=A, **options):
    """One packet from BTH to pad, in an IP packet with a correct ICRC unless told otherwise."""
    wire.sendto(w.ipv4(src, B, body, sport=rnd.randrange(49152, 65536),
                       ident=rnd.randrange(1, 65536), **options), (B, 0))


def send_raw(packet):
    wire.sendto(packet, (B, 0))


class Case:
    """QPs and memory for one kind of bad packet."""

    def __init__(self, a, b):
        self.a, self.b = a, b
        self.qa, self.qb = connect(a, b)
        self.mtu = self.qa["mtu"]
        self.qpn, self.psn = self.qb["qpn"], self.qa["psn"]

    def fresh(self):
        """QPs that have not seen anything yet: a refused packet may end the QP it came to."""
        for node, q in ((self.a, self.qa), (self.b, self.qb)):
            node.do("destroy", q["qp"])
        self.__init__(self.a, self.b)
        return self

    def write(self, opcode=w.WRITE_ONLY, psn=0, msn=0, off=0, payload=b"x" * 64, dmalen=None,
              rkey=None, dqp=None, va=None, **flags):
        return w.write(opcode, self.qpn if dqp is None else dqp, self.psn + psn, msn,
                       target["addr"] + off if va is None else va,
                       target["rkey"] if rkey is None else rkey,
                       len(payload) if dmalen is None else dmalen, payload, **flags)


def noticed(before, after):
    """What changed among the counters that say that something was wrong."""
    quiet = ("tx_", "rx_packets", "rx_bytes", "sacks_sent", "acks_sent", "probes", "path_",
             "hello", "doorbells", "out_of_order")
    return {k: v - before.get(k, 0) for k, v in after.items()
            if v != before.get(k, 0) and not k.startswith(quiet)}


def healthy():
    """A real WRITE from a to b arrives, and a real READ brings it back."""
    qa, _ = connect(a, b)
    b.do("fill", scratch["mr"])
    text = bytes(rnd.randrange(256) for _ in range(64)).hex()
    a.do("poke", source["mr"], 0, text)
    a.do("write", qa["qp"], source["mr"], 0, 20000, scratch["addr"], scratch["rkey"])
    wc = a.completion()
    if wc["code"]:
        return "WRITE ended with " + wc["status"]
    if b.do("peek", scratch["mr"], 0, 64)["hex"] != text:
        return "WRITE ended well, but the bytes are not there"
    a.do("read", qa["qp"], source["mr"], 32768, 64, scratch["addr"], scratch["rkey"])
    wc = a.completion()
    if wc["code"]:
        return "READ ended with " + wc["status"]
    if a.do("peek", source["mr"], 32768, 64)["hex"] != text:
        return "READ ended well, but the bytes are not there"
    return None


def refused(name, forge, counted=True):
    """Runs forge(case) and judges what came of it."""
    case = Case(a, b)
    before = b.counters()
    forge(case)
    time.sleep(0.15)
    after = b.counters()
    changes = noticed(before, after)
    places = {m: b.do("changed", n)["changed"] for m, n in
              (("target", target["mr"]), ("foreign", foreign["mr"]), ("readonly", readonly["mr"]))}
    results.check(not any(places.values()), name + ": nothing is placed", places)
    if any(places.values()):
        for m in (target, foreign, readonly):
            b.do("fill", m["mr"])
    if counted:
        results.check(bool(changes), name + ": counted", "counters of b did not change")
    print("  state of the QP: %d; %s" % (b.do("state", case.qb["qp"])["state"],
                                         ", ".join("%s +%d" % kv for kv in sorted(changes.items()))))
    # Completions of QPs that went to the error state are in nobody's way.
    while b.do("poll", 0)["n"] or a.do("poll", 0)["n"]:
        pass
    try:
        trouble = healthy()
    except VerbsError as error:
        trouble = error
    results.check(trouble is None, name + ": the nodes still work", trouble)


def lengths(c):
    good = c.write()
    for length in (0, 7, 8, 12, 20, 24, 30, 60, 100, 10000, 65535):
        send(good, udp_length=length)


def truncated(c):
    packet = w.ipv4(A, B, c.write())
    for cut in range(20, len(packet) - 1):
        # The IP header keeps to what is there, so that the packet gets past the IP layer.
        head = bytearray(packet[:20])
        head[2:4] = cut.to_bytes(2, "big")
        head[10:12] = b"\0\0"
        head[10:12] = w.checksum(bytes(head)).to_bytes(2, "big")
        send_raw(bytes(head) + packet[20:cut])
    body = c.write()
    for cut in range(len(body)):
        send(body[:cut])


def message_lengths(c):
    big = bytes(c.mtu)
    send(c.fresh().write(payload=b"x" * 100, dmalen=101))
    send(c.fresh().write(payload=b"x" * 100, dmalen=99))
    send(c.fresh().write(payload=b"x" * 100, dmalen=0))
    send(c.fresh().write(payload=b"x" * 100, dmalen=0xFFFFFFFF))
    send(c.fresh().write(opcode=w.WRITE_FIRST, payload=b"x" * 100, dmalen=100000))
    send(c.fresh().write(opcode=w.WRITE_MIDDLE, payload=b"x" * 100, dmalen=20000))
    send(c.fresh().write(opcode=w.WRITE_FIRST, payload=big + b"x" * 16, dmalen=20000))
    send(c.fresh().write(payload=big + b"x" * 16))
    send(c.fresh().write(opcode=w.WRITE_LAST, payload=b"", dmalen=100))
    send(c.fresh().write(opcode=w.WRITE_LAST, payload=b"x" * 96, dmalen=c.mtu + 100))
    send(c.fresh().write(opcode=w.WRITE_ONLY_IMM, payload=b"x" * 64, imm=b""))


def opcodes(c):
    for opcode in range(256):
        if opcode in w.WRITES or opcode in w.NAMES:
            continue
        send(c.write(opcode=opcode))
        send(w.bth(opcode, c.qpn, c.psn))


def rkeys(c):
    send(c.fresh().write(rkey=0))
    send(c.fresh().write(rkey=0xFFFFFFFF))
    send(c.fresh().write(rkey=target["rkey"] ^ 1))
    send(c.fresh().write(rkey=target["rkey"] ^ 0x80000000))


def bounds(c):
    size = 65536
    send(c.fresh().write(off=size - 63))
    send(c.fresh().write(off=-1))
    send(c.fresh().write(off=size))
    send(c.fresh().write(va=0))
    send(c.fresh().write(va=(1 << 64) - 32))
    send(c.fresh().write(opcode=w.WRITE_FIRST, payload=bytes(c.mtu), dmalen=size + 1))
    send(c.fresh().write(opcode=w.WRITE_FIRST, payload=bytes(c.mtu), dmalen=1 << 31))


def outside_window(c):
    for psn in (-1, -2, -1000, -(1 << 22), 5000, 40000, 1 << 22, 1 << 23, (1 << 23) + 1):
        send(c.write(psn=psn))


def unknown_qps(c):
    for qpn in (0, 1, 2, 3, 0xFFFFFF, c.qpn ^ 0x800000, c.qpn + 5000):
        send(c.write(dqp=qpn))
    for _ in range(100):
        send(c.write(dqp=rnd.randrange(1 << 20, 1 << 24)))


def foreign_senders(c):
    for src in ("10.0.0.77", "10.0.1.77", "192.0.2.1", B, "127.0.0.1", "255.255.255.255"):
        send(c.write(), src=src)


def headers(c):
    send(c.fresh().write(tver=1))
    send(c.fresh().write(tver=15))
    send(c.fresh().write(pkey=0x1234))
    send(c.fresh().write(pad=3))
    send(w.write(w.WRITE_ONLY, c.qpn, c.psn, 0, target["addr"], target["rkey"], 62,
                 b"x" * 62, pad=0))


def bad_icrc(c):
    for _ in range(20):
        send(c.write(), bad_icrc=True)


def random_bytes(c):
    for _ in range(1500):
        body = bytearray(rnd.randbytes(rnd.randrange(0, 300)))
        if len(body) >= 12 and rnd.randrange(4):
            body[0] = rnd.randrange(0xC0, 0x100)
            body[1] &= 0xB0
            body[2:4] = b"\xff\xff"
            body[5:8] = rnd.choice((c.qpn, c.qpn, 1, 2)).to_bytes(3, "big")
            body[9:12] = ((c.psn + rnd.randrange(-3, 40)) & 0xFFFFFF).to_bytes(3, "big")
        send(bytes(body), bad_icrc=rnd.randrange(8) == 0)


def fuzzed_fields(c):
    """Good packets with a few bytes changed, but with a wrong R_Key: none may be placed."""
    for _ in range(1500):
        body = bytearray(c.write(psn=rnd.randrange(0, 64), msn=rnd.randrange(4),
                                 opcode=rnd.choice(list(w.WRITES)), rkey=0x13579BDF,
                                 payload=bytes(rnd.choice((0, 4, 64, c.mtu)))))
        for _ in range(rnd.randrange(1, 4)):
            where = rnd.randrange(len(body))
            if not 24 <= where < 28:
                body[where] = rnd.randrange(256)
        send(bytes(body))


def forged_control(c, src=A):
    """Answers to what node b has never sent, to b's QP."""
    for offset in (0, 1, 100, 0x7FFF, -1, -0x8000):
        for bitmap in (0, 1, (1 << 64) - 1):
            cack = (c.qb["psn"] + offset) & 0xFFFFFF
            seth = (b"\0\0" + (offset & 0xFFFF).to_bytes(2, "big") + bytes(8) +
                    b"\0" + cack.to_bytes(3, "big") + b"\0\x20" +
                    (offset & 0xFFFF).to_bytes(2, "big") + bitmap.to_bytes(8, "big"))
            send(w.bth(w.SACK, c.qpn, cack) + seth + bytes(8), src=src)
    for reason in (1, 2, 6, 7, 0x0A, 0x0B, 0x19, 0xFF):
        psn = (c.qb["psn"] + 50) & 0xFFFFFF
        neth = bytes((0, 0, reason, 0)) + bytes(8) + b"\0" + psn.to_bytes(3, "big") + b"\x20\0\0\0"
        send(w.bth(w.NACK, c.qpn, psn) + neth, src=src)
    for syndrome in (0x1F, 0x20, 0x60, 0x61, 0x62, 0x63, 0xFF):
        send(w.bth(w.ACKNOWLEDGE, c.qpn, c.qb["psn"]) + bytes((syndrome, 0, 0, 9)), src=src)


def forged_endpoint(c):
    """Endpoint requests and responses with random contents, from a and from a stranger."""
    for _ in range(300):
        opcode = rnd.choice((w.ENDPOINT_REQUEST, w.ENDPOINT_RESPONSE))
        body = bytes((0, rnd.randrange(16))) + rnd.randbytes(rnd.choice((14, 34, 60, 200)))
        send(w.bth(opcode, 2, rnd.randrange(1 << 24)) + body, src="10.0.0.77")


def accepted():
    """The control: a packet forged well is placed, so the others are not refused for their form."""
    c = Case(a, b)
    send(c.write(payload=b"GENUINE!" * 8))
    time.sleep(0.1)
    seen = bytes.fromhex(b.do("peek", target["mr"], 0, 64)["hex"])
    results.check(seen == b"GENUINE!" * 8, "a well-forged packet is placed (the control of this test)",
                  seen)
    b.do("fill", target["mr"])


def later_wins():
    """Of two WRITEs to the same bytes the later one wins, however their packets arrive."""
    c = Case(a, b)
    first = {"opcode": w.WRITE_FIRST, "dmalen": 2 * c.mtu, "payload": b"A" * c.mtu}
    last = {"opcode": w.WRITE_LAST, "dmalen": 2 * c.mtu, "payload": b"A" * c.mtu,
            "psn": 1, "off": c.mtu}
    over = {"opcode": w.WRITE_FIRST, "dmalen": c.mtu + 64, "payload": b"B" * c.mtu,
            "psn": 2, "msn": 1, "off": 100}
    end = {"opcode": w.WRITE_LAST, "dmalen": c.mtu + 64, "payload": b"B" * 64,
           "psn": 3, "msn": 1, "off": 100 + c.mtu}
    for packet in (over, first, end, last):
        send(c.write(**packet))
    time.sleep(0.1)
    seen = bytes.fromhex(b.do("peek", target["mr"], 0, 2 * c.mtu)["hex"])
    want = b"A" * 100 + b"B" * (c.mtu + 64) + b"A" * (c.mtu - 164)
    results.check(seen == want, "a later WRITE wins whose packets come first",
                  [i for i in range(2 * c.mtu) if seen[i] != want[i]][:1])
    b.do("fill", target["mr"])


a, b = Node("a"), Node("b")
b.do("pd")
target = b.do("mr", 0, 65536, "lwr")
foreign = b.do("mr", 1, 65536, "lwr")
readonly = b.do("mr", 0, 65536, "r")
scratch = b.do("mr", 0, 65536, "lwr")
source = a.do("mr", 0, 65536, "l")

trouble = healthy()
results.check(trouble is None, "the nodes work", trouble)
accepted()
later_wins()
refused("UDP length that is not the packet's", lengths)
refused("truncated packets", truncated)
refused("payload that does not fit the message's length", message_lengths)
refused("unknown opcodes", opcodes)
refused("unknown R_Keys", rkeys)
refused("R_Key of another PD",
        lambda c: send(c.write(va=foreign["addr"], rkey=foreign["rkey"])))
refused("R_Key without remote write",
        lambda c: send(c.write(va=readonly["addr"], rkey=readonly["rkey"])))
refused("out of bounds", bounds)
refused("PSN outside the window", outside_window)
refused("unknown QPs", unknown_qps)
refused("foreign senders", foreign_senders)
refused("wrong version, P_Key and pad", headers)
refused("wrong ICRC", bad_icrc)
refused("random bytes", random_bytes)
refused("good packets with bytes changed", fuzzed_fields)
refused("forged SACK, NACK and ACK from a stranger", lambda c: forged_control(c, "10.0.0.77"))
refused("forged SACK, NACK and ACK from the peer's address", forged_control, counted=False)
refused("forged endpoint packets", forged_endpoint)
accepted()
results.check(a.end() == 0 and b.end() == 0, "both programs end well")
sys.exit(results.failures != 0)
