#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What readers cost: the bandwidth of a stream while somebody reads, against that
# while nobody does. In a guest, three minutes:
#
#   tests/vm/run --topology pair4 --time 300 -- bash /src/tests/bench/readers.sh
#
# One stream lasts for the whole of a part; readers are let run and stopped in
# slices of two seconds. A slice is compared with those before and after it, in
# which nobody reads, so that a machine that gets slower says nothing; the median
# counts, and the quartiles say how much it is worth.
#
#   top        mrc top as it comes: once in a second
#   reader     all listings without a pause
#   other      the listing of addresses without a pause (iproute2), nothing of MRC's
#
# First links are slow, and the processors have time for everybody: what is lost is
# lost because packets wait for locks that readers hold. Then the stream has all
# of both processors. A reader that never pauses then takes its share of them,
# whatever it reads; what more it costs is seen beside "other".
#
# READERS_ROUNDS (4).

. "$(dirname "$0")/../system/lib.sh"
. "$(dirname "$0")/../system/load.sh"

rounds=${READERS_ROUNDS:-4}
listings=$(printf '%s\n' "dev show" "port show" "peer show" "path show" \
	"path show detail" "qp show" "cc show" "stat")

# What the other node has received, as seen by a process there: to start programs
# takes long on processors that are busy.
ip netns exec $S sleep 1000 &
received=/proc/$!/root/sys/class/infiniband/$(dev_of $S)/ports/1/hw_counters/rx_bytes
wait_for 10 test -e "$received"
# something to wait at
exec {never}<> <(:)

pause()
{
	read -r -t "$1" -u "$never"
}

# Without a pause, in one process; counted in lines.
# $1: what it is, $2: the tool, $3: what it reads
endless()
{
	yes "$3" | in_node $C $2 -b - | tr -cd '\n' > "$WORK/read.$1"
}

declare -A group

readers_begin()
{
	local kind

	set -m
	in_node $C python3 -c 'import os, pty
os.environ["TERM"] = "xterm"
pty.spawn(["mrc", "top"])' > /dev/null < /dev/null &
	group[python]=$!
	endless reader "mrc -j" "$listings" &
	group[reader]=$!
	endless other "ip -j" "addr show" &
	group[other]=$!
	set +m
	disown "${group[@]}"
	wait_for 20 pgrep -f '^mrc top'
	# A terminal gives its program a group of its own.
	group[top]=$(pgrep -f '^mrc top')
	for kind in top reader other; do
		kill -STOP -- -"${group[$kind]}"
	done
}

readers_end()
{
	local kind

	for kind in "${!group[@]}"; do
		kill -KILL -- -"${group[$kind]}"
	done 2> /dev/null
	group=()
}

# KiB/s for two seconds, in $rate. $1: who reads, or none
slice()
{
	local before after began

	[ "$1" = none ] || kill -CONT -- -"${group[$1]}"
	pause 0.3
	read -r before < "$received"
	began=${EPOCHREALTIME/./}
	pause 2
	read -r after < "$received"
	rate=$(((after - before) * 1000000 / 1024 / (${EPOCHREALTIME/./} - began)))
	[ "$1" = none ] || kill -STOP -- -"${group[$1]}"
}

# The least, the quartiles and the greatest of a column.
spread()
{
	sort -n | awk '{ v[NR] = $1 }
		function at(p) { return v[1 + int((NR - 1) * p + 0.5)] }
		END { print at(0), at(0.25), at(0.5), at(0.75), at(1) }'
}

# $1: reader
median()
{
	spread < "$WORK/$1.ratio" | cut -d ' ' -f 3
}

# Clock ticks that a process has had.
ticks()
{
	local stat

	read -r -a stat < "/proc/$1/stat"
	echo $((stat[13] + stat[14]))
}

# $1: name of the part
compare()
{
	local part=$1 kind before with round

	rm -f "$WORK"/*.ratio "$WORK"/*.rate
	readers_begin
	cpu_begin
	slice none
	cpu_end
	for ((round = 0; round < rounds; round++)); do
		# once in a second is little to see, so look twice
		for kind in top reader top other; do
			before=$rate
			slice "$kind"
			with=$rate
			slice none
			echo "$rate" >> "$WORK/none.rate"
			echo $((with * 2000 / (before + rate))) >> "$WORK/$kind.ratio"
		done
	done
	figure "$part: none, KiB/s" "$(spread < "$WORK/none.rate")"
	for kind in top reader other; do
		figure "$part: $kind, per mille of none" "$(spread < "$WORK/$kind.ratio")"
	done
	# two processors, and 4.6 s a round; a tick is 10 ms
	figure "$part: CPU time of top, per mille" $(($(ticks "${group[top]}") *
		10000 / (4600 * 2 * rounds)))
	holds "$(median top) >= 980" "$part: top costs less than 2 %"
	holds "$(median reader) * 1000 >= 980 * $(median other)" \
		"$part: dumps cost less than 2 % more than another program"
	readers_end
}

echo "figures are the least, the quartiles with the median, the greatest"
for node in $C $S; do
	in_node $node mrc save > "$WORK/saved.$node"
	# a window that fills the links, whatever the processors' delays
	in_node $node mrc cc set "$(dev_of $node)" algorithm null
done
fault all netem rate 40mbit delay 1ms
stream $C $S slow -t 140 -w 1
sleep 4
compare "slow links"
holds "$(median reader) >= 980" "slow links: dumps without a pause cost less than 2 %"
streams_stop "slow links"
figure "listings read" "$(wc -c < "$WORK/read.reader")"

fault all clear
for node in $C $S; do
	in_node $node mrc restore "$WORK/saved.$node"
done
stream $C $S fast -t 140 -w 1
sleep 4
compare "busy processors"
streams_stop "busy processors"

# What one look takes of a CPU, which the load of the machine does not change.
TIMEFORMAT='%U %S'
looks=50
cpu=$({ time yes "$listings" | head -n $((looks * $(wc -l <<< "$listings"))) |
	in_node $C mrc -j -b - > "$WORK/read"; } 2>&1)
figure "CPU time of one look at everything" "$(echo "scale = 2; (${cpu/ / + }) * 1000 / $looks" | bc) ms"
finish
