#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 120
# level: quick
#
# WRITE and WRITE WITH IMMEDIATE on the wire are MRC 1.0 to the byte, by a
# parser that was written from the protocol's description alone: between nodes
# that know each other's extensions, and between nodes that do not.

. "$(dirname "$0")/lib.sh"

conformance=$(dirname "$0")/../conformance
export PYTHONDONTWRITEBYTECODE=1

# $1: path MTU, $2: name, $3: "plain" or nothing
story()
{
	local mtu=$1 name=$1.$2 pids='' plane

	for plane in 0 1 2 3; do
		on $C tcpdump -q -i eth$plane -s 0 --immediate-mode -U \
			-w "$WORK/$name.$plane.pcap" 2> /dev/null &
		pids+=" $!"
	done
	for plane in 0 1 2 3; do
		wait_for 10 test -s "$WORK/$name.$plane.pcap"
	done
	check "path MTU $mtu, $2: the messages are written" bash -c \
		"python3 $conformance/write_story.py $mtu $3 > $WORK/$name.story"
	cat "$WORK/check.log"
	# What was captured has to reach the files.
	sleep 1
	# shellcheck disable=SC2086
	kill $pids
	# shellcheck disable=SC2086
	wait $pids
	python3 "$conformance/check_capture.py" "$WORK/$name.story" "$WORK/$name".*.pcap ||
		failures=$((failures + 1))
	[ ! -d /mnt/share ] || cp "$WORK/$name".* /mnt/share/
}

for mtu in 4096 1024 256; do
	story $mtu extended ''
done

# Nodes that hear no hello: each takes the other for a plain MRC 1.0 endpoint.
rebuild_fabric
for node in $C $S; do
	on $node nft -f - <<-'EOF2' || not_ok "node $node hears no hello"
	table inet deaf {
		chain input {
			type filter hook input priority 0
			udp dport 4971 @th,64,8 0xda counter drop
			udp dport 4971 @th,64,8 0xdb counter drop
		}
	}
	EOF2
done
for mtu in 4096 1024; do
	story $mtu plain plain
done
for node in $C $S; do
	on $node nft delete table inet deaf
done
rebuild_fabric
finish
