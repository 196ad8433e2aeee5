#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: clos-srv6
# kernels: 6.12
# debug: no
# time: 120
# level: full
#
# A link between T0 and T1 switch that goes away and comes back every 200 ms: how
# many packets are lost.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/clos_srv6.sh"

flapping()
{
	local i began qps=4 flaps=100 lost

	stream a c flaps -q $qps -t 100
	sleep 3
	read_counters a lost_sack lost_timer lost_nack rtos spurious path_bad path_good
	local sack=$a_lost_sack timer=$a_lost_timer nack=$a_lost_nack rtos=$a_rtos \
		spurious=$a_spurious bad=$a_path_bad good=$a_path_good
	begin_switching
	began=$(date +%s%N)
	# A read that nothing ends is a sleep without a program.
	exec {never}<> <(:)
	for ((i = 0; i < flaps; i++)); do
		switch_link add "matchall action drop"
		read -r -t 0.1 -u $never
		switch_link del
		read -r -t 0.1 -u $never
	done
	figure "flaps, seconds" "$flaps $(echo "scale=1; ($(date +%s%N) - $began) / 10^9" | bc)"
	end_switching
	sleep 0.5
	read_counters a lost_sack lost_timer lost_nack rtos spurious path_bad path_good
	# shellcheck disable=SC2154
	lost=$((a_lost_sack - sack + a_lost_timer - timer))
	figure "lost, by SACK, by timer; not needed; RTOs" \
		"$lost $((a_lost_sack - sack)) $((a_lost_timer - timer)) $((a_spurious - spurious)) $((a_rtos - rtos))"
	figure "asked for by NACK" $((a_lost_nack - nack))
	figure "paths taken out, back" "$((a_path_bad - bad)) $((a_path_good - good))"
	figure "lost per QP and flap" "$(echo "scale=3; $lost / $qps / $flaps" | bc)"
	holds "$lost > 0" "the link lost packets"
	holds "$lost <= 2 * $qps * $flaps" "at most 2 packets lost per QP and flap"
	streams_stop "a link flaps"
	figure "MiB/s" "$(stream_rate flaps)"
}

queue set rate=10mbit
check "templates and EVs" name_paths a c
flapping
queue set rate=100mbit
finish
