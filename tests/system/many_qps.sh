#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: clos-srv6
# kernels: 6.12
# debug: no
# time: 120
# level: full
#
# A path dies under 100 QPs, three times: what is sent there after the first of
# them has found out.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/clos_srv6.sh"

# The deaths in the trace, a line each: time from the first packet dropped until
# the path was found bad (ms; -1: never), data packets sent there until then, and
# from then until it was mended.
# $1: file with a line "BEGAN ENDED" per death
deaths()
{
	local began ended

	# a's paths to c; those of c to a may go, too
	while read -r began ended; do
		awk -v began="$began" -v ended="$ended" -v d="dev=$(dev_index a)" '
			$1 > ended { exit }
			$2 == "kfree_skb" && $1 >= began && !died && /TC_INGRESS/ {
				died = $1
				if (bad) found = $1
			}
			$2 == "mrc_path_state" && /peer=fd00::3 .*ev=50002/ {
				bad = /state=assumed_bad/
				at = $0
				sub(".*at=", "", at)
				if (bad && died && !found && at / 1e9 > died)
					found = at / 1e9
			}
			$2 == "mrc_send" && $3 == d && /op=0xc/ && died {
				n++
				when[n] = $1
			}
			END {
				for (i = 1; i <= n; i++)
					found && when[i] > found ? after++ : before++
				print found ? 1000 * (found - died) : -1, before + 0, after + 0
			}' "$WORK/trace"
	done < "$1"
}

many_qps()
{
	local i began ended qps=100 times=3 wait before after sent=0 missed=0

	trace_begin mrc/mrc_path_state skb/kfree_skb \
		mrc/mrc_send:"plane == 1 && entropy == 50002"
	stream a c many -s 8192 -q $qps -D 4 -t 100
	sleep 4
	cpu_begin
	begin_switching
	for ((i = 0; i < times; i++)); do
		sleep 1.5
		read -r began _ < /proc/uptime
		switch_link add "matchall action drop"
		sleep 1
		read -r ended _ < /proc/uptime
		switch_link del
		echo "$began $ended"
	done > "$WORK/when"
	end_switching
	cpu_end
	streams_stop "$qps QPs"
	trace_end "$WORK/trace"
	deaths "$WORK/when" > "$WORK/deaths"
	while read -r wait before after; do
		figure "dead: found after, ms; sent there before, after" \
			"$wait $before $after"
		[ "$wait" != -1 ] || missed=$((missed + 1))
		sent=$((sent + after))
	done < "$WORK/deaths"
	figure "sent there after, per QP and death" \
		"$(echo "scale=3; $sent / $qps / $times" | bc)"
	holds "$missed == 0" "each death is found out"
	holds "$sent < 0.2 * $qps * $times" \
		"fewer than 0.2 packets lost per QP after the first has found out"
	figure "MiB/s of $qps QPs (c's ports: 4.77)" "$(stream_rate many)"
}

queue set rate=10mbit
check "templates and EVs" name_paths a c
many_qps
queue set rate=100mbit
finish
