# SPDX-License-Identifier: GPL-2.0
"""The golden bytes of tests/unit/golden (mrc.txt there explains the notation)."""

import os
import re

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "golden")
FILES = ("mrc.txt", "extensions.txt")


class Packet:
    """name, data (BTH to pad), payload and pad (bytes), fields: [(name, bits, value)] in order."""

    def __init__(self, name):
        self.name, self.fields = name, []
        self.data = self.payload = self.pad = b""


def parse_line(packet, line):
    match = re.match(r"((?:[0-9a-f]{2}(?:\*\d+)?(?:\s|$) ?)+)", line)
    data = b"".join(bytes([int(b[:2], 16)]) * int(b[3:] or 1) for b in match.group(1).split())
    packet.data += data
    for word in line[match.end():].split():
        if word in ("payload", "pad"):
            setattr(packet, word, data)
            continue
        name, bits, value = re.fullmatch(r"\(?([^:]+):(\d+)(?:=([^)]+))?\)?", word).groups()
        if name != "-":
            packet.fields.append((name, int(bits), int(value, 0) & (1 << int(bits)) - 1))


def load():
    """All golden packets."""
    packets = []
    for name in FILES:
        with open(os.path.join(FOLDER, name)) as file:
            for line in file:
                if line.startswith("["):
                    packets.append(Packet(line[1:line.index("]")]))
                elif line.strip() and not line.startswith("#"):
                    parse_line(packets[-1], line)
    return packets
