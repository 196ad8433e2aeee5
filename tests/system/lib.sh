# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What system tests share. A test sources this, checks things with ok, not_ok
# and check, and ends with "finish".
#
#   $C and $S        the node that connects and the node that serves
#   $S_IP, $C_IP     their addresses on plane 0 (the name of the node)
#   $WORK            a folder for logs

set -u

failures=0
C=a S=b
case ${MRC_TOPOLOGY:-pair4} in
clos | clos-srv6) S=c ;;
esac

WORK=$(mktemp -d /tmp/test.XXXXXX)

# a is node 1, b node 2, and so on.
node_number()
{
	echo $(($(printf '%d' "'$1") - 96))
}

# The address by which a node is known. $1: node, $2: plane (default 0)
address()
{
	case ${MRC_TOPOLOGY:-pair4} in
	pair4-anycast) echo "10.1.0.$(node_number "$1")" ;;
	*) echo "10.0.${2:-0}.$(node_number "$1")" ;;
	esac
}

S_IP=$(address $S)
C_IP=$(address $C)

# The netdevs of a node's planes.
planes()
{
	on "$1" bash -c 'cd /sys/class/net && echo eth*'
}

device()
{
	# shellcheck disable=SC2016
	on "$1" bash -c 'echo $MRC_DEV'
}

# The GID that is the node's IPv4 address in RoCE v2. $1: node
gid_index()
{
	local dir

	dir=/sys/class/infiniband/$(device "$1")/ports/1

	# shellcheck disable=SC2016
	on "$1" bash -c 'cd '"$dir"' && for i in $(ls gids | sort -n); do
		[[ $(< gids/$i) == 0000:0000:0000:0000:0000:ffff:* ]] || continue
		[[ $(cat gid_attrs/types/$i 2> /dev/null) == "RoCE v2" ]] || continue
		echo $i; break; done'
}

ok()
{
	echo "ok - $*"
}

not_ok()
{
	echo "not ok - $*"
	failures=$((failures + 1))
}

figure()
{
	local name=$1

	shift
	printf 'figure %-36s %s\n' "$name" "$*"
}

finish()
{
	[ $failures -eq 0 ]
	exit
}

# ok when $1 holds, a number comparison in bc's language. $2: name
holds()
{
	if [ "$(echo "$1" | bc -l)" = 1 ]; then
		ok "$2 ($1)"
	else
		not_ok "$2 ($1 does not hold)"
	fi
}

# Run a command, which must succeed; its output is shown when it does not.
# $1: name, rest: command
check()
{
	local name=$1 log=$WORK/check.log

	shift
	if "$@" > "$log" 2>&1; then
		ok "$name"
	else
		not_ok "$name (status $?)"
		tail -n 25 "$log" | sed 's/^/  | /'
		return 1
	fi
}

# Wait until a condition holds. $1: seconds, rest: command
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# Is a TCP port of a node being listened on? $1: node, $2: port
tcp_listening()
{
	on "$1" grep -qi "^ *[0-9]*: [0-9A-F:]*:$(printf %04X "$2") [0-9A-F:]* 0A" \
		/proc/net/tcp /proc/net/tcp6
}

# Does a program of a node listen by RDMA-CM?
cm_listening()
{
	on "$1" rdma resource show cm_id | grep -q 'state LISTEN'
}

# Run a server on $S and a client on $C; both must end well.
# $1: name, $2: seconds, $3: how the server shows that it is ready: "tcp PORT",
# "cm" or "file PATH", $4: server command, $5: client command (both for bash)
pair()
{
	local name=$1 limit=$2 ready=$3 server=$4 client=$5
	local slog=$WORK/server.log clog=$WORK/client.log
	local began=$SECONDS cstatus sstatus pid
	local patience=$((30 + 60 * ${MRC_DEBUG:-0}))

	timeout -k 5 $((limit + 30)) on $S bash -c "$server" > "$slog" 2>&1 &
	pid=$!
	# shellcheck disable=SC2086
	case $ready in
	tcp\ *) wait_for $patience tcp_listening $S ${ready#tcp } ;;
	cm) wait_for $patience cm_listening $S ;;
	file\ *) wait_for $patience test -e ${ready#file } ;;
	esac || { kill -0 $pid 2> /dev/null &&
		echo "  | server is not ready after $patience s"; }
	timeout -k 5 "$limit" on $C bash -c "$client" > "$clog" 2>&1
	cstatus=$?
	# The server has nothing more to do, so it has a short while to see it.
	wait_for 20 eval "! kill -0 $pid" || kill $pid
	wait $pid
	sstatus=$?
	if [ $cstatus -eq 0 ] && [ $sstatus -eq 0 ]; then
		ok "$name ($((SECONDS - began)) s)"
		return
	fi
	[ $cstatus -ne 124 ] || echo "  | the client did not end within $limit s"
	not_ok "$name (status: client $cstatus, server $sstatus)"
	echo "  | client:"
	tail -n 15 "$clog" | sed 's/^/  |   /'
	echo "  | server:"
	tail -n 15 "$slog" | sed 's/^/  |   /'
	return 1
}

