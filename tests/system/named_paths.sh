#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: clos-srv6
# kernels: 6.12
# debug: no
# time: 200
# level: full
#
# SRv6 over the switches of a two-tier fabric: EVs are named one by one, their
# lowest bit is the T1 switch. Each packet takes the way that its EV names, as
# the switches count; EVs through a dead T1 switch are left, and taken back when
# it lives. Then two flows on one EV of a narrow link: marks move load away, and
# nothing is lost.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/clos_srv6.sh"

# Filters that count, at the T1 switches: packets with an outer header whose EV
# names this switch, those whose EV names the other, and those without outer
# header.
count_at_switches()
{
	local plane u s

	for plane in 0 1 2 3; do
		for u in 0 1; do
			for s in 0 1; do
				echo "filter add dev down$s ingress protocol ipv6 pref 10 u32 match u8 41 0xff at 6 match u16 4971 0xffff at 82 match u16 $u 1 at 80 action continue"
				echo "filter add dev down$s ingress protocol ipv6 pref 11 u32 match u8 41 0xff at 6 match u16 4971 0xffff at 82 match u16 $((1 - u)) 1 at 80 action continue"
				echo "filter add dev down$s ingress protocol ipv6 pref 12 u32 match u8 17 0xff at 6 match u16 4971 0xffff at 42 action continue"
			done | tc -n t1p${plane}s$u -batch - || return
		done
	done
}

