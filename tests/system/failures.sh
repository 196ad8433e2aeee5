#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 220
# level: full
#
# What is lost, and for how long, when the network loses packets everywhere, on
# one EV, on a plane that vanishes, on a plane whose link goes down. All links
# are slow and long (24 Mbit/s, 3 ms), so that neither the processor nor its
# scheduler is what is measured.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/load.sh"

link="rate 24mbit delay 3ms"
rates="python3 $(dirname "$0")/rates.py"
port=19200

run()
{
	port=$((port + 1))
	stream $C $S $port -D 128 -t 8 -w 3
	sleep 4
	cpu_begin
	sleep 2
	cpu_end
	in_node $C mrc -j peer show "$(dev_of $C)" | jq -r '.[] |
		"figure   window, in flight, least RTT (us):   \(.cwnd) \(.inflight) \(.base_rtt_ns / 1000 | floor)"'
	streams_end "$1"
	rate=$(stream_rate $port)
}

# Smoothed RTT of all paths of $C in use, seconds.
rtt()
{
	paths_of $C "$S_IP" | awk '$6 { s += $6; n++ } END { printf "%.6f", n ? s / n / 1e9 : 0 }'
}

random_loss()
{
	local percent goal

	for percent in 1 5; do
		[ $percent = 1 ] && goal=0.95 || goal=0.90
		fault all netem $link loss $percent%
		read_counters $C retransmits spurious rtos path_bad
		local before="$a_retransmits $a_spurious $a_rtos $a_path_bad"
		run "$percent % random loss on all links"
		read_counters $C retransmits spurious rtos path_bad
		figure "$percent % loss: MiB/s, of that without" \
			"$rate $(echo "scale=3; $rate / $whole" | bc)"
		# shellcheck disable=SC2154
		figure "  before: sent again, not needed, RTOs, paths taken out" "$before"
		figure "  after" "$a_retransmits $a_spurious $a_rtos $a_path_bad"
		holds "$rate >= $goal * $whole" "$percent % loss leaves at least $goal"
	done
	fault all netem $link
}

# Drop every fifth packet of an EV, at random, where it leaves node $C.
# $1: plane, $2: EV
lossy_ev()
{
	tc -n sw$1 qdisc add dev $C clsact
	tc -n sw$1 filter add dev $C ingress pref 1 protocol ip u32 \
		match ip sport "$2" 0xffff action gact pass random netrand drop 5
}

one_ev()
{
	local plane ev state tx lost srtt first bad trips without

	in_node $C mrc profile add "$(dev_of $C)" name sixteen count 16
	in_node $C mrc profile use "$(dev_of $C)" name sixteen
	run "16 EVs"
	without=$rate
	holds "$(paths_of $C "$S_IP" | wc -l) == 16" "there are 16 EVs"
	read -r plane ev state tx lost srtt <<< "$(paths_of $C "$S_IP" | sort -n | sed -n 7p)"
	port=$((port + 1))
	stream $C $S $port -D 128 -t 9 -w 3
	sleep 3
	trace_begin mrc/mrc_path_state skb/kfree_skb
	lossy_ev "$plane" "$ev"
	streams_end "one of 16 EVs drops 20 %"
	rate=$(stream_rate $port)
	trace_end "$WORK/trace"
	first=$(awk '$2 == "kfree_skb" && /TC_INGRESS/ { print $1; exit }' "$WORK/trace")
	bad=$(awk -v ev="ev=$ev" '$2 == "mrc_path_state" && /state=assumed_bad/ {
		for (i = 3; i <= NF; i++) if ($i == ev) {
			sub(".*at=", ""); printf "%.6f", $0 / 1e9; exit } }' "$WORK/trace")
	srtt=$(rtt)
	trips=$(echo "scale=2; (${bad:-0} - ${first:-0}) / $srtt" | bc)
	figure "EV $ev: first dropped, taken out, RTT, round trips" \
		"$first $bad $srtt $trips"
	figure "dropped in the whole run" "$(grep -c TC_INGRESS "$WORK/trace")"
	figure "MiB/s without fault, with" "$without $rate"
	holds "${bad:-0} > 0 && $trips <= 3" "taken out within 3 round trips of its first loss"
	holds "$rate >= 0.98 * $without" "at least 98 % of the throughput is left"
	tc -n sw"$plane" qdisc del dev $C clsact
	wait_for 10 eval '[ "$(paths_of $C "$S_IP" | grep -c bad)" = 0 ]'
	check "it is taken back when it is healed" [ "$(paths_of $C "$S_IP" | grep -c bad)" = 0 ]
	in_node $C mrc profile use "$(dev_of $C)" name auto
}

