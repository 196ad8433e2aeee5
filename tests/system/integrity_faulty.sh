#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4 clos
# kernels: 6.12
# debug: no
# time: 700
# level: full
#
# 200,000 messages of all operations, every byte, immediate and completion
# checked, while every link loses 1 %, delays a quarter of the packets by 5 ms,
# duplicates 0.5 % and corrupts 0.1 %.

. "$(dirname "$0")/lib.sh"

faulty_links
counters $C > "$WORK/before"
integrity "200,000 messages, 8 QPs, all operations" 700 1 -q 8 -n 100000 --seed $RANDOM
figure "packets dropped by the fabric" $(netem_drops)
counters $C > "$WORK/after"
counters_changed "$WORK/before" "$WORK/after"
integrity "4,000 messages with an SRQ" 120 2 -n 2000 --srq -s 65536
integrity "4,000 messages with completion events" 120 3 -n 2000 --events -s 65536
integrity "1,000 overlapping WRITEs" 120 4 -n 1000 --overlap --ops raw,send:1 -s 65536
fault all clear
finish
