#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: incast clos-srv6
# kernels: 6.12
# debug: no
# time: 200
# level: full
#
# The fabrics with queues do what they say: ports count, shape, mark, trim and
# drop; SRv6 leads packets by the switches that their destination names, and
# by no others. Packets are made and counted without the module; at the end it
# carries messages over the fabric.

. "$(dirname "$0")/lib.sh"

packets="python3 $(dirname "$0")/fabric_packets.py"
export PYTHONDONTWRITEBYTECODE=1
# DSCP 10 (trimmable) and ECT(0)
data=$((10 << 2 | 2))

# Count what arrives while packets are sent; the counts become variables
# (fabric_packets.py says what they mean).
# $1: node, $2: netdev, $3: seconds, rest: commands that send, at the same time
counting()
{
	local node=$1 netdev=$2 seconds=$3 pid command pids=''

	shift 3
	queue reset
	rm -f "$WORK/ready"
	on "$node" $packets count "$netdev" "$seconds" "$WORK/ready" \
		> "$WORK/counts" &
	pid=$!
	wait_for 20 test -s "$WORK/ready"
	for command; do
		$command &
		pids+=" $!"
	done
	# shellcheck disable=SC2086
	wait $pids $pid
	figure "arrived" "$(cat "$WORK/counts")"
	queue show > "$WORK/ports"
	read -r full trimmed ce lengths lasthop intact span <<< \
		"$(sed 's/[a-z_]*=//g' "$WORK/counts")"
}

# What a port has counted. $1: link, $2: namespace it leads to, $3: packets,
# bytes, marked, trimmed, dropped or max
port()
{
	awk -v link="$1" -v to="$2" -v what="$3" '
		BEGIN { n = split("packets bytes marked trimmed dropped max", f)
			for (i = 1; i <= n; i++) at[f[i]] = i + 2 }
		$1 == link && $2 == to { v = $at[what] } END { print v + 0 }' \
		"$WORK/ports"
}

incast()
{
	counting h eth0 3 "on a $packets send 10.0.0.8 200 64 $data"
	holds "$full == 200 && $trimmed == 0 && $intact == 200" \
		"200 packets without congestion arrive as they were"
	holds "$(port h:0 h packets) >= 200 && $(port j:0 j packets) < 100" \
		"they are counted on their port"

	# 300 packets of 4 KiB, 1.2 MB: faster than a quarter of a byte per
	# microsecond, however slow the guest is
	queue set rate=2mbit
	counting h eth0 12 "on a $packets send 10.0.0.8 100 4096 $data" \
		"on b $packets send 10.0.0.8 100 4096 $data" \
		"on c $packets send 10.0.0.8 100 4096 $data"
	holds "$full + $trimmed == 300" "IPv4: nothing is lost where packets are trimmed"
	holds "$trimmed >= 100 && $trimmed == $(port h:0 h trimmed)" "they are, and counted"
	holds "$lasthop == $trimmed && $lengths == $trimmed && $intact == 300" \
		"trimmed packets have their DSCP, right lengths and whole headers"
	holds "$ce == 0" "nothing is marked on the last hop"
	holds "$span > 0.9 * ($full - 1) * 4180 / 0.25" "the port sends no faster than its rate"

	queue set keep_lengths=1
	counting h eth0 8 "on a $packets send fd00::8 150 4096 $data"
	queue set keep_lengths=0
	holds "$full + $trimmed == 150 && $trimmed >= 50 && $lengths == 0 && $intact == 150" \
		"IPv6: trimmed packets may keep the lengths they had"

	counting h eth0 12 "on a $packets send 10.0.0.8 300 4096 2"
	queue set rate=100mbit
	holds "$trimmed == 0 && $full < 300 && $full + $(port h:0 h dropped) == 300" \
		"other classes are dropped, not trimmed"
}

# $1: plane, $2: T1 switch: node a reaches node c that way
route_by()
{
	ip -n a -6 route replace fd00:0:0:$1::3/128 encap seg6 mode encap.red \
		segs fcbb:bbbb:10${1}0:20$1$2:10${1}1:30${1}3:: dev eth$1
}

srv6()
{
	local plane spine other up down

	for plane in 0 3; do
		for spine in 0 1; do
			other=$((1 - spine))
			route_by $plane $spine
			counting c eth$plane 3 \
				"on a $packets send fd00:0:0:$plane::3 40 1024 $data"
			holds "$full == 40" "plane $plane by T1 switch $spine: all arrive"
			up=$(port t0p${plane}s0-t1p${plane}s$spine t1p${plane}s$spine packets)
			down=$(port t0p${plane}s1-t1p${plane}s$spine t0p${plane}s1 packets)
			holds "$up >= 40 && $down >= 40" "the links named are taken"
			holds "$(port t0p${plane}s0-t1p${plane}s$other t1p${plane}s$other packets) < 20" \
				"the other switch is not"
		done
	done

	queue set trim=0
	queue rate t0p0s0-t1p0s1 2mbit
	route_by 0 1
	counting c eth0 8 "on a $packets send fd00::3 80 4000 $data"
	holds "$full == 80 && $ce > 10" "packets in a long queue are marked"
	holds "$(port t0p0s0-t1p0s1 t1p0s1 marked) == $ce" "by the switch where they waited"
	holds "$span > 0.9 * ($full - 1) * 4060 / 0.25" "a slow link has its own rate"

	fault t0p0s0-t1p0s1 blackhole
	counting c eth0 2 "on a $packets send fd00::3 20 1024 $data"
	holds "$full == 0" "a dead link is nobody's way"
	route_by 0 0
	counting c eth0 2 "on a $packets send fd00::3 20 1024 $data"
	holds "$full == 20" "but for those who name another"
	fault t0p0s0-t1p0s1 clear
	route_by 0 1
	counting c eth0 8 "on a $packets send fd00::3 80 4000 $data"
	holds "$full == 80 && $ce > 10 && $span > 0.9 * ($full - 1) * 4060 / 0.25" \
		"and mended it has its queue again"
	queue rate t0p0s0-t1p0s1 0
	queue set trim=128k
	for plane in 0 3; do
		ip -n a -6 route del fd00:0:0:$plane::3/128
	done
}

if [ "$MRC_TOPOLOGY" = incast ]; then
	incast
else
	srv6
fi
integrity "messages cross the fabric" 60 1 -n 100 -s 65536
finish
