#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Random messages to the generic netlink family "mrc": every command (and a few that are none), with random attributes.

Prints how many were sent and how they were answered; the kernel must survive, and say of every refusal in words why.
"""

import errno
import random
import socket
import struct
import sys

NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 0x10, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 1, 2
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_ACK_TLVS = 0x200
NLMSGERR_ATTR_MSG = 1
SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 10, 11
# What the core of generic netlink refuses by itself, or for want of memory, goes without saying.
WORDLESS = (errno.EOPNOTSUPP, errno.EPERM, errno.ENOMEM)


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def request(sock, family, command, flags, attributes, version=1):
    body = struct.pack("=BBH", command, version, 0) + attributes
    sock.send(struct.pack("=IHHII", 16 + len(body), family, flags, 1, 0) + body)


def has_words(data, at):
    """Is there a message among the attributes from here on?"""
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if kind == NLMSGERR_ATTR_MSG:
            return len(data[at + 4:at + length].strip(b"\0")) > 10
        at += (max(length, 4) + 3) & ~3
    return False


def answer(sock):
    """The errno of the first answer (0: done well), None when there is none; and was it told why?"""
    try:
        data = sock.recv(1 << 17)
    except (TimeoutError, OSError):
        return None, True
    kind, flags = struct.unpack_from("=HH", data, 4)
    if kind not in (NLMSG_ERROR, NLMSG_DONE):
        return 0, True
    # behind the errno, and of an error the header of what was asked
    words = flags & NLM_F_ACK_TLVS and has_words(data, 36 if kind == NLMSG_ERROR else 20)
    return -struct.unpack_from("=i", data, 16)[0], bool(words)


def family_id(sock, name):
    request(sock, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_REQUEST,
            attribute(CTRL_ATTR_FAMILY_NAME, name.encode() + b"\0"))
    data = sock.recv(1 << 16)
    if struct.unpack_from("=H", data, 4)[0] == 2:
        sys.exit("there is no generic netlink family " + name)
    at = 20
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if kind == CTRL_ATTR_FAMILY_ID:
            return struct.unpack_from("=H", data, at + 4)[0]
        at += (length + 3) & ~3
    sys.exit("no family id")


def value(rnd, depth=0):
    pick = rnd.randrange(8)
    if pick < 2:
        return struct.pack("=I", rnd.choice((0, 1, 2, 31, 32, 33, 255, 0x7FFFFFFF, 0xFFFFFFFF)))
    if pick == 2:
        return rnd.choice((b"mrc0\0", b"mrc1\0", b"eth0\0", b"eth9\0", b"", b"x" * 300, b"eth0"))
    if pick == 3:
        return rnd.randbytes(rnd.choice((1, 2, 4, 8, 16, 60, 4000)))
    if pick == 4 and depth < 12:
        return b"".join(attribute(rnd.randrange(40) | rnd.choice((0, 0x8000)), value(rnd, depth + 1))
                        for _ in range(rnd.randrange(4)))
    if pick == 5:
        return socket.inet_aton("10.0.%d.%d" % (rnd.randrange(4), rnd.randrange(4)))
    return struct.pack("=Q", rnd.choice((0, 1, 1 << 32, (1 << 64) - 1)))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    rnd = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
    sock.settimeout(5)
    sock.connect((0, 0))
    family = family_id(sock, "mrc")
    sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
    sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
    answers = {}
    wordless = {}
    for _ in range(count):
        # A device's name in front now and then, so that it gets past the first check.
        body = b"".join(attribute(rnd.randrange(40), value(rnd)) for _ in range(rnd.randrange(6)))
        if rnd.randrange(2):
            body = attribute(rnd.randrange(1, 4), rnd.choice((b"mrc0\0", b"mrc1\0"))) + body
        flags = NLM_F_REQUEST | NLM_F_ACK | rnd.choice((0, 0, NLM_F_DUMP))
        command = rnd.randrange(28)
        request(sock, family, command, flags, body)
        got, words = answer(sock)
        answers[got] = answers.get(got, 0) + 1
        if got and not words and got not in WORDLESS:
            wordless[command, got] = wordless.get((command, got), 0) + 1
        sock.setblocking(False)
        try:
            while sock.recv(1 << 17):
                pass
        except BlockingIOError:
            pass
        except OSError:
            pass
        sock.settimeout(5)
    print("netlink: %d messages; answers by errno: %s" % (count, answers))
    print("netlink: refused without a word, by command and errno: %s" % wordless)
    return None in answers or bool(wordless)


sys.exit(main())
