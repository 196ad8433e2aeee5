#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair1
# kernels: 6.12
# debug: long
# time: 300
# level: quick
#
# Queues and memory regions that are changed while they are in use, and a
# device that is made and removed again and again; what programs are told of
# the port.

. "$(dirname "$0")/lib.sh"

modprobe udmabuf 2> /dev/null
dev=$(device a)
cycles=20
[ "${MRC_DEBUG:-0}" = 1 ] && cycles=4

on a mrc-objects "$dev" | tee "$WORK/objects"
failures=$((failures + $(grep -c '^not ok' "$WORK/objects")))
grep -q '^ok - SRQ: limit' "$WORK/objects" ||
	not_ok "mrc-objects came to its end"

on a timeout 20 ibv_asyncwatch -d "$dev" > "$WORK/events" 2>&1 &
wait_for 10 grep -q 'async event' "$WORK/events"
on a ip link set eth0 down
wait_for 5 grep -q PORT_ERR "$WORK/events"
on a ip link set eth0 up
wait_for 5 grep -q PORT_ACTIVE "$WORK/events"
kill $! 2> /dev/null
cat "$WORK/events"
check "a port that goes down is told" grep -q PORT_ERR "$WORK/events"
check "a port that comes back is told" grep -q PORT_ACTIVE "$WORK/events"

cycles()
{
	local i

	for i in $(seq $cycles); do
		on a rdma link del "$dev" || return
		on a rdma link add "$dev" type mrc netdev eth0 || return
	done
}
check "$cycles times removed and made again" cycles

# In a second namespace with a link of its own, which is taken down with it.
vanish()
{
	local i

	for i in $(seq $((cycles / 4))); do
		ip netns add gone && ip link add g0 type veth peer name g1 &&
		ip link set g0 netns gone && ip link set g1 up &&
		ip -n gone link set g0 up &&
		ip netns exec gone rdma link add mrcgone type mrc netdev g0 ||
			return
		ip netns del gone
		wait_for 10 eval '! ip link show g1 > /dev/null 2>&1' || return
		wait_for 10 eval '! rdma -j dev | grep -q mrcgone' || return
	done
}
check "$((cycles / 4)) times gone with its namespace" vanish
finish
