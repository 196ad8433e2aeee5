#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: incast
# kernels: 6.12
# debug: no
# time: 150
# level: full
#
# Seven send to one while two others have a flow of their own, over a switch
# that trims. The two notice nothing, the seven share fairly, nobody waits for a
# timeout.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/load.sh"

senders='a b c d e f g'
seconds=15
# Two processors, emulated, are not to be what is measured: full ports make a
# thousand packets a second, and "processors idle" says what is left.
rate=20mbit
port_rate=2.38	# MiB/s

victim_alone()
{
	stream i j alone -t 8 -w 2
	sleep 4
	cpu_begin
	sleep 2
	cpu_end
	streams_end "the victim alone"
}

# The seven know h before they flood it: who meets it behind a full queue takes
# the time spent there for the least RTT that there is, and wants more than the
# others (Documentation/testing.md). What is least is forgotten after 10 to 20 s.
meet()
{
	local node

	for node in $senders; do
		stream $node h meet.$node -s 64 -D 1 -t 1 -w 0
	done
	streams_end "the seven meet the one"
	for node in $senders; do
		in_node $node mrc -j peer show "$(dev_of $node)" |
			jq '.[] | .base_rtt_ns / 1000 | floor'
	done > "$WORK/base"
	figure "least RTT of the seven, us" $(cat "$WORK/base")
}

all_counters()
{
	local node

	for node in $senders h i j; do
		read_counters "$node" rtos retransmits lost_nack lost_sack \
			lost_timer trimmed spurious
	done
}

# Sum of a counter over the seven. $1: counter
sum()
{
	local node total=0 name

	for node in $senders; do
		name=${node}_$1
		total=$((total + ${!name}))
	done
	echo $total
}

queue set rate=$rate
for node in $senders h i j; do
	check "$node is told that switches trim" slow_links $node trimming 1
done
victim_alone
alone=$(stream_rate alone)
meet
queue reset
port=19110
for node in $senders; do
	stream $node h $port -t $seconds -w 4
	port=$((port + 1))
done
stream i j beside -t $((seconds - 2)) -w 4
sleep 7
cpu_begin
sleep 4
cpu_end
streams_end "incast and victim"
all_counters
rates=''
for ((port = 19110; port < 19117; port++)); do
	rates+=" $(stream_rate $port)"
done
beside=$(stream_rate beside)
queue show > "$WORK/ports"
jain=$(echo "$rates" | awk '{ for (i = 1; i <= NF; i++) { s += $i; q += $i * $i }
	printf "%.4f", q ? s * s / (NF * q) : 0 }')
figure "the seven, MiB/s" "$rates"
figure "together, MiB/s (the port: $port_rate)" "$(echo "$rates" | awk '{ for (i = 1; i <= NF; i++) s += $i; print s }')"
figure "victim alone, beside them, MiB/s" "$alone $beside"
figure "the full port: packets bytes marked trimmed dropped max" \
	"$(awk '$2 == "h" { $1 = $2 = ""; print }' "$WORK/ports")"
figure "sent again, by NACK, SACK, timer" \
	"$(sum retransmits) $(sum lost_nack) $(sum lost_sack) $(sum lost_timer)"
figure "RTOs of the seven, of the victim" "$(sum rtos) $i_rtos"
holds "$(awk '$2 == "h" { print $6 }' "$WORK/ports") > 0" "the full port trims"
holds "$beside >= 0.95 * $alone" "the victim keeps 95 % of its throughput"
holds "$jain >= 0.98" "Jain's index of the seven is 0.98 at least"
holds "$(sum rtos) + $i_rtos == 0" "no RTO fires"
queue set rate=100mbit
finish
