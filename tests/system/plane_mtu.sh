#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 150
# level: full
#
# One plane has a smaller MTU than the others: here, at the peer, or in a switch
# on the way that drops what is long without a word. It is named, and left to
# short packets; throughput is that of three planes. Set right it is used again.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/load.sh"

# The planes whose MTU is too small, as they are named. $1: node
small_planes()
{
	in_node "$1" mrc -j peer show "$(dev_of "$1")" |
		jq -r '[.[].planes_mtu[]] | unique | join(" ")'
}

# $1: node, $2: planes
named()
{
	[ "$(small_planes "$1")" = "$2" ]
}

# A stream, and what it leaves on each plane of $C. $1: name, rest: options
run()
{
	local name=$1 before

	shift
	before=$(plane_packets $C tx)
	stream $C $S "$name" -t 5 "$@"
	streams_end "$name"
	used=$(plane_diff "$before" "$(plane_packets $C tx)")
	rate=$(stream_rate "$name")
	figure "$name: MiB/s, packets per plane" "$rate, $used"
}

# Data packets of $C that were lost on a plane. $1: plane
lost_on()
{
	paths_of $C "$S_IP" | awk -v p="$1" '$1 == p { s += $5 } END { print s + 0 }'
}

# $1: plane, that has next to nothing. Tests $used.
holds_idle()
{
	local counts

	read -r -a counts <<< "$used"
	holds "20 * ${counts[$1]} < ${counts[0]}" "plane $1 carries no data"
}

fault all netem rate 24mbit delay 1ms
run before
whole=$rate

# ------------------------------------------------------------ at one end
for node in $C $S; do
	read_counters $C mtu_mismatch
	# shellcheck disable=SC2154
	before=$a_mtu_mismatch
	in_node $node ip link set eth1 mtu 1500
	check "MTU 1500 on plane 1 of $node: the device's stays" \
		on $node bash -c 'ibv_devinfo -d $MRC_DEV | grep -q "active_mtu:.*4096"'
	sleep 1
	run "at-$node"
	holds_idle 1
	holds "$rate > 0.7 * $whole" "three planes carry what they can"
	check "plane 1 is named" named $C 1
	read_counters $C mtu_mismatch
	holds "$a_mtu_mismatch > $before" "and counted"
	run "short-$node" -m 1024 -s 4096
	in_node $node ip link set eth1 mtu 4200
	sleep 1
	check "plane 1 fits again" named $C ""
done
run mended
holds "$rate > 0.9 * $whole" "four planes again"

# ------------------------------------------------------------ on the way
read_counters $C mtu_mismatch
before=$a_mtu_mismatch
stream $C $S hole -t 100
sleep 3
# A bridge forwards nothing to a port whose MTU it exceeds.
ip -n sw2 link set dev $S mtu 1500
wait_for 8 named $C 2
check "plane 2, which loses what is long, is named" named $C 2
read_counters $C mtu_mismatch
holds "$a_mtu_mismatch == $before + 1" "and counted once"
lost=$(lost_on 2)
used=$(plane_packets $C tx)
sleep 3
used=$(plane_diff "$used" "$(plane_packets $C tx)")
figure "packets per plane in 3 s" "$used"
holds_idle 2
holds "$(lost_on 2) == $lost" "and nothing is lost there"
began=$SECONDS
ip -n sw2 link set dev $S mtu 4200
# A dead plane is probed every 24 round trips, which queues make long here.
wait_for 20 named $C ""
figure "seconds until it is taken back" $((SECONDS - began))
check "and named no more when it is mended" named $C ""
used=$(plane_packets $C tx)
sleep 2
used=$(plane_diff "$used" "$(plane_packets $C tx)")
figure "packets per plane in 2 s" "$used"
read -r -a counts <<< "$used"
holds "2 * ${counts[2]} > ${counts[0]}" "plane 2 carries data again"
streams_stop "a switch drops what is long"
figure "MiB/s with a hole, of that before" "$(stream_rate hole) $(echo "scale=3; $(stream_rate hole) / $whole" | bc)"
finish
