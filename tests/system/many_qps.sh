#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: clos-srv6
# kernels: 6.12
# debug: no
# time: 120
# level: long
#
# A path dies under 100 QPs: what is sent there after the first of them has found
# out. Of the level long because the goal is missed (Documentation/testing.md).

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/clos_srv6.sh"

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
many_qps
queue set rate=100mbit
finish
