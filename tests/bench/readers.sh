#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What readers cost: the bandwidth between two nodes while somebody reads, against
# that while nobody does. In a guest:
#
#   tests/vm/run --topology pair4 --time 400 -- /src/tests/bench/readers.sh
#
# Runs are interleaved, and medians count. A guest's CPUs are busy with the
# traffic alone, so a reader that never pauses takes its share of them, whatever
# it reads; therefore "other" reads as fast, but nothing of MRC's.
#
#   none       nobody reads
#   top        mrc top, ten times a second
#   idle       all listings without a pause, with what the CPUs have left
#   reader     all listings without a pause
#   other      the listing of addresses without a pause (iproute2)
#
# READERS_ROUNDS (5), READERS_SECONDS (4) of each run.

. "$(dirname "$0")/../system/lib.sh"

rounds=${READERS_ROUNDS:-5} seconds=${READERS_SECONDS:-4}
kinds=(none top idle reader other)
port=18700
C_DEV=$(device $C)
S_DEV=$(device $S)

listings=$(printf '%s\n' "dev show" "port show" "peer show" "path show" \
	"path show detail" "qp show" "cc show" "stat")

# Without a pause, in one process; its output is counted in lines.
# $1: how to run it, $2: the tool, $3: what it reads
read_on()
{
	yes "$3" | on $C $1 $2 -b - > "$WORK/read"
}

watch()
{
	case $1 in
	top) on $C python3 -c 'import os, pty
os.environ["TERM"] = "xterm"
pty.spawn(["mrc", "top", "interval", "100"])' > /dev/null < /dev/null ;;
	idle) read_on "chrt --idle 0" "mrc -j" "$listings" ;;
	reader) read_on "" "mrc -j" "$listings" ;;
	other) read_on "" "ip -j" "addr show" ;;
	esac
}

# MiB/s. $1: who watches
bandwidth()
{
	local watcher=

	port=$((port + 1))
	if [ "$1" != none ]; then
		set -m
		watch "$1" &
		watcher=$!
		set +m
	fi
	on $S ib_write_bw -d "$S_DEV" -s 65536 -D "$seconds" -p $port \
		> "$WORK/server" 2>&1 &
	wait_for 20 tcp_listening $S $port
	on $C ib_write_bw -d "$C_DEV" -s 65536 -D "$seconds" -p $port "$S_IP" \
		> "$WORK/client" 2>&1
	[ -z "$watcher" ] || kill -KILL -- -$watcher 2> /dev/null
	wait 2> /dev/null
	awk '$1 == 65536 { print $4 }' "$WORK/client"
}

median()
{
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for ((round = 0; round < rounds; round++)); do
	for kind in "${kinds[@]}"; do
		mib=$(bandwidth "$kind")
		echo "$mib" >> "$WORK/$kind"
		printf '%-8s %s MiB/s' "$kind" "$mib"
		[ "$kind" != reader ] || printf ', %s lines read' "$(wc -l < "$WORK/read")"
		echo
	done
done
for kind in "${kinds[@]}"; do
	figure "$kind: median, of none" "$(median < "$WORK/$kind") MiB/s $(echo \
		"scale = 3; $(median < "$WORK/$kind") / $(median < "$WORK/none")" | bc)"
done
figure "reader, of other" "$(echo "scale = 3; $(median < "$WORK/reader") / $(
	median < "$WORK/other")" | bc)"

# What one look takes of a CPU, which the load of the machine does not change.
TIMEFORMAT='%U %S'
looks=50
cpu=$({ time yes "$listings" | head -n $((looks * $(wc -l <<< "$listings"))) |
	on $C mrc -j -b - > "$WORK/read"; } 2>&1)
figure "CPU time of one look at everything" "$(echo "scale = 2; (${cpu/ / + }) * 1000 / $looks" | bc) ms"
finish
