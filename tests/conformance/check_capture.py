#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Is what two nodes said to each other MRC 1.0, byte for byte?

check_capture.py STORY PCAP...   STORY is what write_story.py did: QPs, memory and messages.

The story says whether the nodes know each other's extensions. If they do not, there may be
nothing on the wire that MRC 1.0 does not have, apart from the requests for a hello; if they
do, WRITEs must still be in MRC 1.0's form.

Every packet in the captures must parse (formats, pads, ICRC: see mrcwire.py). The data packets
must be exactly those that the story's messages make, and the answers must fit them.
"""

import collections
import json
import sys

import mrcwire as w

PSN_MASK = 0xFFFFFF


class Check:
    def __init__(self, story, packets, quiet=False):
        self.story, self.packets, self.quiet = story, packets, quiet
        self.failures = []

    def check(self, condition, text):
        if not condition:
            self.failures.append(text)
        return condition

    def section(self, name, function):
        """One line of result for all checks that function makes."""
        before = len(self.failures)
        try:
            detail = function()
        except (AttributeError, IndexError, KeyError, ValueError) as error:
            self.failures.append("%s: %r" % (name, error))
            detail = None
        good = len(self.failures) == before
        if not self.quiet:
            print("%s - %s%s" % ("ok" if good else "not ok", name,
                                 " (%s)" % detail if good and detail else ""))
            for text in self.failures[before:before + 8]:
                print("  | " + text)

    def expected(self):
        """The data packets the story must have made, in PSN order: field dictionaries."""
        s = self.story
        mtu, psn = s["mtu"], s["psn"]
        for message in s["messages"]:
            data = bytes.fromhex(message["data"])
            count = max(1, -(-len(data) // mtu))
            imm = message.get("imm")
            for i in range(count):
                if count == 1:
                    opcode = w.WRITE_ONLY if imm is None else w.WRITE_ONLY_IMM
                elif i == 0:
                    opcode = w.WRITE_FIRST
                elif i < count - 1:
                    opcode = w.WRITE_MIDDLE
                else:
                    opcode = w.WRITE_LAST if imm is None else w.WRITE_LAST_IMM
                yield {
                    "opcode": opcode, "psn": psn & PSN_MASK, "dqp": s["dqp"],
                    "va": s["addr"] + message["offset"] + i * mtu, "rkey": s["rkey"],
                    "dmalen": len(data), "payload": data[i * mtu:(i + 1) * mtu],
                    "imm": None if imm is None or i < count - 1 else imm.to_bytes(4, "big"),
                    "tver": 0, "pkey": 0xFFFF, "src": s["from"], "dst": s["to"],
                }
                psn += 1

    def data_packets(self):
        sent = [p for p in self.packets if p.opcode in w.WRITES and p.dqp == self.story["dqp"]]
        first = collections.OrderedDict()
        for p in sorted(sent, key=lambda p: (p.psn - self.story["psn"]) & PSN_MASK):
            if p.psn in first:
                self.check(p.rtx or first[p.psn].rtx,
                           "%r was sent twice, but neither carries the retransmission bit" % p)
            first.setdefault(p.psn, p)
        packets = list(first.values())
        expected = list(self.expected())
        self.check(len(packets) == len(expected), "%d data packets, the messages make %d" %
                   (len(packets), len(expected)))
        for p, e in zip(packets, expected):
            for field, value in e.items():
                if field in ("src", "dst") and self.story.get("per_plane_addresses"):
                    continue
                got = getattr(p, field)
                if field == "payload":
                    self.check(got == value, "%r: payload differs" % p)
                else:
                    self.check(got == value, "%r: %s is %r, not %r" % (p, field, got, value))
        return "%d packets of %d messages" % (len(packets), len(self.story["messages"]))

    def meth(self):
        """MSN counts messages, RQMSN those that consume a receive; all packets of one agree."""
        expected, by_psn = list(self.expected()), {}
        for p in self.packets:
            if p.opcode in w.WRITES and p.dqp == self.story["dqp"]:
                by_psn.setdefault(p.psn, p)
        at, first, consumed = 0, None, 0
        for n, message in enumerate(self.story["messages"]):
            count = max(1, -(-len(bytes.fromhex(message["data"])) // self.story["mtu"]))
            for e in expected[at:at + count]:
                p = by_psn[e["psn"]]
                first = first or (p.msn, p.rqmsn)
                self.check((p.msn - first[0]) & 0xFFFF == n,
                           "%r: MSN is %d in message %d (the first one's was %d)" %
                           (p, p.msn, n, first[0]))
                if "imm" in message:
                    self.check((p.rqmsn - first[1]) & 0xFFFF == consumed, "%r: RQMSN is %d after "
                               "%d consuming messages (first %d)" % (p, p.rqmsn, consumed, first[1]))
            consumed += "imm" in message
            at += count
        return "first MSN %d, RQMSN %d" % first

    def spraying(self):
        ports = {p.sport for p in self.packets
                 if p.opcode in w.WRITES and p.dqp == self.story["dqp"]}
        self.check(len(ports) > 4, "only %d source ports" % len(ports))
        self.check(all(port >= 1024 for port in ports), "source ports below 1024")
        return "%d entropy values" % len(ports)

    def sacks(self):
        s = self.story
        sacks = [p for p in self.packets if p.opcode in (w.SACK, w.X_SACK_ACK) and
                 p.dqp == s["sqp"]]
        self.check(bool(sacks), "there is no SACK")
        last = (s["psn"] + len(list(self.expected())) - 1) & PSN_MASK
        data = {p.psn: p for p in self.packets if p.opcode in w.WRITES and p.dqp == s["dqp"]}
        best = -1
        for p in sacks:
            ahead = (p.cack - s["psn"]) & PSN_MASK
            if ahead == PSN_MASK:
                ahead = -1
            self.check(ahead <= (last - s["psn"]) & PSN_MASK, "%r: cack %d was never sent" % (p, p.cack))
            best = max(best, ahead)
            self.check(p.mpr >= 8, "%r: MPR is %d, less than 8" % (p, p.mpr))
            self.check({p.spdcid, p.dpdcid} == {s["sqp"] & 0xFFFF, s["dqp"] & 0xFFFF},
                       "%r: spdcid 0x%x, dpdcid 0x%x are not the QPs' numbers" %
                       (p, p.spdcid, p.dpdcid))
            # What is at or below the cumulative PSN has been received, whatever it was.
            for psn in w.sacked(p):
                if (p.cack - psn) & PSN_MASK < PSN_MASK >> 1:
                    continue
                self.check((psn - s["psn"]) & PSN_MASK <= (last - s["psn"]) & PSN_MASK,
                           "%r reports PSN %d, which was never sent" % (p, psn))
            if not p.pr:
                acked = (p.cack + p.ack_offset) & PSN_MASK
                if self.check(acked in data, "%r: acked PSN %d was never sent" % (p, acked)):
                    self.check(data[acked].sport in (p.entropy >> 16, p.entropy & 0xFFFF) or
                               any(q.psn == acked and q.sport in (p.entropy >> 16, p.entropy & 0xFFFF)
                                   for q in self.packets if q.opcode in w.WRITES),
                               "%r: entropy 0x%08x is not that of PSN %d (source port %d)" %
                               (p, p.entropy, acked, data[acked].sport))
        self.check(best == (last - s["psn"]) & PSN_MASK,
                   "no SACK says that all has arrived: cack reaches %d of %d" %
                   (best, (last - s["psn"]) & PSN_MASK))
        counts = [p.rcvd_bytes for p in sorted(sacks, key=lambda p: p.time)]
        size = sum(p.length + 40 for p in data.values()) // 256
        self.check(bool(counts) and max(counts) <= size + len(data) + 1,
                   "rcvd_bytes reaches %d units of 256 B, %d were sent" % (max(counts or [0]), size))
        return "%d SACKs" % len(sacks)

    def acknowledges(self):
        acks = [p for p in self.packets if p.opcode == w.ACKNOWLEDGE and p.dqp == self.story["sqp"]]
        for p in acks:
            self.check(p.syndrome == 0x1F, "%r: syndrome 0x%02x is not that of an ACK with credit "
                       "0x1f" % (p, p.syndrome))
        return "%d ACKNOWLEDGEs" % len(acks)

    def nacks(self):
        nacks = [p for p in self.packets if p.opcode == w.NACK]
        self.check(not nacks, "%d NACKs without a fault, the first: %r" %
                   (len(nacks), nacks[:1]))

    def plain(self):
        """Opcodes that are not MRC 1.0's, to nodes that have not said they know them."""
        foreign = [p for p in self.packets if p.opcode not in w.NAMES or p.opcode == w.X_SACK_ACK]
        hello = [p for p in foreign if p.dqp <= 2 and p.opcode != w.X_SACK_ACK]
        if self.story["plain"]:
            self.check(len(foreign) == len(hello), "%d packets with opcodes of an extension: %r" %
                       (len(foreign) - len(hello), [p for p in foreign if p not in hello][:3]))
        return "%d packets with opcodes of extensions, %d of them the hello" % (len(foreign),
                                                                               len(hello))

    def udp(self):
        for p in self.packets:
            self.check(p.dport == w.UDP_PORT, "%r: UDP port %d" % (p, p.dport))
        return "%d packets" % len(self.packets)

    def run(self):
        self.section("every packet is for UDP port %d" % w.UDP_PORT, self.udp)
        self.section("extensions only between those who know them", self.plain)
        self.section("data packets are those of the messages", self.data_packets)
        self.section("METH counts messages", self.meth)
        self.section("packets are sprayed over entropy values", self.spraying)
        self.section("SACKs are well-formed and true", self.sacks)
        self.section("ACKNOWLEDGEs carry credit 0x1f", self.acknowledges)
        self.section("there is no NACK", self.nacks)
        return self.failures


