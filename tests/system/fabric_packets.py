#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Packets through the fabric's queues, without the module.

fabric_packets.py send ADDRESS COUNT SIZE TOS   MRC data packets with SIZE bytes of payload
fabric_packets.py count NETDEV SECONDS FILE     what arrives there within so long, or until no more
                                                comes for 2 s; "ready" goes to FILE once it is
                                                looking. Prints NAME=VALUE ...

full, trimmed: data packets with and without payload; ce: of them ECN-marked; lengths: trimmed with
IP and UDP lengths that are right; lasthop: trimmed with DSCP 20; intact: headers as sent, IPv4
checksum right; span_us: from the first to the last full one.
"""

import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conformance"))
import mrcwire  # noqa: E402 pylint: disable=wrong-import-position

# Python has no names for these.
SO_TIMESTAMP, SO_SNDBUFFORCE, SO_RCVBUFFORCE = 29, 32, 33

HEADERS = mrcwire.bth(mrcwire.WRITE_MIDDLE, 0xABCDEF, 0x123456, ts=1) + mrcwire.meth(1, 2) + \
    struct.pack("!HH", 0x5678, 1)


def send(address, count, size, tos):
    v6 = ":" in address
    s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(*(socket.IPPROTO_IPV6, socket.IPV6_TCLASS) if v6 else
                 (socket.IPPROTO_IP, socket.IP_TOS), tos)
    s.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20)
    data = HEADERS + mrcwire.reth(0, 1, size) + bytes(size + 4)
    for _ in range(count):
        s.sendto(data, (address, mrcwire.UDP_PORT))


class Counts:
    def __init__(self):
        self.values = dict.fromkeys(("full", "trimmed", "ce", "lengths", "lasthop", "intact",
                                     "span_us"), 0)
        self.first = None

    def add(self, frame, now):
        """One Ethernet frame. False: it is no MRC data packet of ours."""
        ip, v = frame[14:], self.values
        if ip[0] >> 4 == 4:
            tos, size, proto = ip[1], 20, ip[9]
            total, checksum = struct.unpack_from("!H", ip, 2)[0], mrcwire.checksum(ip[:20]) == 0
        else:
            tos, size, proto = (ip[0] & 15) << 4 | ip[1] >> 4, 40, ip[6]
            total, checksum = struct.unpack_from("!H", ip, 4)[0] + 40, True
        udp = ip[size:]
        if proto == 41:                 # SRv6
            udp = ip[80:]
        elif proto != 17:
            return False
        if struct.unpack_from("!H", udp, 2)[0] != mrcwire.UDP_PORT or udp[8] != HEADERS[0]:
            return False
        trimmed = len(udp) == 8 + len(HEADERS)
        v["trimmed" if trimmed else "full"] += 1
        v["ce"] += tos & 3 == 3
        v["intact"] += udp[8:8 + len(HEADERS)] == HEADERS and checksum
        if self.first is None and not trimmed:
            self.first = now
        if trimmed:
            v["lasthop"] += tos >> 2 == 20
            v["lengths"] += total == len(ip) and struct.unpack_from("!H", udp, 4)[0] == len(udp)
        else:
            v["span_us"] = int((now - self.first) * 1e6)
        return True


def count(netdev, seconds, ready):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
    s.bind((netdev, 0))
    with open(ready, "w") as file:
        file.write("ready\n")
    counts, end = Counts(), time.monotonic() + seconds
    last = end
    while time.monotonic() < end:
        s.settimeout(max(0.01, end - time.monotonic()))
        try:
            frame, extra, _, where = s.recvmsg(65536, 64)
        except socket.timeout:
            break
        if where[2] != socket.PACKET_OUTGOING and len(frame) >= 14 + 20 + 8 + len(HEADERS) and \
                frame[12:14] in (b"\x08\x00", b"\x86\xdd"):
            stamp = struct.unpack("qq", extra[0][2][:16]) if extra else (time.time(), 0)
            if counts.add(frame, stamp[0] + stamp[1] / 1e6):
                end = min(last, time.monotonic() + 2)
    print(*["%s=%d" % item for item in counts.values.items()])


if sys.argv[1] == "send":
    send(sys.argv[2], *map(int, sys.argv[3:6]))
else:
    count(sys.argv[2], float(sys.argv[3]), sys.argv[4])
