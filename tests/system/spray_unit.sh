#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12 6.1 7.2
# debug: no
# time: 240
# level: full
#
# Several packets on one path as one unit: they are right at the receiver,
# whether the netdev takes units, the kernel cuts them before it, or links lose
# and corrupt; and a unit is one packet to the netdev.

. "$(dirname "$0")/lib.sh"

n=1500
[ "${MRC_DEBUG:-0}" = 1 ] && n=400

# $1: setting
set_unit()
{
	local node

	for node in $C $S; do
		# shellcheck disable=SC2016
		check "spray_unit $1 on $node" on $node bash -c \
			'mrc dev set $MRC_DEV spray_unit '"$1"
	done
}

# Data packets in what a netdev took for one. $1: name, $2: bound, $3: bc's
# comparison, $4: number of the run
units()
{
	local before=$(plane_packets $C tx) sent=$(counter $C tx_packets)
	local netdev packets

	integrity "$1" 90 "$4" -n $n -q 2
	netdev=$(plane_diff "$before" "$(plane_packets $C tx)" |
		awk '{ print $1 + $2 + $3 + $4 }')
	packets=$(($(counter $C tx_packets) - sent))
	figure "$1: packets, to the netdev" "$packets $netdev"
	holds "$packets / $netdev $3 $2" "$1: packets in one of the netdev's"
}

# What has been counted since the test began. $1: node, $2: counter
since()
{
	echo $(($(counter "$1" "$2") - ${begun[$1.$2]}))
}

declare -A begun
for node in $C $S; do
	for name in drop_malformed tx_errors drop_icrc retransmits; do
		begun[$node.$name]=$(counter $node $name)
	done
done

# No packet was spoilt on the way. A packet sent again may be: what is left of it
# in a queue when the other copy has arrived belongs to the application again.
errors()
{
	local node name again

	again=$(($(since $C retransmits) + $(since $S retransmits)))
	for node in $C $S; do
		for name in drop_malformed tx_errors; do
			check "$name on $node" [ "$(since $node $name)" = 0 ]
		done
		holds "$(since $node drop_icrc) <= $again" \
			"$node: drop_icrc, at most what was sent again"
	done
}

set_unit 1
units "every packet alone" 1.1 "<" 1
errors
set_unit 16
units "units of 16" 1.5 ">" 2
set_unit 3
units "units of 3" 1.2 ">" 3
errors

set_unit 8
for node in $C $S; do
	for plane in $(planes $node); do
		on $node ethtool -K "$plane" gso off tx-gso-list off \
			tx-udp-segmentation off > /dev/null
	done
done
units "cut in front of the netdev" 1.1 "<" 4
errors

for node in $C $S; do
	for plane in $(planes $node); do
		on $node ethtool -K "$plane" gso on tx-gso-list on \
			tx-udp-segmentation on > /dev/null
	done
done
check "the address of IPv6 answers" on $C ping -c 1 -W 10 fd00::2
pair "IPv6, checked by rping" 60 cm "exec rping -s -a fd00::2 -C 50 -S 60000 -V" \
	"exec rping -c -a fd00::2 -C 50 -S 60000 -V"
errors

faulty_links
integrity "units of 8 over faulty links" 150 5 -n $((n / 3)) -q 2
fault all clear
finish
