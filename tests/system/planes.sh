#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: long
# time: 300
# level: full
#
# One plane of four is cut silently, then another one is set down, then both are
# mended, all under load. The program sees no error, traffic is on all four
# planes at the end, and not much more is sent again than was lost.

. "$(dirname "$0")/lib.sh"

# How the load is told to stop: it is of a fixed length, twice what is watched.
seconds=75
[ "${MRC_DEBUG:-0}" = 1 ] && seconds=150
dev_s=$(device $S)
dev_c=$(device $C)

# Packets on each plane of $C while sleeping. $1: seconds
watch()
{
	local before

	before=$(plane_packets $C tx)
	sleep "$1"
	plane_diff "$before" "$(plane_packets $C tx)"
}

# A plane carries no traffic worth the name. $1: counts, $2: plane
idle()
{
	echo "$1" | awk -v p="$2" '{ for (i = 1; i <= NF; i++) s += $i
		exit !($(p + 1) * 20 < s) }'
}

# Every plane carries at least a tenth of the traffic. $1: counts
all_busy()
{
	echo "$1" | awk '{ for (i = 1; i <= NF; i++) s += $i
		for (i = 1; i <= NF; i++) if ($i * 10 < s) exit 1
		exit !(NF == 4 && s > 100) }'
}

step()
{
	local counts

	counts=$(watch 4)
	figure "$1: packets per plane in 4 s" "$counts"
	shift
	local test=$1 plane name
	case $test in
	all) name="traffic on all four planes" ;;
	*) name="no traffic but probes on plane(s) $*" ;;
	esac
	if [ "$test" = all ]; then
		check "$name" all_busy "$counts"
	else
		for plane in "$@"; do
			check "no traffic but probes on plane $plane" idle "$counts" "$plane"
		done
	fi
}

# What both nodes have counted. $1: counter
both()
{
	echo $(($(counter $C "$1") + $(counter $S "$1")))
}

again=$(both retransmits) twice=$(both duplicates)
counters $C > "$WORK/before"
ib_write_bw_log=$WORK/bw.client
timeout $((seconds + 60)) on $S ib_write_bw -d "$dev_s" -s 65536 -D $seconds -p 18515 \
	> "$WORK/bw.server" 2>&1 &
server=$!
wait_for 20 tcp_listening $S 18515
timeout $((seconds + 60)) on $C ib_write_bw -d "$dev_c" -s 65536 -D $seconds -p 18515 "$S_IP" \
	> "$ib_write_bw_log" 2>&1 &
client=$!
rm -f /tmp/integrity.planes
# shellcheck disable=SC2016
on $S bash -c 'mrc-integrity -d $MRC_DEV --unix /tmp/integrity.planes' \
	> "$WORK/i.server" 2>&1 &
iserver=$!
wait_for 10 test -e /tmp/integrity.planes
# shellcheck disable=SC2016
on $C bash -c 'mrc-integrity -d $MRC_DEV --unix /tmp/integrity.planes -n 30000 -s 65536 \
	--stall 40 peer' > "$WORK/i.client" 2>&1 &
iclient=$!

sleep 3
step "before" all
fault 1 blackhole
sleep 1
step "plane 1 cut silently" 1
fault 2 down
sleep 0.5
step "plane 2 down too" 1 2
# A queue that goes takes its numbers along.
swallowed=$(netem_drops)
fault 1 clear
fault 2 up
wait_for 15 eval 'all_busy "$(watch 1)"'
step "both mended" all

wait $client
status=$?
wait $server
check "ib_write_bw ends without error" [ "$status$?" = 00 ]
tail -n 3 "$ib_write_bw_log" | sed 's/^/  | /'
wait $iclient
status=$?
wait $iserver
check "mrc-integrity ends without error" [ "$status$?" = 00 ]
grep -h -E 'MISMATCH|STALL|messages=' "$WORK/i.client" "$WORK/i.server" | sed 's/^/  | /'

counters $C > "$WORK/after"
counters_changed "$WORK/before" "$WORK/after"
# All messages have arrived in full, and nothing here duplicates packets. So what
# was sent again had been lost, but for what arrived twice. netem alone knows
# less (not what a port that is down swallows, nor what a full backlog drops) and
# more (lost probes and acknowledgements, which are not sent again).
again=$(($(both retransmits) - again))
twice=$(($(both duplicates) - twice))
figure "swallowed by the cut plane" $swallowed
figure "data packets sent again" $again
figure "data packets that arrived twice" $twice
figure "data packets lost" $((again - twice))
holds "$swallowed > 0" "the cut plane swallowed packets"
holds "$again <= 1.5 * ($again - $twice)" "sent again at most 1.5 times what was lost"
finish
