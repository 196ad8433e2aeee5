#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The benchmark, inside a guest (topology "none"): mrc, rdma_rxe and TCP over
# one veth pair, without and with loss. Writes lines "LOSS CASE TEST SIZE VALUE"
# to /mnt/share/results and latencies, one per line in microseconds, to
# /mnt/share/latency.LOSS.CASE; report.py makes tables and plots of them.
#
# rdma_rxe of these kernels receives in the initial namespace only. So that all
# three have the same conditions, both ends of the wire are in it, and policy
# routing sends packets over the wire although their destination is local.
#
# From the environment:
#   BENCH_CASES    mrc, rxe, tcp; mrc,NAME=VALUE,...: mrc with these settings;
#                  mrc@NAME: mrc with the module /mnt/share/NAME.ko
#   BENCH_TESTS    bandwidth rate cpu latency profile
#   BENCH_LOSSES   in percent
#   BENCH_SIZES    of messages, for bandwidth, bytes
#   BENCH_SECONDS  of each bandwidth and rate, at least 3: the first and the last do
#                  not count
#   BENCH_PROFILE_SIZES  messages to profile with, bytes
#   BENCH_ROUNDS   how often all of it; the medians count
#   BENCH_RPS      mask of CPUs that packets are received on, by their hash;
#                  default: all, as by a NIC with a queue for each; 0: on the
#                  CPU that has sent them, which is what veth does by itself

set -u
share=/mnt/share
here=$(dirname "$0")
seconds=${BENCH_SECONDS:-4}
cases=${BENCH_CASES:-mrc rxe tcp}
losses=${BENCH_LOSSES:-0 1}
sizes=${BENCH_SIZES:-64 512 4096 16384 65536 262144 1048576}
tests=${BENCH_TESTS:-bandwidth rate cpu latency profile}
rounds=${BENCH_ROUNDS:-1}
rps=${BENCH_RPS:-$(printf %x $(((1 << $(nproc)) - 1)))}
if ((seconds < 3)); then
	echo "bench: BENCH_SECONDS must be 3 or more" >&2
	exit 1
fi
work=$(mktemp -d)
port=18600
: > $share/results
echo "$tests" > $share/tests

result()
{
	echo "$*" >> $share/results
	printf '  loss %s %%  %-4s %-12s %8s  %s\n' "$@"
}

wanted()
{
	[[ " $tests " == *" $1 "* ]]
}

# Seconds that all CPUs were busy so far.
busy()
{
	awk '/^cpu / { print ($2 + $3 + $4 + $7 + $8) / 100 }' /proc/stat
}

wire_up()
{
	local f

	ip link add w0 mtu 4200 type veth peer name w1 mtu 4200
	for f in /proc/sys/net/ipv4/conf/{all,default,w0,w1}; do
		echo 1 > $f/accept_local
		echo 0 > $f/rp_filter
	done
	ip addr add 10.9.0.1/24 dev w0
	ip addr add 10.9.0.2/24 dev w1
	for f in w0 w1; do
		echo "$rps" > /sys/class/net/$f/queues/rx-0/rps_cpus
	done
	ip link set w0 up
	ip link set w1 up
	# The table of local addresses is asked after the wire's own routes.
	ip rule add pref 200 lookup local
	ip rule del pref 0
	ip rule add pref 10 from 10.9.0.1 to 10.9.0.2 iif lo lookup 101
	ip rule add pref 11 from 10.9.0.2 to 10.9.0.1 iif lo lookup 102
	ip route add 10.9.0.2/32 dev w0 table 101
	ip route add 10.9.0.1/32 dev w1 table 102
	ip neigh replace 10.9.0.2 lladdr "$(< /sys/class/net/w1/address)" dev w0 nud permanent
	ip neigh replace 10.9.0.1 lladdr "$(< /sys/class/net/w0/address)" dev w1 nud permanent
}

# Make the two devices of a case. $1: case
devices_up()
{
	local type=${1%%[@,]*} i setting settings=()

	case $1 in
	*@*)
		modprobe mrc	# for what it depends on
		rmmod mrc
		insmod "$share/${1#*@}.ko" || return
		;;
	rxe) modprobe rdma_rxe ;;
	*) modprobe mrc ;;
	esac
	[[ $1 != *,* ]] || IFS=, read -ra settings <<< "${1#*,}"
	for i in 0 1; do
		rdma link add $type$i type $type netdev w$i || return
		for setting in "${settings[@]}"; do
			mrc dev set $type$i "${setting%=*}" "${setting#*=}" || return
		done
	done
}

