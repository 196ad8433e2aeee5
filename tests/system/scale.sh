#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: long
# time: 1500
# level: full
#
# Many QPs, many connections, programs killed in traffic, devices, planes and
# the module taken away in traffic: nothing leaks, nothing hangs.

. "$(dirname "$0")/lib.sh"

qps=1000 connections=2000 kills=100
if [ "${MRC_DEBUG:-0}" = 1 ]; then
	qps=1000 connections=400 kills=100
fi
dev_s=$(device $S)
dev_c=$(device $C)

# Objects that the RDMA core counts for both devices, without the one GSI QP
# and CQ each that RDMA-CM needs.
objects()
{
	on $S rdma resource show | tr '\n' ' '
	on $C rdma resource show | tr '\n' ' '
}

# Bytes in unreclaimable slabs and in vmalloc, after what was freed is freed.
kernel_memory()
{
	sync
	echo 3 > /proc/sys/vm/drop_caches
	sleep 1
	awk '/^SUnreclaim|^VmallocUsed|^Percpu/ { s += $2 } END { print s }' /proc/meminfo
}

# How long each part took, for who wants to make this test shorter.
took()
{
	figure "seconds for $1" $((SECONDS - began))
	began=$SECONDS
}

began=$SECONDS
objects > "$WORK/objects.before"
memory=$(kernel_memory)

integrity "$qps QPs, all carrying verified data" 400 qps -q $qps -D 8 -n $((qps * 20)) \
	-s 4096 --stall 60
check "no object is left" wait_for 10 bash -c "$(declare -f objects); S=$S C=$C
	[ \"\$(objects)\" = \"\$(cat $WORK/objects.before)\" ]"
figure "kernel memory after $qps QPs, KiB more than before" $(($(kernel_memory) - memory))

took "the QPs"

# The caches are warm now: what a second round costs is lost.
memory=$(kernel_memory)
pair "$connections connections by RDMA-CM, one after another" 600 cm \
	"mrc-cmloop -b $S_IP -n $connections" "mrc-cmloop -n $connections $S_IP"
cat "$WORK/client.log"
grown=$(($(kernel_memory) - memory))
figure "kernel memory after $connections connections, KiB more" $grown
holds "$grown < 4096" "connections leave less than 4 MiB behind"
check "no object is left" wait_for 30 bash -c "$(declare -f objects); S=$S C=$C
	[ \"\$(objects)\" = \"\$(cat $WORK/objects.before)\" ]"

took "the connections"

# A pair of programs, killed at a random moment of their traffic, now the one
# first, now the other. $1: number
kill_pair()
{
	local socket=/tmp/integrity.kill$1 log=$WORK/kill$1 server client victim victims

	on $S mrc-integrity -d "$dev_s" --unix "$socket" > "$log.s" 2>&1 &
	server=$!
	wait_for 20 test -e "$socket"
	on $C mrc-integrity -d "$dev_c" --unix "$socket" -n 10000000 -s 65536 --stall 15 peer \
		> "$log.c" 2>&1 &
	client=$!
	# It says what it is going to do when all QPs are connected.
	wait_for 20 grep -q 'QPs' "$log.c"
	sleep 0.$((RANDOM % 5 + 1))
	victims="$server $client"
	[ $(($1 % 2)) = 0 ] && victims="$client $server"
	for victim in $victims; do
		kill -9 "$victim" && echo "$1" >> "$WORK/killed"
	done
	wait $server $client
	rm -f "$socket" "$log".?
}

# Two pairs at a time: their programs poll, and want all CPUs there are.
memory=$(kernel_memory)
: > "$WORK/killed"
for ((i = 0; i < kills / 2; i += 2)); do
	kill_pair $i 2> /dev/null &
	kill_pair $((i + 1)) 2> /dev/null &
	wait
done
killed=$(wc -l < "$WORK/killed")
figure "programs killed in traffic" $killed
holds "$killed == $kills" "every one was alive when it was killed"
check "no object is left" wait_for 30 bash -c "$(declare -f objects); S=$S C=$C
	[ \"\$(objects)\" = \"\$(cat $WORK/objects.before)\" ]"
grown=$(($(kernel_memory) - memory))
figure "kernel memory after them, KiB more" $grown
holds "$grown < 8192" "killed programs leave less than 8 MiB behind"
integrity "the nodes still work" 60 afterkill -n 1000 -s 65536
took "the killed programs"

# Traffic while something is taken away. The programs end with an error, or
# are killed after a while; the command that takes away must not hang.
# $1: name, rest: command
taken_away()
{
	local name=$1 socket=/tmp/integrity.away$RANDOM server client

	shift
	on $S mrc-integrity -d "$(device $S)" --unix "$socket" > "$WORK/away.s" 2>&1 &
	server=$!
	wait_for 10 test -e "$socket"
	on $C mrc-integrity -d "$(device $C)" --unix "$socket" -n 10000000 -s 262144 --stall 5 \
		peer > "$WORK/away.c" 2>&1 &
	client=$!
	sleep 1.5
	if ! kill -0 $client; then
		not_ok "$name: there is traffic"
		tail -n 5 "$WORK/away.c" "$WORK/away.s"
	fi
	check "$name" timeout 60 "$@"
	sleep 1
	[ "$name" = "${name#plane}" ] || check "$name: traffic goes on" kill -0 $client
	kill $server $client 2> /dev/null
	wait_for 20 eval "! kill -0 $client && ! kill -0 $server" ||
		kill -9 $server $client 2> /dev/null
	wait $server $client 2> /dev/null
}

# Devices that are gone, as they were.
restore()
{
	local node

	# shellcheck source=/dev/null
	. /etc/mrc-request
	# shellcheck source=/dev/null
	. /usr/local/lib/mrc/topology.sh
	for node in a b; do
		on $node rdma link show | grep -q . && continue
		sed -i "/^$node /d" /run/fabric/nodes
		add_device $node eth0 eth1 eth2 eth3 || not_ok "node $node gets its device back"
	done
}

for i in 1 2 3; do
	taken_away "plane 3 of $dev_c removed in traffic ($i)" on $C mrc port del "$dev_c" netdev eth3
	check "and added again" on $C mrc port add "$dev_c" netdev eth3
	taken_away "plane netdev set down in traffic ($i)" on $C ip link set eth2 down
	on $C ip link set eth2 up
done
for i in 1 2 3; do
	taken_away "rdma link del in traffic ($i)" on $C rdma link del "$dev_c"
	restore
done
# The programs have the device open until they see it go.
taken_away "module unloaded in traffic, its devices deleted" bash -c "
	on $S rdma link del $dev_s && on $C rdma link del $dev_c || exit
	for i in {1..150}; do
		modprobe -r mrc 2> /dev/null && exit
		sleep 0.2
	done
	modprobe -r mrc"
check "module loaded again" modprobe mrc
restore
integrity "the nodes still work" 60 reloaded -n 1000 -s 65536
taken_away "a plane's netdev deleted in traffic" on $C ip link del eth3
integrity "three planes carry on" 60 threeplanes -n 1000 -s 65536
taken_away "the address netdev deleted in traffic" on $C ip link del eth0
check "fresh nodes" rebuild_fabric
taken_away "the node's namespace and all of its planes go in traffic" ip netns del $C
check "fresh nodes" rebuild_fabric
integrity "the fresh nodes work" 60 fresh -n 1000 -s 65536
took "what was taken away"
finish
