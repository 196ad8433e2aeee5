# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests that measure: streams that leave the processor alone while they
# wait, and looks at devices and paths that cost little. Sourced after lib.sh.

# A command in a node's network namespace alone: quicker than "on".
# $1: node, rest: command
in_node()
{
	local ns=$1

	shift
	nsenter --net=/run/netns/"$ns" "$@"
}

# Devices as the topologies name them: mrc0 is node a's.
dev_of()
{
	echo mrc$(($(node_number "$1") - 1))
}

# Virtual links say that they do 10 Gbit/s each, and NSCC's gains follow from
# the links' speed. Ours do a few hundredths or thousandths of it; so must they.
# $1: node, rest: further parameters
slow_links()
{
	local node=$1

	shift
	in_node "$node" mrc cc set "$(dev_of "$node")" algorithm nscc fi 2 \
		fi_scale 1 eta 0 alpha 2 limit 10 "$@"
}

# The GID of a node that is its IPv6 address on plane 0.
gid6_index()
{
	on "$1" bash -c 'cd /sys/class/infiniband/$MRC_DEV/ports/1/gids
		for i in $(ls | sort -n); do
			case $(< $i) in fd00:*) echo $i; break ;; esac
		done'
}

# A stream of WRITEs in the background, its client's result in
# $WORK/stream.NAME. $1: from, $2: to, $3: its name, rest: options of
# mrc-stream; GIDs are those in gid6 if there are any.
stream()
{
	local from=$1 to=$2 name=$3

	shift 3
	timeout 150 ip netns exec "$to" mrc-stream -d "$(dev_of "$to")" \
		${gid6[$to]+-x ${gid6[$to]}} --unix "$WORK/socket.$name" \
		> "$WORK/server.$name" 2>&1 &
	servers+=" $!"
	timeout 150 ip netns exec "$from" mrc-stream -d "$(dev_of "$from")" \
		${gid6[$from]+-x ${gid6[$from]}} --unix "$WORK/socket.$name" \
		"$@" peer > "$WORK/stream.$name" 2>&1 &
	clients+=" $!"
}

declare -A gid6
servers='' clients=''

# End all streams now. $1: what they were
streams_stop()
{
	# shellcheck disable=SC2086
	kill -TERM $clients
	streams_end "$1"
}

# Wait for all streams; they must have ended well. $1: what they were
streams_end()
{
	local pid bad=0

	for pid in $clients $servers; do
		wait "$pid" || bad=$((bad + 1))
	done
	clients='' servers=''
	holds "$bad == 0" "$1: all programs end well"
	[ $bad = 0 ] || tail -n 5 "$WORK"/stream.* "$WORK"/server.*
}

# MiB/s of a stream that has ended. $1: its name
stream_rate()
{
	sed -n 's,^MiB/s ,,p' "$WORK/stream.$1"
}

# A device's counters, all at once: variables NODE_COUNTER, such as
# a_tx_packets. $1: node, rest: counters
read_counters()
{
	local node=$1 name

	shift
	# shellcheck disable=SC2016
	for name in $(ip netns exec "$node" bash -c 'cd "/sys/class/infiniband/$1/ports/1/hw_counters"
		shift
		for name; do echo "$name=$(< "$name")"; done' sh "$(dev_of "$node")" "$@"); do
		declare -g "${node}_$name"
	done
}

# Paths of a node to a peer, a line each: PLANE EV STATE TX LOST SRTT_NS
# $1: node, $2: the beginning of the peer's address
paths_of()
{
	in_node "$1" mrc -j path show "$(dev_of "$1")" detail |
		jq -r --arg peer "$2" '.[] | select(.peer | startswith($peer)) |
			"\(.plane) \(.ev) \(.state) \(.tx) \(.lost) \(.srtt_ns)"'
}

# How much of the processors' time is left over while the load runs: a figure
# that says if they are what is measured.
cpu_begin()
{
	read -r -a cpu_before < /proc/stat
}

cpu_end()
{
	local i all=0 cpu

	read -r -a cpu < /proc/stat
	for i in 1 2 3 4 5 6 7 8; do
		all=$((all + cpu[i] - cpu_before[i]))
	done
	figure "  processors idle, %" $((100 * (cpu[4] - cpu_before[4]) / all))
}

TRACE=/sys/kernel/tracing/instances/load

# Record tracepoints, with times of the monotonic clock.
# Each argument: SYSTEM/EVENT or SYSTEM/EVENT:FILTER
trace_begin()
{
	local event

	mkdir -p $TRACE
	echo 0 > $TRACE/tracing_on
	echo > $TRACE/trace
	echo mono > $TRACE/trace_clock
	echo 20000 > $TRACE/buffer_size_kb
	for event; do
		case $event in
		*:*) echo "${event#*:}" > "$TRACE/events/${event%%:*}/filter" ;;
		*) echo 0 > "$TRACE/events/$event/filter" ;;
		esac
		echo 1 > "$TRACE/events/${event%%:*}/enable" || return
	done
	echo 1 > $TRACE/tracing_on
}

# What was recorded, a line each: TIME EVENT FIELD=VALUE... $1: file
trace_end()
{
	echo 0 > $TRACE/tracing_on
	# "  task-pid  [cpu] flags  time: event: fields"
	sed -nE 's/^.* ([0-9]+\.[0-9]+): ([a-z_]+): (.*)$/\1 \2 \3/p' \
		$TRACE/trace > "$1"
	rmdir $TRACE
}

# The device's number in traces. $1: node
dev_index()
{
	on "$1" rdma -j dev show "$(dev_of "$1")" | jq '.[0].ifindex'
}