uptime_ns()
{
	python3 -c 'import time; print("%.6f" % time.monotonic())'
}

# When a plane last brought something before it fell silent, from the trace.
# $1: plane, $2: after this time, $3: and before that
last_received()
{
	awk -v p="plane=$1" -v d="dev=$(dev_index $S)" -v from="$2" -v to="$3" '
		$2 == "mrc_receive" && $3 == d && $4 == p && $1 > from && $1 < to { at = $1 }
		END { print at + 0 }' "$WORK/trace"
}

plane_lost()
{
	local t trip before dead mended down sent after recorder

	trace_begin mrc/mrc_receive:"plane == 1 || plane == 2" \
		mrc/mrc_send:"plane == 2"
	port=$((port + 1))
	stream $C $S $port -D 128 -t 100
	sleep 1
	on $S $rates 17 "$WORK/rates" &
	recorder=$!
	sleep 6
	trip=$(rtt)
	t=$(uptime_ns)
	fault 1 blackhole
	sleep 3
	fault 1 netem $link
	mended=$(uptime_ns)
	sleep 3
	down=$(uptime_ns)
	fault $S:2 down
	sleep 2
	fault $S:2 up
	fault 2 netem $link
	wait $recorder
	streams_stop "a plane vanishes, another's link goes down"
	trace_end "$WORK/trace"
	before=$($rates mean "$WORK/rates" "$(echo "$t - 2" | bc)" "$t")
	dead=$(last_received 1 "$t" "$mended")
	after=$($rates back "$WORK/rates" "$dead" "$(echo "0.72 * $before" | bc)" 0.1)
	figure "Mbit/s with four planes, RTT" "$(echo "scale=1; $before / 125000" | bc) $trip"
	figure "a plane vanishes: back to 72 % after, ms, round trips" \
		"$after $(echo "scale=1; $after / 1000 / $trip" | bc)"
	holds "$after >= 0 && $after / 1000 <= 10 * $trip" \
		"throughput is back to 72 % within 10 round trips"
	figure "of it in the second before it is mended" \
		"$(echo "scale=3; $($rates mean "$WORK/rates" "$(echo "$mended - 1.5" | bc)" "$(echo "$mended - 0.5" | bc)") / $before" | bc)"
	figure "back to 98 % after it is mended, ms" \
		"$($rates back "$WORK/rates" "$mended" "$(echo "0.98 * $before" | bc)" 0.3)"
	after=$($rates mean "$WORK/rates" "$(echo "$mended + 1" | bc)" "$(echo "$mended + 2.5" | bc)")
	holds "$after >= 0.98 * $before" "back to 98 % of throughput 1 s after it is mended"
	dead=$(last_received 2 "$down" "$(echo "$down + 1.5" | bc)")
	sent=$(awk -v d="dev=$(dev_index $C)" -v from="$down" -v to="$(echo "$down + 1.5" | bc)" '
		$2 == "mrc_send" && $3 == d && $1 > from && $1 < to && /op=0xc/ { at = $1 }
		END { print at + 0 }' "$WORK/trace")
	figure "link down: the peer's last packet there after, ms, round trips" \
		"$(echo "scale=1; ($sent - $dead) * 1000 / 1" | bc) $(echo "scale=2; ($sent - $dead) / $trip" | bc)"
	holds "$sent > 0 && $sent - $dead <= 2 * $trip" \
		"the peer stops using a plane within 2 round trips of its link's end"
}

slow_links $C
fault all netem $link
run "no loss"
whole=$rate
figure "no loss: MiB/s (the links: 11.4)" "$whole"
random_loss
one_ev
plane_lost
finish