# What they have counted of packets from T0 switch $1, a line per T1 switch:
# PLANE SWITCH right wrong bare
seen_at_switches()
{
	local plane u

	for plane in 0 1 2 3; do
		for u in 0 1; do
			echo "$plane $u" $(tc -n t1p${plane}s$u -s -j \
				filter show dev down$1 ingress | jq -r '
				[.[] | select(.options.actions) |
				 {p: .pref, n: .options.actions[0].stats.packets}] |
				(map(select(.p == 10))[0].n, map(select(.p == 11))[0].n,
				 map(select(.p == 12))[0].n)')
		done
	done
}

# Sum of a column of such lines. $1: file, $2: column
column()
{
	awk -v c="$2" '{ s += $c } END { print s + 0 }' "$1"
}

# A T1 switch that forwards nothing. $1: switch, $2: add or del
dead()
{
	local s

	for s in 0 1; do
		if [ "$2" = add ]; then
			tc -n "$1" filter add dev down$s ingress pref 50 \
				matchall action drop
		else
			tc -n "$1" filter del dev down$s ingress pref 50
		fi
	done
}

named()
{
	local plane u right wrong bare tx

	read_counters a tx_packets
	local before=$a_tx_packets
	seen_at_switches 0 > "$WORK/seen0"
	stream a c named -t 4 -w 1
	streams_end "a stream over named EVs"
	figure "MiB/s over eight named EVs" "$(stream_rate named)"
	sleep 0.5
	read_counters a tx_packets
	seen_at_switches 0 > "$WORK/seen"
	seen_at_switches 1 > "$WORK/back"
	paths_of a fd00::3 > "$WORK/paths"
	while read -r plane u right wrong bare; do
		# shellcheck disable=SC2154
		tx=$(awk -v p="$plane" -v u="$u" '$1 == p && $2 % 2 == u { s += $4 }
			END { print s + 0 }' "$WORK/paths")
		figure "plane $plane by T1 $u: data, seen, of others' EV, bare" \
			"$tx $right $wrong $bare"
		holds "$tx > 20 && $right >= $tx && $wrong == 0 && $bare == 0" \
			"all of plane $plane, EV $u, go by T1 switch $u"
	done < "$WORK/seen"
	holds "$(column "$WORK/seen" 3) - $(column "$WORK/seen0" 3) == $a_tx_packets - $before" \
		"the switches have seen each packet that left, once"
	holds "$(column "$WORK/back" 3) > 50 && $(column "$WORK/back" 4) + $(column "$WORK/back" 5) == 0" \
		"answers take the ways of their EVs, too"
}

# Are these, in order, those of a's EVs to c that are believed bad?
only_bad()
{
	local bad

	bad=$(paths_of a fd00::3 | awk '$3 == "assumed_bad" { print $2 }' | sort | tr '\n' ' ')
	echo "bad: $bad"
	[ "$bad" = "$1${1:+ }" ]
}

dead_switch()
{
	local before after

	stream a c dead -t 100
	sleep 3
	dead t1p2s1 add
	wait_for 5 only_bad 50005
	check "of all EVs the one through the dead switch is believed bad" \
		only_bad 50005
	sleep 1
	before=$(seen_at_switches 0 | awk '$1 == 2 && $2 == 1 { print $3 }')
	read_counters a path_probes_sent tx_data_packets
	local probes=$a_path_probes_sent data=$a_tx_data_packets
	sleep 2
	after=$(seen_at_switches 0 | awk '$1 == 2 && $2 == 1 { print $3 }')
	read_counters a path_probes_sent tx_data_packets
	figure "in 2 s: data sent, packets to the dead switch, probes" \
		"$((a_tx_data_packets - data)) $((after - before)) $((a_path_probes_sent - probes))"
	# the answering end has probes of its own by other switches
	holds "$after - $before <= $a_path_probes_sent - $probes && $a_tx_data_packets - $data > 200" \
		"nothing but probes goes to the dead switch"
	dead t1p2s1 del
	wait_for 5 only_bad ""
	check "the switch lives: its EV is used again" only_bad ""
	streams_stop "a switch dies"
}

# Port counts of a link. $1: link, $2: to, $3: column of "queue show"
port()
{
	queue show "$1" | awk -v to="$2" -v c="$3" '$2 == to { v = $c } END { print v + 0 }'
}

# tx on plane 0 by T1 0 and T1 1 of a flow. $1: node, $2: peer
shares()
{
	paths_of "$1" "$2" | awk '$1 == 0 { s[$2 % 2] += $4 } END { print s[0] + 0, s[1] + 0 }'
}

# What two seconds bring: one_rate and two_rate in kbit/s, one_narrow, one_other,
# two_narrow and two_other packets sent on the narrow EV and on the other one.
two_flows()
{
	local from to node was

	sleep 1
	read -r from _ < /proc/uptime
	read_counters c rx_bytes
	read_counters d rx_bytes
	local one=$c_rx_bytes two=$d_rx_bytes
	read -r one_narrow one_other <<< "$(shares a fd00::3)"
	read -r two_narrow two_other <<< "$(shares b fd00::4)"
	was="$one_narrow $one_other $two_narrow $two_other"
	sleep 2
	read -r to _ < /proc/uptime
	read_counters c rx_bytes
	read_counters d rx_bytes
	# shellcheck disable=SC2154
	one_rate=$(echo "($c_rx_bytes - $one) / ($to - $from) / 125" | bc)
	# shellcheck disable=SC2154
	two_rate=$(echo "($d_rx_bytes - $two) / ($to - $from) / 125" | bc)
	read -r one_narrow one_other <<< "$(shares a fd00::3)"
	read -r two_narrow two_other <<< "$(shares b fd00::4)"
	# shellcheck disable=SC2086
	set -- $was
	one_narrow=$((one_narrow - $1)) one_other=$((one_other - $2))
	two_narrow=$((two_narrow - $3)) two_other=$((two_other - $4))
	figure "  kbit/s of flow 1, of flow 2" "$one_rate $two_rate"
	figure "  flow 1: packets on the narrow EV, the other" "$one_narrow $one_other"
	figure "  flow 2: packets on the narrow EV, the other" "$two_narrow $two_other"
	figure "  marked on the narrow link" "$(port t0p0s0-t1p0s0 t1p0s0 5)"
}

narrow()
{
	local node peer plane before alone dropped

	# Small packets: several wait where a queue is still short in time.
	queue set trim=0 ecn=16k drop=512k
	queue rate t0p0s0-t1p0s0 5mbit
	queue reset
	read_counters a retransmits spurious rtos
	read_counters b retransmits spurious rtos
	# shellcheck disable=SC2154
	local again=$((a_retransmits + b_retransmits)) \
		needless=$((a_spurious + b_spurious)) rtos=$((a_rtos + b_rtos))
	stream a c one -m 1024 -t 100
	stream b d two -m 1024 -t 100
	for node in a b; do
		[ $node = a ] && peer=fd00::3 || peer=fd00::4
		wait_for 10 eval '[ -n "$(paths_of $node $peer)" ]'
		for plane in 1 2 3; do
			in_node $node mrc path deny "$(dev_of $node)" peer $peer plane $plane
		done
		in_node $node mrc path deny "$(dev_of $node)" peer $peer ev 50001
	done
	sleep 1
	echo "both flows have one EV, of 5 Mbit/s"
	two_flows
	before=$((one_rate + two_rate)) alone=$two_rate
	echo "flow 1 has another, of 10 Mbit/s"
	in_node a mrc path allow "$(dev_of a)" peer fd00::3 ev 50001
	two_flows
	holds "$one_other > 2 * $one_narrow" "flow 1 moves away from the narrow link"
	holds "$two_rate > 1.2 * $alone" "flow 2 has more of it"
	echo "both have another"
	in_node b mrc path allow "$(dev_of b)" peer fd00::4 ev 50001
	two_flows
	# The two links are used in full when both flows send 1 to 2.
	holds "$one_other > 1.5 * $one_narrow || $two_other > 1.5 * $two_narrow" \
		"load moves away from the narrow link"
	holds "$one_rate + $two_rate > 2.5 * $before" \
		"together they have more than 2.5 times as much"
	streams_stop "two flows on one EV"
	read_counters a retransmits spurious rtos
	read_counters b retransmits spurious rtos
	dropped=$(queue show | awk '{ s += $7 } END { print s }')
	again=$((a_retransmits + b_retransmits - again))
	needless=$((a_spurious + b_spurious - needless))
	figure "dropped in queues; sent again, not needed; RTOs" \
		"$dropped $again $needless $((a_rtos + b_rtos - rtos))"
	# What is sent again, though nothing was dropped, was only late.
	holds "$dropped == 0" "nothing is lost"
	queue rate t0p0s0-t1p0s0 0
	queue set trim=128k ecn=64k drop=512k
}

queue set rate=10mbit
check "templates and EVs" name_paths "a b" "c d"
check "the switches count" count_at_switches
named
dead_switch
narrow
queue set rate=100mbit
finish