def load(paths):
    """All MRC packets of the captures in order of time, and what could not be parsed."""
    packets, bad = [], []
    for path in paths:
        for seconds, data in w.read_pcap(path):
            try:
                p = w.parse(data)
            except w.Malformed as error:
                # Something else on the wire (ARP, ICMP, TCP) is none of our business.
                if len(data) > 28 and data[9 if data[0] >> 4 == 4 else 6] == 17 and \
                   w.UDP_PORT.to_bytes(2, "big") in data[20:46]:
                    bad.append("%s at %.6f: %s; %s" % (path, seconds, error, data[:72].hex()))
                continue
            if p:
                p.time = seconds
                packets.append(p)
    packets.sort(key=lambda p: p.time)
    return packets, bad


def self_test(story, packets):
    """The checker must find what is changed in good packets."""
    changes = {
        "va": lambda p: p.va + 1, "rkey": lambda p: p.rkey ^ 1, "dmalen": lambda p: p.dmalen + 1,
        "opcode": lambda p: w.WRITE_LAST if p.opcode != w.WRITE_LAST else w.WRITE_FIRST,
        "payload": lambda p: p.payload[:-1] + b"?", "msn": lambda p: p.msn + 1,
        "pkey": lambda p: 0x7FFF,
    }
    missed = []
    victim = next(p for p in packets if p.opcode in w.WRITES and p.payload and
                  p.dqp == story["dqp"])
    for field, change in changes.items():
        old = getattr(victim, field)
        setattr(victim, field, change(victim))
        if not Check(story, packets, quiet=True).run():
            missed.append(field)
        setattr(victim, field, old)
    victim = next(p for p in packets if p.opcode in (w.SACK, w.X_SACK_ACK) and
                  p.dqp == story["sqp"] and not p.pr)
    # A bitmap may look back from cack, where every bit is true; look ahead to see a false one.
    if victim.sack_offset < 1:
        victim.sack_offset, victim.bitmap = 1, 0
    for field, change in {"cack": lambda p: p.cack + 4096, "mpr": lambda p: 1,
                          "entropy": lambda p: 0x00010001, "spdcid": lambda p: 0xABCD,
                          "bitmap": lambda p: (1 << 64) - 1}.items():
        old = getattr(victim, field)
        setattr(victim, field, change(victim))
        if not Check(story, packets, quiet=True).run():
            missed.append("SACK " + field)
        setattr(victim, field, old)
    return missed


def main():
    with open(sys.argv[1]) as file:
        story = json.load(file)
    packets, bad = load(sys.argv[2:])
    print("%s - every MRC packet parses, ICRC included (%d packets)" %
          ("not ok" if bad or not packets else "ok", len(packets)))
    for text in bad[:5]:
        print("  | " + text)
    names = collections.Counter(w.NAMES.get(p.opcode, "0x%02X" % p.opcode) for p in packets)
    print("  " + ", ".join("%s %d" % item for item in sorted(names.items())))
    failures = Check(story, packets).run()
    missed = [] if failures else self_test(story, packets)
    print("%s - the checker finds changed fields%s" %
          ("not ok" if failures or missed else "ok", ": not " + ", ".join(missed) if missed else ""))
    return bool(bad or failures or missed or not packets)


sys.exit(main())
