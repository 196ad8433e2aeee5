#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4 pair1@6.12 pair4-anycast@6.12
# kernels: 6.12 6.1 7.2
# debug: both
# races: yes
# time: 90
# level: quick
#
# The device is there, says of itself what is true, and carries a small rping.

. "$(dirname "$0")/lib.sh"

for node in $C $S; do
	dev=$(device $node)
	check "node $node: rdma link shows $dev active" \
		bash -c "on $node rdma link show $dev/1 | grep -q 'state ACTIVE'"
	on $node ibv_devinfo -v -d "$dev" > "$WORK/devinfo"
	for line in 'transport:.*InfiniBand (0)' 'state:.*PORT_ACTIVE' \
		'link_layer:.*Ethernet' 'GID\[.*::ffff:10\.' 'GID\[.*RoCE v2' \
		'atomic_cap:.*ATOMIC_'; do
		check "node $node: ibv_devinfo says '$line'" grep -q "$line" "$WORK/devinfo"
	done
	netdev=$(on $node rdma link show "$dev/1" | sed -n 's/.* netdev \([^ ]*\).*/\1/p')
	# where rdma-core and others look for it
	check "node $node: the device has a parent, with its netdev ${netdev:=none}" \
		on $node test -d "/sys/class/infiniband/$dev/device/net/$netdev"
	# shellcheck disable=SC2016
	planes=$(on $node bash -c 'cat /sys/class/net/eth*/speed' |
		awk '{ s += $1 / 1000 } END { print s }')
	check "node $node: the link speed is the sum of the planes', $planes Gb/s" \
		[ "$(on $node cut -d ' ' -f 1 "/sys/class/infiniband/$dev/ports/1/rate")" = "$planes" ]
done

# shellcheck disable=SC2016
pair "rping -V, 10 rounds of 64 bytes" 30 cm \
	"exec rping -s -a $S_IP -C 10 -V" "exec rping -c -I $C_IP -a $S_IP -C 10 -V"
pair "rping -V, 5 rounds of 60,000 bytes" 30 cm \
	"exec rping -s -a $S_IP -C 5 -V -S 60000" "exec rping -c -I $C_IP -a $S_IP -C 5 -V -S 60000"
finish