# mrc-integrity between $S and $C. $1: name, $2: seconds, $3: socket number (one
# per run), rest: client options
integrity()
{
	local name=$1 limit=$2 socket=/tmp/integrity.$3

	shift 3
	rm -f "$socket"
	# shellcheck disable=SC2016
	pair "$name" "$limit" "file $socket" \
		'mrc-integrity -d $MRC_DEV --unix '"$socket" \
		'mrc-integrity -d $MRC_DEV --unix '"$socket $* peer"
	local status=$?
	grep -h 'messages=' "$WORK/client.log" | sed 's/^client: /  /'
	return $status
}

# All counters of a node's device: lines "name value".
counters()
{
	on "$1" rdma -j statistic show link "$(device "$1")/1" 2> /dev/null |
		jq -r '.[0] | to_entries[] | select(.value | type == "number")
			| "\(.key) \(.value)"' | grep -v '^port '
}

# One counter. $1: node, $2: name
counter()
{
	counters "$1" | awk -v n="$2" '$1 == n { v = $2 } END { print v + 0 }'
}

# What changed between two outputs of counters. $1, $2: files
counters_changed()
{
	awk 'NR == FNR { old[$1] = $2; next }
		$2 != old[$1] { printf "  %s %d\n", $1, $2 - old[$1] }' "$1" "$2"
}

# Sum of the counters of a node whose names match. $1: node, $2: pattern
counter_sum()
{
	counters "$1" | awk -v p="$2" '$1 ~ p { s += $2 } END { print s + 0 }'
}

# Packets per plane, in plane order, on one line. $1: node, $2: tx or rx
plane_packets()
{
	on "$1" bash -c 'cd /sys/class/net && for p in $(ls -d eth* | sort -V); do
		echo $(< $p/statistics/'"$2"'_packets); done' | tr '\n' ' '
}

# Differences of two such lines.
plane_diff()
{
	awk -v a="$1" -v b="$2" 'BEGIN {
		n = split(a, x, " "); split(b, y, " ")
		for (i = 1; i <= n; i++) printf "%d ", y[i] - x[i]
		print ""
	}'
}

# The faults that the product must bear on every link: 1 % loss, a quarter of
# the packets 5 ms later than the others, 0.5 % duplicates, 0.1 % corruption.
faulty_links()
{
	fault all netem loss 1% delay 5ms reorder 75% duplicate 0.5% corrupt 0.1%
}

# Packets that the netem queues of the fabric have dropped since they were set.
netem_drops()
{
	local ns

	for ns in $(ip netns list | cut -d ' ' -f 1); do
		tc -n "$ns" -s -j qdisc show
	done | jq -s '[.[][] | select(.kind == "netem") | .drops] | add // 0'
}

# Everything anew: for tests that have taken nodes or netdevs away.
rebuild_fabric()
{
	local ns

	for ns in $(ip netns list | cut -d ' ' -f 1); do
		ip netns pids "$ns" | xargs -r kill -9 2> /dev/null
		ip netns del "$ns"
	done
	# Namespaces and what is in them go in the background.
	# shellcheck disable=SC2016
	wait_for 30 bash -c '! ls /sys/class/infiniband | grep -q .' ||
		echo "  | devices are left: $(ls /sys/class/infiniband)"
	# shellcheck source=/dev/null
	(. /etc/mrc-request && . /usr/local/lib/mrc/topology.sh && lay_out "$TOPOLOGY")
}
