#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: both
# time: 120
# level: full
#
# "rdma statistic qp": counters of QPs in groups, formed by the core or by hand;
# and the port's counters stay what they are, whoever counts in a group.

. "$(dirname "$0")/lib.sh"

D=$(device $C)
port=18800
bytes=$((200 * 65536))

# 200 messages of 64 KiB, and what the port's tx_bytes grew by. $1: name
traffic()
{
	local before

	before=$(counter $C tx_bytes)
	port=$((port + 1))
	pair "$1" 60 "tcp $port" "ib_write_bw -d $(device $S) -s 65536 -n 200 -p $port" \
		"ib_write_bw -d $D -s 65536 -n 200 -p $port $S_IP"
	holds "$(counter $C tx_bytes) - $before == $bytes" "$1: the port has counted it once"
}

groups()
{
	on $C rdma -j statistic qp show link "$D/1"
}

# Sum of a counter over all groups. $1: name
in_groups()
{
	groups | jq "[.[].$1] | add // 0"
}

traffic "no groups"
check "groups by type" on $C rdma statistic qp set link "$D/1" auto type on
traffic "a group by type, which ends with its QP"

port=$((port + 1))
on $S ib_write_bw -d "$(device $S)" -s 65536 -D 15 -p $port > "$WORK/server" 2>&1 &
server=$!
wait_for 20 tcp_listening $S $port
on $C ib_write_bw -d "$D" -s 65536 -D 15 -p $port "$S_IP" > "$WORK/client" 2>&1 &
client=$!
check "a group counts what its QPs send" wait_for 15 eval \
	'[ "$(in_groups tx_bytes)" -gt 1000000 ]'
# read one after the other, the port's last
figure "tx_bytes in groups, of the port" "$(in_groups tx_bytes) $(counter $C tx_bytes)"
holds "$(in_groups tx_bytes) <= $(counter $C tx_bytes)" "the port's counters have it, too"
qpn=$(groups | jq '[.[] | .lqpn // empty] | flatten | .[0]')
check "no more groups" on $C rdma statistic qp set link "$D/1" auto off
check "QP ${qpn:=none} leaves its group" on $C rdma statistic qp unbind link "$D/1" \
	cntn "$(groups | jq '.[0].cntn')" lqpn "$qpn"
before=$(counter $C tx_bytes)
check "and gets a counter of its own" on $C rdma statistic qp bind link "$D/1" lqpn "$qpn"
check "which counts" wait_for 10 eval '[ "$(in_groups tx_bytes)" -gt 0 ]'
holds "$(counter $C tx_bytes) >= $before" "nothing is lost of the port's"
wait $client
status=$?
wait $server
check "the program ends well" [ "$status$?" = 00 ]
check "no group is left" wait_for 10 eval '[ "$(groups | jq length)" = 0 ]'
traffic "no groups again"
finish
