#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 200
# level: full
# with: bpftrace,systemd,systemd-container
#
# mrc.service: systemd boots in a container that has the node's network, makes
# the devices that /etc/mrc.conf names, and waits for a netdev that comes late.

. "$(dirname "$0")/lib.sh"

D=$(device $C)
ROOT=/run/service
UNITS=/usr/lib/systemd/system

tool()
{
	nsenter --net=/run/netns/$C mrc "$@"
}

# A command in the container. $leader is its process 1.
inside()
{
	nsenter --all --target="$leader" "$@"
}

cleanup()
{
	[ -z "${nspawn-}" ] || kill -KILL "$leader" "$nspawn" 2> /dev/null
	umount -R $ROOT 2> /dev/null
	rm -f /etc/mrc.conf
}
trap cleanup EXIT

tool profile add "$D" name kept ev 50000-50063
tool profile use "$D" name kept
tool dev set "$D" spray_unit 4
tool save > /etc/mrc.conf
sed "s,@SBINDIR@,$(dirname "$(command -v mrc)")," \
	/src/tools/systemd/mrc.service > $UNITS/mrc.service
check "systemd finds nothing wrong with the unit" \
	systemd-analyze verify --man=no $UNITS/mrc.service
on $C rdma link delete "$D"
# The last plane's netdev is not there yet.
on $C ip link set eth3 down
on $C ip link set eth3 name late3

# Boot systemd in the container, in a control group that nothing is in yet;
# false if it does not come up.
boot()
{
	local group

	group=$(mktemp -d /sys/fs/cgroup/service.XXXXXX)
	(echo $BASHPID > "$group/cgroup.procs" &&
		exec systemd-nspawn --quiet --boot --register=no --keep-unit \
			--directory=$ROOT --capability=all \
			--network-namespace-path=/run/netns/$C \
			--link-journal=no --console=read-only) \
		> "$WORK/console" 2>&1 &
	nspawn=$!
	wait_for 90 is_up && return
	tail -n 30 "$WORK/console"
	return 1
}

is_up()
{
	leader=$(pgrep -n -P $nspawn) &&
		inside systemctl is-active basic.target
}

shut_down()
{
	kill -s SIGRTMIN+4 "$leader"
	wait_for 60 eval "! kill -0 $nspawn"
}

# nspawn wants to know whose guest it is
[ -s /etc/machine-id ] || systemd-machine-id-setup
mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup
mkdir -p $ROOT
mount --bind / $ROOT
leader=
check "systemd is up" boot
check "the unit can be enabled" inside systemctl enable mrc.service
inside systemctl start --no-block mrc.service
check "it tries, as a netdev is missing" wait_for 60 eval \
	'inside journalctl -u mrc | grep -q "is not restored: No such interface"'
check "what was refused has changed nothing" [ "$(tool -j dev show)" = "[]" ]
on $C ip link set late3 name eth3
on $C ip link set eth3 up
check "with the netdev it succeeds" wait_for 60 \
	inside systemctl is-active mrc.service
check "all is as it was saved" eval 'tool save | diff /etc/mrc.conf -'

# Once more, from the beginning.
on $C rdma link delete "$D"
shut_down
check "systemd is up again" boot
check "at boot the device comes by itself" wait_for 60 eval \
	'tool save | diff /etc/mrc.conf -'
tool dev set "$D" spray_unit 2
check "a reload makes the difference" inside systemctl reload mrc.service
check "spray_unit is 4 again" [ "$(tool -j dev show | jq '.[0].spray_unit')" = 4 ]
inside systemctl disable mrc.service
shut_down
rebuild_fabric
finish
