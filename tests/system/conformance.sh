#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 120
# level: quick
#
# WRITE and WRITE WITH IMMEDIATE on the wire are MRC 1.0 to the byte, by a
# parser that was written from the protocol's description alone.

. "$(dirname "$0")/lib.sh"

conformance=$(dirname "$0")/../conformance
export PYTHONDONTWRITEBYTECODE=1

for mtu in 4096 1024 256; do
	pids=
	for plane in 0 1 2 3; do
		on $C tcpdump -q -i eth$plane -s 0 -U -w "$WORK/$mtu.$plane.pcap" 2> /dev/null &
		pids+=" $!"
	done
	for plane in 0 1 2 3; do
		wait_for 10 test -s "$WORK/$mtu.$plane.pcap"
	done
	check "path MTU $mtu: the messages are written" bash -c \
		"python3 $conformance/write_story.py $mtu > $WORK/$mtu.story"
	kill $pids
	wait
	python3 "$conformance/check_capture.py" "$WORK/$mtu.story" "$WORK/$mtu".*.pcap ||
		failures=$((failures + 1))
	[ ! -d /mnt/share ] || cp "$WORK/$mtu".* /mnt/share/
done
finish
