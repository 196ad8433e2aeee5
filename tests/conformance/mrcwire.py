# SPDX-License-Identifier: GPL-2.0
"""MRC 1.0 packets, taken apart and put together byte by byte.

Written from the protocol's description alone and not from this project's C
headers, so that an error there cannot hide here. Everything is big-endian:

    IP | UDP | BTH 12 | METH 4 | [TSETH 4] | RETH 16 | [ImmDt 4] | payload, pad | ICRC 4
"""

import ipaddress
import struct
import zlib

UDP_PORT = 4971

WRITE_FIRST, WRITE_MIDDLE, WRITE_LAST, WRITE_LAST_IMM = 0xC6, 0xC7, 0xC8, 0xC9
WRITE_ONLY, WRITE_ONLY_IMM = 0xCA, 0xCB
ACKNOWLEDGE = 0xD1
ENDPOINT_REQUEST, ENDPOINT_RESPONSE = 0xD8, 0xD9
SACK, NACK, PROBE = 0xDC, 0xDD, 0xDE

# Not MRC 1.0: the project's own SACK that carries an AETH too (Documentation/protocol.md).
X_SACK_ACK = 0xD2

WRITES = range(WRITE_FIRST, WRITE_ONLY_IMM + 1)
NAMES = {
    WRITE_FIRST: "WRITE_FIRST", WRITE_MIDDLE: "WRITE_MIDDLE", WRITE_LAST: "WRITE_LAST",
    WRITE_LAST_IMM: "WRITE_LAST_IMM", WRITE_ONLY: "WRITE_ONLY", WRITE_ONLY_IMM: "WRITE_ONLY_IMM",
    ACKNOWLEDGE: "ACKNOWLEDGE", ENDPOINT_REQUEST: "ENDPOINT_REQUEST",
    ENDPOINT_RESPONSE: "ENDPOINT_RESPONSE", SACK: "SACK", NACK: "NACK", PROBE: "PROBE_REQUEST",
}
WITH_IMM = (WRITE_LAST_IMM, WRITE_ONLY_IMM)


class Malformed(Exception):
    """The bytes are not what the protocol says they must be."""


def need(condition, text):
    if not condition:
        raise Malformed(text)


def signed16(value):
    return value - 0x10000 if value & 0x8000 else value


class Packet:
    """One packet's fields as attributes; see parse()."""

    def __init__(self):
        self.src = self.dst = None
        self.imm = self.payload = None
        self.ts = None

    def __repr__(self):
        name = NAMES.get(self.opcode, "opcode 0x%02X" % self.opcode)
        return "%s %s->%s qp 0x%06x psn %d" % (name, self.src, self.dst, self.dqp, self.psn)


def icrc(ip, udp_to_payload):
    """The InfiniBand trade association's rule for RoCEv2 (annex A17): CRC-32 over 8 bytes
    of ones, then the headers with the fields that routers may change set to ones."""
    ip, rest = bytearray(ip), bytearray(udp_to_payload)
    if ip[0] >> 4 == 4:
        ip[1] = 0xFF                        # type of service
        ip[8] = 0xFF                        # time to live
        ip[10:12] = b"\xff\xff"             # header checksum
    else:
        ip[0] |= 0x0F                       # traffic class and flow label
        ip[1:4] = b"\xff\xff\xff"
        ip[7] = 0xFF                        # hop limit
    rest[6:8] = b"\xff\xff"                 # UDP checksum
    if len(rest) > 8 + 4:
        rest[8 + 4] = 0xFF                  # BTH: reserved byte
    return struct.pack("<I", zlib.crc32(bytes(b"\xff" * 8 + ip + rest)) & 0xFFFFFFFF)


def parse_ip(data):
    """Splits an IP packet into addresses, traffic class, flow label, header, and the rest."""
    need(len(data) >= 20, "shorter than an IP header")
    if data[0] >> 4 == 4:
        ihl = (data[0] & 15) * 4
        total = struct.unpack_from("!H", data, 2)[0]
        need(ihl == 20, "IP options")
        need(total <= len(data), "IPv4 total length is beyond the packet")
        need(data[9] == 17, "not UDP")
        return (str(ipaddress.ip_address(data[12:16])), str(ipaddress.ip_address(data[16:20])),
                data[1], 0, data[:20], data[20:total])
    need(data[0] >> 4 == 6 and len(data) >= 40, "neither IPv4 nor IPv6")
    first, length, following = struct.unpack_from("!IHB", data, 0)
    need(following == 17, "IPv6 next header is not UDP")
    need(40 + length <= len(data), "IPv6 payload length is beyond the packet")
    return (str(ipaddress.ip_address(data[8:24])), str(ipaddress.ip_address(data[24:40])),
            (first >> 20) & 0xFF, first & 0xFFFFF, data[:40], data[40:40 + length])


