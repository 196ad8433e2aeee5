#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Does the Wireshark dissector (tools/wireshark/mrc.lua) say what packets say?

check_dissector.py              over golden bytes and a made-up conversation
check_dissector.py [--trace FILE] PCAP...
                                over captures, against the independent parser (mrcwire.py); and
                                against what the tracepoints of the node that captured have said
"""

import collections
import ipaddress
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import golden
import mrcwire as w

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "wireshark",
                      "mrc.lua")
passed = failed = 0


def result(good, name, details=()):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print("%s - %s" % ("ok" if good else "not ok", name))
    for text in list(details)[:8] if not good else ():
        print("  | " + str(text))


def write_pcap(path, packets):
    """IP packets (time, bytes) as a capture."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for time, data in packets:
            kind = b"\x08\x00" if data[0] >> 4 == 4 else b"\x86\xdd"
            file.write(struct.pack("<IIII", int(time), int(time % 1 * 1e6), len(data) + 14,
                                   len(data) + 14) + b"\2" + bytes(11) + kind + data)


def number(text):
    """The value of a field as PDML shows it."""
    if text in ("True", "False"):
        return text == "True"
    return int(text, 0)


class Frame:
    """fields: {name without "mrc.": [field elements]} of one frame."""

    def __init__(self, element):
        self.fields = collections.defaultdict(list)
        for proto in element.findall("proto"):
            if proto.get("name") in ("mrc", "_ws.lua"):
                for field in proto.iter("field"):
                    name = field.get("name")
                    self.fields[name[4:] if name.startswith("mrc.") else name].append(field)

    def values(self, name):
        return [number(field.get("show")) for field in self.fields.get(name, [])]

    def raw(self, name):
        """A field's own bytes."""
        return bytes.fromhex("".join(field.get("value") for field in self.fields.get(name, [])))


