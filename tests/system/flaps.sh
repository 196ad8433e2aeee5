#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: clos-srv6
# kernels: 6.12
# debug: no
# time: 160
# level: full
#
# A link between T0 and T1 switch that goes away and comes back every 200 ms, and
# a path that dies under 100 QPs: how many packets are lost.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/clos_srv6.sh"

# Commands for tc at the two ends of the link t0p1s0-t1p1s0, each run at once.
begin_switching()
{
	exec {t1}> >(tc -n t1p1s0 -batch -)
	exec {t0}> >(tc -n t0p1s0 -batch -)
}

# The link takes nothing any more, or again. $1: add or del
switch_link()
{
	echo "filter $1 dev down0 ingress pref 50 ${2-}" >&$t1
	echo "filter $1 dev up0 ingress pref 50 ${2-}" >&$t0
}

end_switching()
{
	exec {t1}>&- {t0}>&-
}

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
	trace_begin mrc/mrc_path_state
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
	trace_end "$WORK/trace"
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

many_qps()
{
	local began found sent qps=100

	trace_begin mrc/mrc_path_state mrc/mrc_send:"plane == 1 && entropy == 50002"
	stream a c many -s 8192 -q $qps -D 4 -t 100
	sleep 4.5
	began=$(python3 -c 'import time; print("%.6f" % time.monotonic())')
	begin_switching
	switch_link add "matchall action drop"
	sleep 2
	switch_link del
	end_switching
	streams_stop "100 QPs"
	trace_end "$WORK/trace"
	# a's paths to c; those of c to a may go, too
	found=$(awk -v began="$began" '$1 > began && $2 == "mrc_path_state" && /peer=fd00::3 .*ev=50002 state=assumed_bad/ {
		sub(".*at=", ""); printf "%.6f", $0 / 1e9; exit }' "$WORK/trace")
	sent=$(awk -v from="${found:-0}" -v d="dev=$(dev_index a)" '
		$2 == "mrc_send" && $3 == d && $1 > from && $1 < from + 1 && /op=0xc/' \
		"$WORK/trace" | tee "$WORK/after" | wc -l)
	figure "dead, found out, data packets sent there in the second after" \
		"$began $found $sent"
	holds "${found:-0} > 0 && $sent < 0.2 * $qps" \
		"fewer than 0.2 packets lost per QP after the first has found out"
	figure "MiB/s of 100 QPs" "$(stream_rate many)"
}

queue set rate=10mbit
check "templates and EVs" name_paths a c
flapping
many_qps
queue set rate=100mbit
finish