def parse(data, port=UDP_PORT):
    """An IP packet (bytes) as a Packet. None if it is not for the MRC port; raises Malformed."""
    p = Packet()
    p.src, p.dst, p.tclass, p.flow_label, ip, rest = parse_ip(data)
    need(len(rest) >= 8, "shorter than a UDP header")
    p.sport, p.dport, length, p.udp_csum = struct.unpack_from("!HHHH", rest, 0)
    if p.dport != port:
        return None
    need(length == len(rest), "UDP length %d, the IP header says %d" % (length, len(rest)))
    need(len(rest) >= 8 + 12 + 4, "shorter than UDP, BTH and ICRC")
    need(rest[-4:] == icrc(ip, rest[:-4]), "ICRC is wrong")
    p.length = length
    body = rest[8:-4]

    p.opcode = body[0]
    p.solicited = body[1] >> 7
    p.pad = (body[1] >> 4) & 3
    p.tver = body[1] & 15
    p.pkey = struct.unpack_from("!H", body, 2)[0]
    p.dqp = int.from_bytes(body[5:8], "big")
    p.ackreq = body[8] >> 7
    p.rtx = (body[8] >> 5) & 1
    p.has_ts = (body[8] >> 4) & 1
    p.psn = int.from_bytes(body[9:12], "big")
    need(p.opcode >> 5 == 6, "opcode 0x%02x is not of the 110 space" % p.opcode)
    need(p.tver == 0, "transport version is %d" % p.tver)
    body = body[12:]
    if p.opcode in WRITES:
        parse_write(p, body)
    elif p.opcode == SACK:
        parse_sack(p, body)
    elif p.opcode == X_SACK_ACK:
        parse_sack(p, body[:-4])
        p.syndrome, p.msn = body[-4], int.from_bytes(body[-3:], "big")
    elif p.opcode == NACK:
        parse_nack(p, body)
    elif p.opcode == PROBE:
        parse_probe(p, body)
    elif p.opcode == ACKNOWLEDGE:
        need(len(body) == 4, "ACKNOWLEDGE is not BTH and AETH")
        p.syndrome, p.msn = body[0], int.from_bytes(body[1:4], "big")
    elif p.opcode == ENDPOINT_REQUEST:
        need(len(body) >= 16, "ENDPOINT_REQUEST is shorter than its ERTH")
        p.op = body[1] & 3 if body[0] == 0 else None
        p.port_mask = struct.unpack_from("!I", body, 4)[0]
        p.ts = struct.unpack_from("!H", body, 12)[0]
    else:
        p.payload = body
    return p


def parse_ts(p, body):
    need(len(body) >= 4, "shorter than its TSETH")
    p.ts, flags = struct.unpack_from("!HH", body, 0)
    p.tsr, p.ftype = flags >> 15, flags & 15
    need(p.ftype == 1, "TSETH ftype is %d" % p.ftype)
    return body[4:]


def parse_write(p, body):
    need(len(body) >= 4, "shorter than its METH")
    p.rqmsn, p.msn = struct.unpack_from("!HH", body, 0)
    body = body[4:]
    if p.has_ts:
        body = parse_ts(p, body)
    need(len(body) >= 16, "shorter than its RETH")
    p.va, p.rkey, p.dmalen = struct.unpack_from("!QII", body, 0)
    body = body[16:]
    if p.opcode in WITH_IMM:
        need(len(body) >= 4, "shorter than its ImmDt")
        p.imm = body[:4]
        body = body[4:]
    need(len(body) % 4 == 0 and len(body) >= p.pad, "payload and pad are not a multiple of 4")
    need(body[len(body) - p.pad:] == bytes(p.pad), "pad bytes are not 0")
    p.payload = body[:len(body) - p.pad]


def parse_sack(p, body):
    need(len(body) == 28 + 8, "SACK is not BTH, SETH 28 and CC_STATE 8, but %d bytes" % len(body))
    first, p.ack_offset = struct.unpack_from("!Hh", body, 0)
    p.seth_type, p.nxt, p.m, p.pr = first >> 12, (first >> 7) & 31, (first >> 5) & 3, (first >> 1) & 1
    p.probe_id = p.ack_offset & 0xFFFF
    p.entropy, p.spdcid, p.dpdcid = struct.unpack_from("!IHH", body, 4)
    p.cack = int.from_bytes(body[13:16], "big")
    p.cc_type, p.cc_flags, p.mpr = body[16] >> 4, body[16] & 15, body[17]
    p.sack_offset, p.bitmap = struct.unpack_from("!hQ", body, 18)
    p.cc_ts, ooo, last = struct.unpack_from("!HHI", body, 28)
    p.r, p.ooo_count = ooo >> 15, ooo & 0x7FFF
    p.restore_cwnd, p.penalty, p.rcvd_bytes = last >> 31, (last >> 24) & 0x7F, last & 0xFFFFFF
    need(p.seth_type == 0, "SETH type is %d" % p.seth_type)
    need(p.nxt == 0, "SETH nxt is %d" % p.nxt)
    need(p.m != 3, "SETH m is 3")
    need(p.cc_type == 0, "cc_type of a SACK is %d" % p.cc_type)
    need(p.psn == p.cack, "SACK: BTH.PSN %d is not cack %d" % (p.psn, p.cack))