devices_down()
{
	local type=${1%%[@,]*}

	rdma link del ${type}0
	rdma link del ${type}1
	case $1 in
	*@*) rmmod mrc ;;
	rxe) modprobe -r rdma_rxe ;;
	esac
}

# The GID that is an IPv4 address in RoCE v2. $1: device
gid_index()
{
	local i dir=/sys/class/infiniband/$1/ports/1

	for i in $(ls $dir/gids | sort -n); do
		[[ $(< $dir/gids/$i) == 0000:0000:0000:0000:0000:ffff:* ]] || continue
		[[ $(cat $dir/gid_attrs/types/$i 2> /dev/null) == "RoCE v2" ]] || continue
		echo $i
		return
	done
}

# Wait until a TCP port is listened on. $1: port
listening()
{
	local i

	for ((i = 0; i < 100; i++)); do
		grep -q ":$(printf %04X $1) 00000000:0000 0A" /proc/net/tcp && return
		sleep 0.05
	done
}

# A perftest program between the two devices; the client's output goes to
# $work/out. $1: case, rest: command
perftest()
{
	local dev=${1%%[@,]*} server status

	shift
	port=$((port + 1))
	timeout 60 "$@" -d ${dev}1 -x "$(gid_index ${dev}1)" -p $port -F > $work/server 2>&1 &
	server=$!
	listening $port
	timeout 60 "$@" -d ${dev}0 -x "$(gid_index ${dev}0)" -p $port -F 10.9.0.2 \
		> $work/out 2>&1
	status=$?
	[ $status -eq 0 ] || kill $server 2> /dev/null
	wait $server 2> /dev/null
	return $status
}

# What the two devices of mrc have counted since they were made.
# $1: loss, $2: case, $3: what was done
counters()
{
	local i

	[[ $2 == mrc* ]] || return
	for i in 0 1; do
		rdma -j statistic show link mrc$i/1 |
			jq -r --arg what "$3" '.[0] | to_entries[] |
			select((.value | type) == "number" and .value > 0 and
				.key != "port" and .key != "ifindex") |
			"\($what) mrc'$i' \(.key) \(.value)"'
		mrc peer show mrc$i | sed "s/^/$3 /"
	done >> $share/counters.$1.$2
}

# The line of results. $1: field counted from 1
value()
{
	awk -v f="$1" '/^ *#bytes/ { head = 1; next } head && NF >= 4 { v = $f }
		END { print v == "" ? "failed" : v }' $work/out
}

# CPU time of a number of 64 KiB messages: "SECONDS BYTES". $1: case, $2: number
cpu_of()
{
	local before=$(busy)

	perftest $1 ib_send_bw -s 65536 -n $2 -e
	echo "$before $(busy) $(value 2)" |
		awk '$3 > 0 { print $2 - $1, $3 * 65536; exit } { print "failed" }'
}

# ns of CPU time for a byte, both ends, kernel and programs. With sleeping
# instead of polling programs, which perftest has for SEND, the time counted is
# work. What starting and connecting takes is in both runs, so it does not count.
# $1: loss, $2: case
cpu_per_byte()
{
	local few=500 many=6000

	[ $1 = 0 ] || many=2500
	echo "$(cpu_of $2 $few) $(cpu_of $2 $many)" |
		awk 'NF == 4 && $4 > $2 { printf "%.2f", ($3 - $1) * 1e9 / ($4 - $2); exit }
			{ print "failed" }'
}

# Messages per second, from what perftest has printed.
message_rate()
{
	awk '{ print ($1 > 0 ? $1 * 1000000 : "failed") }' <<< "$(value 5)"
}

# $1: loss, $2: case
verbs()
{
	local loss=$1 case=$2 size

	for size in $(wanted bandwidth && echo $sizes); do
		perftest $case ib_write_bw -s $size -D $seconds -f 1
		result $loss $case bandwidth $size "$(value 4)"
		counters $loss $case $size
	done
	if wanted rate; then
		perftest $case ib_write_bw -s 8 -D $seconds -f 1
		result $loss $case write_rate 8 "$(message_rate)"
		perftest $case ib_send_bw -s 64 -D $seconds -f 1
		result $loss $case send_rate 64 "$(message_rate)"
	fi
	! wanted cpu || result $loss $case cpu_ns_byte 65536 "$(cpu_per_byte $loss $case)"
	if wanted latency; then
		perftest $case ib_write_lat -s 8 -n $([ $loss = 0 ] && echo 10000 || echo 3000) -H
		awk -F, '/^[0-9]+, *[0-9.]+$/ { print $2 + 0 }' $work/out \
			>> $share/latency.$loss.$case
		[ -s $share/latency.$loss.$case ] || cp $work/out $share/failed.$loss.$case
	fi
}

