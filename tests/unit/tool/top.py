#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run "mrc top" on a terminal of a size and look at what it shows.

    top.py COLUMNS ROWS PLANES COMMAND...

Prints the screen. Fails if something is written beyond it, if tables do not
line up, if not all of PLANES ports are there, if the peers do not come the
worst first, if a smaller window is not drawn for, or if the terminal is not
left as it was found.
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time


# A frame begins at the upper left corner.
FRAME = "\x1b[1;1H"


def screen(data, cols, rows):
    """What a terminal shows after these bytes."""
    cells = [[" "] * cols for _ in range(rows)]
    r = c = 0
    for m in re.finditer(r"\x1b\[([0-9;?]*)([A-Za-z])|([^\x1b])", data):
        args, what, char = m.groups()
        if what == "H":
            r, c = [int(x) - 1 for x in (args or "1;1").split(";")]
        elif what == "K":
            cells[r][c:] = [" "] * (cols - c)
        elif what == "J":
            cells[r][c:] = [" "] * (cols - c)
            for k in range(r + 1, rows):
                cells[k] = [" "] * cols
        elif char:
            if c >= cols or r >= rows:
                sys.exit("writes beyond the screen")
            cells[r][c] = char
            c += 1
    return ["".join(line).rstrip() for line in cells]


def size(fd, cols, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def read(fd, frames):
    """Until so many frames have begun, or for 30 s, or to the end."""
    data, end = "", time.time() + 30
    while time.time() < end and data.count(FRAME) < frames:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                data += os.read(fd, 65536).decode()
            except OSError:
                break
    return data


def last_frame(data):
    """The last but one of the frames is complete."""
    return FRAME + data.split(FRAME)[-2]


def table(shown, heading):
    """The lines under the one that has this word, and that line."""
    at = next((i for i, line in enumerate(shown) if heading in line), None)
    if at is None:
        sys.exit(f"no {heading}")
    lines = []
    for line in shown[at + 1:]:
        if not line:
            break
        if not line.startswith("... and "):
            lines.append(line)
    return shown[at], lines


def losses(lines):
    return [float(re.search(r" ([0-9.]+)% ", line)[1]) for line in lines]


def check(shown, planes):
    text = "\n".join(shown)
    head, ports = table(shown, "PLANE ")
    peers_head, peers = table(shown, "PEERS")
    assert re.search(r"out [0-9.]+[kMGT]?b/s", text), "no rate"
    assert len(re.findall(r" (up|down|off) ", "\n".join(ports))) == planes, \
        "not all planes"
    assert peers, "no peers"
    for heading, lines in (head, ports), (peers_head, peers):
        assert {len(line) for line in lines} == {len(heading)}, \
            "the table does not line up"
    worst = losses(peers)
    assert worst == sorted(worst, reverse=True), "not the worst first"


def main():
    cols, rows, planes = map(int, sys.argv[1:4])
    pid, fd = pty.fork()
    if not pid:
        # The window gets its size first.
        time.sleep(0.3)
        os.execvp(sys.argv[4], sys.argv[4:])
    size(fd, cols, rows)
    before = termios.tcgetattr(fd)
    # The first one has no rates.
    shown = screen(last_frame(read(fd, 4)), cols, rows)
    print("\n".join(shown))
    size(fd, 60, 10)
    # Two may be on their way yet for the old size.
    small = screen(last_frame(read(fd, 4)), 60, 10)
    os.write(fd, b"q")
    rest = read(fd, 1000)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
    check(shown, planes)
    assert small[0].startswith("mrc top") and "PLANE" in small[4], "not resized"
    assert rest.endswith("\x1b[?25h\x1b[?1049l"), "terminal not restored"
    assert termios.tcgetattr(fd)[3] == before[3], "settings not restored"


main()