def parse_nack(p, body):
    need(len(body) == 20, "NACK is not BTH and NETH 20, but %d bytes" % len(body))
    p.reason, p.vendor = body[2], body[3]
    p.entropy, p.spdcid, p.dpdcid = struct.unpack_from("!IHH", body, 4)
    p.nack_psn = int.from_bytes(body[13:16], "big")
    p.cc_type = body[16] >> 4
    p.cc_ts = struct.unpack_from("!H", body, 18)[0]
    need(body[0:2] == b"\0\0", "NETH begins with 0x%s" % body[0:2].hex())
    need(p.cc_type == 2, "cc_type of a NACK is %d" % p.cc_type)
    need(p.psn == p.nack_psn, "NACK: BTH.PSN %d is not nack_psn %d" % (p.psn, p.nack_psn))


def parse_probe(p, body):
    need(len(body) == 16, "PROBE_REQUEST is not BTH and PETH 16, but %d bytes" % len(body))
    p.probe_id, = struct.unpack_from("!H", body, 4)
    p.spdcid, p.dpdcid, p.ts, flags = struct.unpack_from("!HHHH", body, 8)
    need(flags & 15 == 1, "PETH ftype is %d" % (flags & 15))


def sacked(p):
    """PSNs a SACK reports above its cack."""
    return {(p.cack + p.sack_offset + i) & 0xFFFFFF for i in range(64) if p.bitmap >> i & 1}


# --- building ---------------------------------------------------------------------------

def bth(opcode, dqp, psn, pad=0, ackreq=0, rtx=0, ts=0, pkey=0xFFFF, solicited=0, tver=0):
    return struct.pack("!BBHII", opcode, solicited << 7 | pad << 4 | tver, pkey, dqp & 0xFFFFFF,
                       (ackreq << 7 | rtx << 5 | ts << 4) << 24 | psn & 0xFFFFFF)


def meth(rqmsn, msn):
    return struct.pack("!HH", rqmsn & 0xFFFF, msn & 0xFFFF)


def reth(va, rkey, dmalen):
    return struct.pack("!QII", va & (1 << 64) - 1, rkey & 0xFFFFFFFF, dmalen & 0xFFFFFFFF)


def write(opcode, dqp, psn, msn, va, rkey, dmalen, payload, rqmsn=0, imm=None, **flags):
    """A WRITE packet from BTH to pad."""
    pad = -len(payload) % 4
    return (bth(opcode, dqp, psn, pad=flags.pop("pad", pad), **flags) + meth(rqmsn, msn) +
            reth(va, rkey, dmalen) + (imm if imm is not None else b"") + payload + bytes(pad))


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(src, dst, body, sport=49152, dport=UDP_PORT, udp_length=None, ident=1, ttl=64,
         bad_icrc=False):
    """An IPv4 packet around @body (BTH to pad), with ICRC."""
    length = 8 + len(body) + 4
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, ident, 0x4000, ttl, 17, 0)
    head += ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    udp = struct.pack("!HHHH", sport, dport, length if udp_length is None else udp_length, 0)
    crc = icrc(head, udp + body)
    if bad_icrc:
        crc = bytes([crc[0] ^ 1]) + crc[1:]
    return head + udp + body + crc


# --- pcap -------------------------------------------------------------------------------

def read_pcap(path):
    """Yields (seconds, IP packet) of a capture with Ethernet headers."""
    with open(path, "rb") as file:
        head = file.read(24)
        need(len(head) == 24, "no pcap file")
        magic = head[:4]
        order = "<" if magic in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        unit = 1e-9 if magic in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e-6
        need(struct.unpack(order + "I", head[20:24])[0] & 0xFFFF == 1, "not an Ethernet capture")
        while True:
            record = file.read(16)
            if len(record) < 16:
                return
            seconds, fraction, caplen, _ = struct.unpack(order + "IIII", record)
            data = file.read(caplen)
            kind = data[12:14]
            if kind in (b"\x08\x00", b"\x86\xdd"):
                yield seconds + fraction * unit, data[14:]
