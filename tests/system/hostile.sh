#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: long
# time: 600
# level: full
#
# Bad input from the wire and from user space: forged packets, corrupted rings,
# wild arguments to verbs, to uverbs' commands and to netlink. All is refused
# and counted, nothing is placed, and the nodes work on.

. "$(dirname "$0")/lib.sh"

here=$(dirname "$0")
dev=$(device $S)
seed=$RANDOM
rounds=12
[ "${MRC_DEBUG:-0}" = 1 ] && rounds=6
figure "seed" $seed

on a python3 "$here/hostile.py" $seed || failures=$((failures + 1))

alive()
{
	integrity "$1: the nodes still work" 60 "$2" -n 400 -s 65536
}

before=$(counter_sum $S '^drop_|_errors$')
for what in rings args raw; do
	check "user space: $what" timeout 300 on $S mrc-wreck -d "$dev" -n $rounds -t 2 -S $seed $what
	sed 's/^/  /' "$WORK/check.log"
	alive "after wild $what" $what
done
figure "counted as dropped or wrong since" $(($(counter_sum $S '^drop_|_errors$') - before))

check "netlink: random messages" timeout 120 on $S python3 "$here/netlink_fuzz.py" 4000 $seed
sed 's/^/  /' "$WORK/check.log"
# Random settings may have been accepted: only a fresh device is sure to be sane.
check "rdma link del after it" on $S rdma link del "$dev"
check "fresh nodes" rebuild_fabric
finish