def tshark(path, *options):
    return subprocess.run(("tshark", "-o", "mrc.check_icrc:TRUE", "-X", "lua_script:" + SCRIPT, "-r", path, "-n") + options,
                          check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def dissect(path):
    """All frames of a capture, in two passes so that links point forward too."""
    return [Frame(e) for e in xml.fromstring(tshark(path, "-2", "-T", "pdml")).findall("packet")]


def matching(path, text):
    """Numbers of the frames that a display filter lets through."""
    return [int(n) for n in tshark(path, "-2", "-Y", text, "-T", "fields", "-e",
                                   "frame.number").split()]


# --- golden bytes -----------------------------------------------------------------------

def compare_golden(packet, frame):
    seen = collections.Counter()
    for name, bits, value in packet.fields:
        values = frame.raw(name).hex() if bits == 128 else frame.values(name)
        if bits == 128:
            value = "%032x" % value
            values = [values[i:i + 32] for i in range(0, len(values), 32)]
        if seen[name] >= len(values):
            yield "%s: %s is not dissected" % (packet.name, name)
        elif bits == 128 and values[seen[name]] != value or \
                bits < 128 and values[seen[name]] & (1 << bits) - 1 != value:
            yield "%s: %s is %r, not %r" % (packet.name, name, values[seen[name]], value)
        seen[name] += 1
    for name, bits, value in packet.fields:
        if name in frame.fields and seen[name] != len(frame.fields[name]):
            yield "%s: %s %d times" % (packet.name, name, len(frame.fields[name]))
    # the one payload with fields of its own
    if packet.payload and "atomicacketh.orig" not in seen and \
            frame.raw("payload") != packet.payload:
        yield "%s: payload is %s" % (packet.name, frame.raw("payload").hex())
    if frame.raw("pad") != packet.pad:
        yield "%s: pad is %s" % (packet.name, frame.raw("pad").hex())
    for name in frame.fields:
        if name.startswith(("_ws.lua", "_ws.malformed")) or name in ("short", "trimmed", "opcode"):
            yield "%s: %s" % (packet.name, frame.fields[name][0].get("showname"))


def check_golden(folder):
    packets = golden.load()
    for port in (4971, 4791):
        ours = [p for p in packets if port == w.UDP_PORT or p.data[0] >> 5 == 6]
        path = os.path.join(folder, "golden.%d.pcap" % port)
        write_pcap(path, [(i, w.ipv4("10.0.0.1", "10.0.0.2", p.data[:len(p.data) - len(p.pad)] +
                                     p.pad, sport=0xC000 + i, dport=port))
                          for i, p in enumerate(ours)])
        frames = dissect(path)
        wrong = [text for p, f in zip(ours, frames) for text in compare_golden(p, f)]
        wrong += [p.name + ": ICRC" for p, f in zip(ours, frames) if f.values("icrc.good") != [1]]
        result(len(frames) == len(ours) and not wrong,
               "every golden packet is dissected on UDP port %d (%d packets, %d fields)" %
               (port, len(ours), sum(len(p.fields) for p in ours)), wrong)

    check_parser(packets)
    check_srv6(folder, packets)

    # Every shorter piece of it, as trimming or a snap length leave it, is no error of the script.
    path = os.path.join(folder, "short.pcap")
    pieces = [w.ipv4("10.0.0.1", "10.0.0.2", p.data)[:n]
              for p in packets for n in range(28, 28 + min(len(p.data), 80), 3)]
    write_pcap(path, enumerate(pieces))
    frames = dissect(path)
    wrong = ["piece %d: %s" % (i, name) for i, f in enumerate(frames) for name in f.fields
             if name.startswith("_ws.lua")]
    result(len(frames) == len(pieces) and not wrong,
           "packets cut short are dissected as far as they go (%d)" % len(pieces), wrong)
    named = sum(f.values("bth.psn") != [] for f in frames)
    result(named > len(pieces) / 2, "their BTH is still shown (%d of them)" % named)


def check_parser(packets):
    """The independent parser, which captures are compared with, reads them the same."""
    wrong, count = [], 0
    for packet in packets:
        if packet.data[0] >> 5 != 6:
            continue
        p = w.parse(w.ipv4("10.0.0.1", "10.0.0.2", packet.data))
        want = {name: (bits, value) for name, bits, value in packet.fields}
        for name, value in expected(p).items():
            if name not in want:
                continue
            bits, golden_value = want[name]
            count += 1
            if value is None or value & (1 << bits) - 1 != golden_value:
                wrong.append("%s: %s is %r, not %r" % (packet.name, name, value, golden_value))
    result(count > 200 and not wrong, "the parser agrees with golden bytes (%d fields)" % count, wrong)


def ipv6(src, dst, following, body, flow=0):
    return struct.pack("!IHBB", 6 << 28 | flow, len(body), following, 64) + \
        ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed + body


def check_srv6(folder, packets):
    """Behind an outer IPv6 header; the EV's high half is the inner flow label."""
    path = os.path.join(folder, "srv6.pcap")
    ours = [p for p in packets if p.data[0] == w.WRITE_MIDDLE] * 2
    inner = []
    for p in ours:
        udp = struct.pack("!HHHH", 0xC123, w.UDP_PORT, 8 + len(p.data) + 4, 0) + p.data
        whole = ipv6("fd00::1", "fd00::2", 17, udp + bytes(4), flow=0x4567)
        inner.append(whole[:-4] + w.icrc(whole[:40], udp))
    inner[1] = inner[1][:-1] + bytes([inner[1][-1] ^ 1])
    write_pcap(path, enumerate(ipv6("fd00::1", "fcbb:bbbb:1001:2001::", 41, i, flow=9)
                               for i in inner))
    frames = dissect(path)
    wrong = [text for p, f in zip(ours, frames) for text in compare_golden(p, f)]
    wrong += ["EV %r" % f.values("ev") for f in frames if f.values("ev") != [0x4567C123]]
    wrong += [] if [f.values("icrc.good") for f in frames] == [[1], [0]] else ["ICRC"]
    result(len(frames) == 2 and not wrong, "packets in SRv6 are dissected, a bad ICRC is seen", wrong)


def check_noise(folder):
    """Whatever the bytes are, the script meets no error."""
    random.seed(1)
    models, packets = golden.load(), []
    for i in range(1500):
        data = bytearray(random.choice(models).data)
        for _ in range(random.randrange(12)):
            data[random.randrange(len(data))] = random.randrange(256)
        data = bytes(data[:random.randrange(len(data) + 1)])
        packets.append((i, w.ipv4("10.0.0.%d" % random.randrange(1, 5), "10.0.0.9", data)))
    path = os.path.join(folder, "noise.pcap")
    write_pcap(path, packets)
    frames = dissect(path)
    wrong = ["packet %d: %s" % (i, name) for i, f in enumerate(frames) for name in f.fields
             if name.startswith("_ws.lua")]
    result(len(frames) == len(packets) and not wrong,
           "no error in the script over %d random packets" % len(packets), wrong)


def check_links(folder):
    """Four packets of a QP: the second is refused and sent again, the third is lost and sent again."""
    a, b, qa, qb = "10.0.0.1", "10.0.0.2", 0x10011, 0x20022
    a1, b1 = "10.0.1.1", "10.0.1.2"

    def data(psn, port, rtx=0, src=a, dst=b):
        return w.ipv4(src, dst, w.write(w.WRITE_MIDDLE, qb, psn, 1, 0, 1, 4096, b"1234", rtx=rtx),
                      sport=port)

    def sack(cack, acked, port, bitmap=0, src=b, dst=a):
        return w.ipv4(src, dst, w.bth(w.SACK, qa, cack) + struct.pack(
            "!HhIHHIBBhQHHI", 0, acked - cack, port, qb & 0xFFFF, qa & 0xFFFF, cack, 0, 32, 1, bitmap,
            0, 0, 0))

    def nack(psn, port):
        return w.ipv4(b, a, w.bth(w.NACK, qa, psn) + struct.pack(
            "!HBBIHHIBBH", 0, 1, 0, port, qb & 0xFFFF, qa & 0xFFFF, psn, 0x20, 0, 0))

    packets = [
        data(7, 0xC001),                        # 1
        data(8, 0xC002),                        # 2, refused by 5
        data(9, 0xC003, src=a1, dst=b1),        # 3, lost
        data(10, 0xC004),                       # 4
        nack(8, 0xC002),                        # 5
        sack(7, 10, 0xC004, bitmap=1 << 2),     # 6: 7 and 10 are there
        data(8, 0xC005, rtx=1),                 # 7
        data(9, 0xC006, rtx=1),                 # 8
        sack(10, 9, 0xC006, src=b1, dst=a1),    # 9: all, by another plane
        w.ipv4(a, b, w.bth(w.PROBE, qb, 11) + struct.pack("!HBBHHHHHH", 0, 0, 0, 0x77, 0, qa & 0xFFFF,
                                                          qb & 0xFFFF, 0, 1)),
        w.ipv4(b, a, w.bth(w.SACK, qa, 10) + struct.pack(
            "!HHIHHIBBhQHHI", 2, 0x77, 0, qb & 0xFFFF, qa & 0xFFFF, 10, 0, 32, 1, 0, 0, 0, 0)),
    ]
    path = os.path.join(folder, "links.pcap")
    write_pcap(path, [(i * 1e-5, p) for i, p in enumerate(packets)])
    frames = [None] + dissect(path)
    for number_, name, want in (
            (1, "acked_in", [6]), (4, "acked_in", [6]), (2, "nacked_in", [5]), (2, "rtx_in", [7]),
            (3, "rtx_in", [8]), (7, "rtx_of", [2]), (8, "rtx_of", [3]), (5, "nack_of", [2]),
            (6, "ack_of", [4]), (6, "acks", [1, 4]), (9, "ack_of", [8]),
            (9, "acks", [2, 3, 7, 8]), (7, "acked_in", [9]), (10, "answered_in", [11]),
            (11, "answer_to", [10]), (11, "acks", [])):
        got = sorted(frames[number_].values(name))
        result(got == want, "frame %d: %s is %s" % (number_, name, want), ["it is %s" % got])
    for text, want in (
            ("mrc.psn == 8", [2, 5, 7]), ("mrc.ev == 0xc003", [3]), ("mrc.ev == 0xc004", [4, 6]),
            ("mrc.qp == 0x10011", [5, 6, 9, 11]), ("mrc.qp == 0x20022", list(range(1, 12))),
            ("mrc.bth.rtx == 1", [7, 8]), ("mrc.seth.pr == 1", [11]),
            ("mrc.retransmission", [7, 8])):
        got = matching(path, text)
        result(got == want, "the filter %s finds %s" % (text, want), ["it finds %s" % got])


# --- captures ---------------------------------------------------------------------------

BTH = {"opcode": "opcode", "dqp": "dqpn", "psn": "psn", "ackreq": "ackreq", "rtx": "rtx",
       "has_ts": "ts", "pad": "pad", "tver": "tver", "pkey": "pkey", "solicited": "se"}
WRITE = {"rqmsn": "meth.rqmsn", "msn": "meth.msn", "va": "reth.va", "rkey": "reth.rkey",
         "dmalen": "reth.dmalen"}
SACK = {"seth_type": "seth.type", "nxt": "seth.nxt", "m": "seth.m", "pr": "seth.pr",
        "entropy": "seth.entropy", "spdcid": "seth.spdcid", "dpdcid": "seth.dpdcid",
        "cack": "seth.cack_psn", "cc_type": "seth.cc_type", "cc_flags": "seth.cc_flags",
        "mpr": "seth.mpr", "sack_offset": "seth.sack_offset", "bitmap": "seth.bitmap",
        "cc_ts": "cc.tx_timestamp", "ooo_count": "cc.ooo_count", "penalty": "cc.rcv_cwnd_pen",
        "restore_cwnd": "cc.restore_cwnd", "rcvd_bytes": "cc.rcvd_bytes"}
NACK = {"reason": "neth.reason", "vendor": "neth.vendor", "entropy": "neth.entropy",
        "spdcid": "neth.spdcid", "dpdcid": "neth.dpdcid", "nack_psn": "neth.nack_psn",
        "cc_ts": "neth.tx_timestamp"}
PROBE = {"probe_id": "peth.probe_id", "spdcid": "peth.spdcid", "dpdcid": "peth.dpdcid",
         "ts": "peth.tx_timestamp"}
AETH = {"syndrome": "aeth.syndrome", "msn": "aeth.msn"}


def expected(p):
    """Names in the dissector and values of one packet by the parser."""
    names = {key: "bth." + name for key, name in BTH.items()}
    if p.opcode in w.WRITES:
        names.update(WRITE)
        if p.ts is not None:
            names["ts"] = "tseth.tx_timestamp"
    elif p.opcode in (w.SACK, w.X_SACK_ACK):
        names.update(SACK)
        names.update({"probe_id": "seth.probe_id"} if p.pr else {"ack_offset": "seth.ack_psn_offset"})
    elif p.opcode == w.NACK:
        names.update(NACK)
    elif p.opcode == w.PROBE:
        names.update(PROBE)
    elif p.opcode == w.ENDPOINT_REQUEST:
        names.update({"op": "erth.op", "port_mask": "erth.port_status_mask",
                      "ts": "erth.tx_timestamp"})
    if p.opcode in (w.ACKNOWLEDGE, w.X_SACK_ACK):
        names.update(AETH)
    return {name: getattr(p, key) for key, name in names.items()}


def check_captures(folder, paths, trace):
    packets = []
    for time, data in sorted((pair for path in paths for pair in w.read_pcap(path)),
                             key=lambda pair: pair[0]):
        try:
            p = w.parse(data)
        except w.Malformed:
            continue
        if p:
            packets.append((time, data, p))
    path = os.path.join(folder, "capture.pcap")
    write_pcap(path, [(time, data) for time, data, p in packets])
    frames = dissect(path)
    wrong, count, kinds = [], 0, collections.Counter()
    for i, ((_, _, p), f) in enumerate(zip(packets, frames)):
        kinds[w.NAMES.get(p.opcode, "0x%02X" % p.opcode)] += 1
        for name, value in expected(p).items():
            count += 1
            if f.values(name) != [value]:
                wrong.append("frame %d, %r: %s is %r, not %r" % (i + 1, p, name, f.values(name), value))
        if p.opcode in w.WRITES and f.raw("payload") != p.payload:
            wrong.append("frame %d, %r: payload differs" % (i + 1, p))
        wrong += ["frame %d: %s" % (i + 1, name) for name in f.fields
                  if name.startswith("_ws.lua") or name in ("short", "trimmed", "opcode")]
    print("  " + ", ".join("%s %d" % item for item in sorted(kinds.items())))
    result(packets and len(frames) == len(packets) and not wrong,
           "dissector and parser agree on %d packets, %d values" % (len(packets), count), wrong)
    check_capture_links(packets, frames)
    if trace:
        check_trace(trace, packets, frames)


PACKET_LINE = re.compile(r" mrc_(send|receive): dev=(\d+) plane=-?\d+ ev=(\d+) op=0x(\w+) qpn=(\d+) "
                         r"psn=(\d+) len=(\d+) ackreq=(\d) rtx=(\d)")
SACK_LINE = re.compile(r" mrc_sack: qpn=(\d+) cack=(\d+) psn=(\d+) ev=(\d+) m=(\d)")
TRACED = ("bth.opcode", "bth.dqpn", "bth.psn", "bth.ackreq", "bth.rtx")


def read_trace(path):
    """Counters of the packets sent and received by the device that the first line names, and of the
    SACKs that came; and the addresses of that device."""
    with open(path, encoding="ascii") as file:
        head = re.match(r"# device (\d+) addresses (.+)", file.readline())
        text = file.read()
    kept = re.findall(r"entries-in-buffer/entries-written: (\d+)/(\d+)", text)
    result(kept and all(a == b for a, b in kept), "the trace is complete", kept)
    sent, received = collections.Counter(), collections.Counter()
    for kind, dev, ev, opcode, *rest in PACKET_LINE.findall(text):
        if dev == head[1]:
            opcode, (qpn, psn, length, ackreq, rtx) = int(opcode, 16), map(int, rest)
            # The pad is not there yet when a packet is sent; datagrams are not of MRC's space.
            if opcode >> 5 == 6:
                (sent if kind == "send" else received)[
                    (int(ev), length + -length % 4, opcode, qpn, psn, ackreq, rtx)] += 1
    sacks = collections.Counter(tuple(map(int, line)) for line in SACK_LINE.findall(text))
    return sent, received, sacks, head[2].split()


def check_trace(path, packets, frames):
    """What is captured of a node as sent was traced as sent, what was traced as received is captured,
    by the dissector's fields; and so are the SACKs that were taken in, at both ends."""
    sent, received, sacks, ours = read_trace(path)
    out, came, seen = (collections.Counter() for _ in range(3))
    for (_, _, p), f in zip(packets, frames):
        # only of data is it the packet's own
        ev = f.values("ev")[0] if 0xC0 <= p.opcode <= 0xCB or p.opcode in w.WRITES else \
            p.flow_label << 16 | p.sport
        key = (ev, p.length - 8 - 4, *(int(f.values(name)[0]) for name in TRACED))
        (out if p.src in ours else came)[key] += 1
        if p.opcode in (w.SACK, w.X_SACK_ACK):
            cack = f.values("seth.cack_psn")[0]
            # one that answers a probe has the probe's number there
            offset = 0 if f.values("seth.pr")[0] else f.values("seth.ack_psn_offset")[0]
            seen[(key[3], cack, cack + offset & 0xFFFFFF,
                  f.values("seth.entropy")[0], f.values("seth.m")[0])] += 1
    wrong = ["captured, not traced: %r" % (key,) for key in out - sent]
    result(out and not wrong, "%d packets captured as sent are in the trace, %d values" %
           (out.total(), out.total() * (len(TRACED) + 2)), wrong)
    wrong = ["traced, not captured: %r" % (key,) for key in received - came]
    result(received and not wrong, "%d packets traced as received are captured" % received.total(), wrong)
    wrong = ["traced, not captured: %r" % (key,) for key in sacks - seen]
    result(sacks and not wrong, "%d SACKs are what the kernel took them for" % sacks.total(), wrong)


def check_capture_links(packets, frames):
    """What a SACK is said to be caused by is a packet of that PSN and entropy, sent before it."""
    wrong, links, acks, again = [], 0, 0, 0
    for i, ((_, _, p), f) in enumerate(zip(packets, frames)):
        again += len(f.values("rtx_of"))
        for n in f.values("acks"):
            acks += 1
            if not 0 < n <= i:
                wrong.append("frame %d acknowledges %d" % (i + 1, n))
        if p.opcode not in (w.SACK, w.X_SACK_ACK) or p.pr:
            continue
        # the last such packet in the capture, which may lack some
        cause = [n + 1 for n, (_, _, q) in enumerate(packets[:i])
                 if 0xC0 <= q.opcode <= 0xD0 and q.psn == (p.cack + p.ack_offset) & 0xFFFFFF and
                 q.sport == p.entropy & 0xFFFF and q.dqp & 0xFFFF == p.spdcid][-1:]
        links += len(cause)
        if f.values("ack_of") != cause:
            wrong.append("frame %d: %r is caused by %r, not %r" %
                         (i + 1, p, cause, f.values("ack_of")))
    result(links and acks and not wrong,
           "%d SACKs lead to their packets, %d packets to their first SACK, %d were sent again" %
           (links, acks, again), wrong)


def main():
    with tempfile.TemporaryDirectory() as folder:
        args = sys.argv[1:]
        trace = args[1] if args[:1] == ["--trace"] else None
        if args:
            check_captures(folder, args[2:] if trace else args, trace)
        else:
            check_golden(folder)
            check_links(folder)
            check_noise(folder)
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0 or not passed


sys.exit(main())