# $1: loss
tcp()
{
	local loss=$1 size before

	for size in $(wanted bandwidth && echo $sizes); do
		iperf3 -s -1 -B 10.9.0.2 -p 5201 > /dev/null &
		listening 5201
		before=$(busy)
		iperf3 -c 10.9.0.2 -B 10.9.0.1 -p 5201 -t $((seconds - 1)) -l $size -J > $work/out
		wait
		result $loss tcp bandwidth $size "$(jq '.end.sum_received.bits_per_second / 8388608 |
			. * 100 | round / 100' $work/out)"
		[ $size != 65536 ] || ! wanted cpu ||
			result $loss tcp cpu_ns_byte $size "$(echo "$before $(busy) \
			$(jq .end.sum_received.bytes $work/out)" |
			awk '{ printf "%.2f", ($2 - $1) * 1e9 / $3 }')"
	done
	wanted latency || return
	gcc -O2 -o $work/tcplat "$here/tcplat.c" || return
	$work/tcplat -s 10.9.0.2 5300 > /dev/null &
	listening 5300
	$work/tcplat -c 10.9.0.2 5300 10.9.0.1 $([ $loss = 0 ] && echo 10000 || echo 3000) 8 \
		>> $share/latency.$loss.tcp
	wait
}

# Where the time goes while the first case of mrc moves messages of a size.
# $1: size
profile()
{
	local case i perf

	for case in $cases; do
		[[ $case != mrc* ]] || break
	done
	[[ $case == mrc* ]] && devices_up $case || return
	# perf takes seconds to begin: it has both programs' start and end, too
	perf record -q -e cpu-clock -F 500 -a -g -o $work/perf.data > /dev/null 2>&1 &
	perf=$!
	for ((i = 0; i < 100; i++)); do
		[ ! -s $work/perf.data ] || break
		sleep 0.1
	done
	perftest $case ib_write_bw -s $1 -D 6 -f 1
	kill -INT $perf
	wait
	perf report -i $work/perf.data --stdio --no-children -g none -s symbol,dso 2> /dev/null |
		grep -v '^#' | grep -v '^$' | head -n 60 > $share/profile.$1
	perf report -i $work/perf.data --stdio --children -g none -s symbol,dso 2> /dev/null |
		grep -v '^#' | grep -v '^$' | head -n 100 > $share/profile-children.$1
	perf report -i $work/perf.data --stdio --no-children -g none -s cpu,comm 2> /dev/null |
		grep -v '^#' | grep -v '^$' | head -n 20 > $share/profile-cpus.$1
	devices_down $case
}

# Lose packets at random where they arrive. Not by netem: its queue alone, with
# no loss at all, costs a tenth of the throughput. $1: loss in percent
set_loss()
{
	local dev

	for dev in w0 w1; do
		tc qdisc del dev $dev ingress 2> /dev/null
		[ $1 != 0 ] || continue
		tc qdisc add dev $dev ingress
		tc filter add dev $dev ingress matchall action pass \
			random netrand drop "$(awk -v p="$1" 'BEGIN { printf "%.0f", 100 / p }')"
	done
}

# How many of a hundred packets were really lost.
lost()
{
	tc -s -j filter show dev w1 ingress |
		jq -r '[.. | .stats? // empty | select(.packets)] | .[0] |
			"\(.drops) of \(.packets) packets lost"'
}

wire_up
for ((round = 0; round < rounds; round++)); do
	for loss in $losses; do
		set_loss $loss
		for case in $cases; do
			if [ $case = tcp ]; then
				tcp $loss
			elif devices_up $case; then
				verbs $loss $case
				devices_down $case
			fi
		done
		[ $loss = 0 ] || lost
	done
done
set_loss 0
if wanted profile; then
	for size in ${BENCH_PROFILE_SIZES:-65536 512}; do
		profile $size
	done
fi
exit 0
