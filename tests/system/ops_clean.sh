#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12 6.1 7.2
# debug: both
# races: yes
# time: 300
# level: quick
#
# Every operation, verified, on links without faults: all together and each
# alone, with an SRQ, sleeping on events, and with small messages only; WRITEs
# to the same bytes also on links that reorder. Then that the checker finds what
# it is there to find.

. "$(dirname "$0")/lib.sh"

n=4000
[ "${MRC_DEBUG:-0}" = 1 ] && n=1500

integrity "all operations, 4 QPs" 120 1 -n $n
integrity "one QP, small messages" 60 2 -q 1 -n $n -s 4096
integrity "SRQ, 4 QPs" 90 3 -n $n --srq -s 65536
integrity "completion events" 60 4 -n 1000 --events -s 65536
integrity "overlapping WRITEs" 60 5 -n $((n / 8)) --overlap --ops raw,send:1
fault all netem delay 5ms reorder 75%
integrity "overlapping WRITEs whose packets overtake each other" 60 6 -n $((n / 8)) --overlap \
	--ops raw,send:1
fault all clear
for op in write write_imm send send_imm send_inv read raw cas fadd fadd_shared; do
	integrity "$op alone" 60 "op$op" -n 400 -q 2 --ops "$op"
done

for kind in data imm seq guard stale atomic dup lost read; do
	socket=/tmp/integrity.inject$kind
	# shellcheck disable=SC2016
	timeout 60 on $S bash -c 'mrc-integrity -d $MRC_DEV --unix '"$socket" \
		> "$WORK/inject.server" 2>&1 &
	server=$!
	wait_for 10 test -e "$socket"
	# shellcheck disable=SC2016
	timeout 60 on $C bash -c 'mrc-integrity -d $MRC_DEV -n 300 -s 8192 --stall 3 \
		--inject-error '"$kind --unix $socket"' peer' > "$WORK/inject.client" 2>&1
	wait $server
	if grep -qE '^(MISMATCH|STALLED)' "$WORK/inject.server" "$WORK/inject.client"; then
		ok "the checker finds an injected error: $kind"
	else
		not_ok "the checker does not find an injected error: $kind"
		cat "$WORK/inject.server" "$WORK/inject.client"
	fi
done
finish
