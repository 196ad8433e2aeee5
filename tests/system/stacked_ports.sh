#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 150
# level: full
#
# Ports that are made of others: plane 0 a bond of two, first with both slaves
# in use, then with one; plane 1 a VLAN. Traffic uses both planes; a slave that
# goes down takes nothing with it but packets on their way; a bond without
# slaves is a plane that is down.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/load.sh"

# The nodes' devices anew, on eth0.7 and bond0. $1: mode of the bond
stack()
{
	local node n

	for node in $C $S; do
		n=$(node_number $node)
		in_node $node rdma link del "$(dev_of $node)" 2> /dev/null
		in_node $node ip -batch - <<-EOF || return
		link add link eth0 name eth0.7 type vlan id 7
		link add bond0 type bond mode $1 miimon 20
		link set eth2 down
		link set eth3 down
		link set eth2 master bond0
		link set eth3 master bond0
		link set bond0 mtu 4200 up
		link set eth0.7 up
		addr add 10.7.0.$n/24 dev eth0.7
		addr add 10.8.0.$n/24 dev bond0
		EOF
		# The RDMA core gives a device on a VLAN no GIDs, so the
		# bond is the one with the addresses.
		in_node $node rdma link add "$(dev_of $node)" type mrc \
			netdev bond0 || return
		in_node $node mrc port add "$(dev_of $node)" netdev eth0.7 || return
	done
}

unstack()
{
	local node

	for node in $C $S; do
		in_node $node rdma link del "$(dev_of $node)"
		in_node $node ip link del eth0.7
		in_node $node ip link del bond0
		in_node $node ip link set eth2 up
		in_node $node ip link set eth3 up
	done
}

# Packets sent by eth0.7, bond0, eth2, eth3 of $C.
sent()
{
	in_node $C ip -s -j link show | jq -r '[.[] | {(.ifname): .stats64.tx.packets}] |
		add | "\(."eth0.7") \(.bond0) \(.eth2) \(.eth3)"'
}

# What they send within two seconds, as counts.
watch()
{
	local before

	before=$(sent)
	sleep 2
	read -r -a counts <<< "$(plane_diff "$before" "$(sent)")"
	figure "$1: VLAN, bond, its slaves, packets in 2 s" "${counts[*]}"
}

bond()
{
	local mode=${1%% *}

	check "a VLAN and a bond ($mode) are the ports" stack "$1"
	stream $C $S "$mode" -t 100
	sleep 3
	watch "$mode"
	holds "${counts[0]} > 100 && ${counts[1]} > 100" "both planes are used"
	if [ "$mode" = active-backup ]; then
		holds "20 * ${counts[3]} < ${counts[2]}" "one slave carries the bond's"
	else
		holds "5 * ${counts[2]} > ${counts[1]} && 5 * ${counts[3]} > ${counts[1]}" \
			"paths spread over both slaves"
	fi
	# both ends of both nodes' first slave
	fault 2 down
	sleep 1
	watch "a slave is down"
	holds "${counts[0]} > 100 && ${counts[1]} > 100 && ${counts[2]} < 5" \
		"the other slave carries the plane"
	fault 3 down
	sleep 1
	watch "both are down"
	holds "${counts[0]} > 100 && ${counts[1]} < 5" "the VLAN alone carries on"
	fault 2 up
	fault 3 up
	wait_for 5 eval 'watch "waiting" > /dev/null; [ "${counts[1]}" -gt 100 ]'
	watch "both are up"
	holds "${counts[0]} > 100 && ${counts[1]} > 100" "both planes are used again"
	streams_stop "$mode"
	figure "$mode: MiB/s" "$(stream_rate "$mode")"
	read_counters $C rtos tx_errors
	# shellcheck disable=SC2154
	figure "RTOs, packets that could not be sent" "$a_rtos $a_tx_errors"
}

modprobe -a 8021q bonding
fault all netem rate 24mbit delay 1ms
bond "balance-xor xmit_hash_policy layer3+4"
check "the bond's netdev is deleted" unstack
bond active-backup
# what comes after this wants the ports that it took
check "fresh nodes" rebuild_fabric
finish
