#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: both
# time: 140
# level: full
#
# Readers of everything at full speed while there is traffic, while planes,
# profiles and settings change, and while the device goes: nobody may be told
# nonsense, no byte may be wrong, and the debug kernel must have nothing to say.

. "$(dirname "$0")/lib.sh"

D=$(device $C)
SYS=/sys/class/infiniband/$D
# How long things change for.
seconds=$((30 + 60 * ${MRC_DEBUG:-0}))

tool()
{
	nsenter --net=/run/netns/$C mrc "$@"
}

# ------------------------------------------------------------ readers

# The same commands over and over, until $WORK/read is gone, ten times by each
# process. $1: name, $2: the commands, rest: who reads them from a file
again()
{
	local name=$1 i

	for i in 1 2 3 4 5 6 7 8 9 10; do
		echo "$2"
	done > "$WORK/commands.$name"
	shift 2
	while [ -e "$WORK/read" ]; do
		"$@" "$WORK/commands.$name"
	done 2> "$WORK/err.$name"
}

# Count what comes in: $2 (list or dict) in JSON, one a line. $1: name
count_json()
{
	python3 -c 'import json, sys
n = 0
for line in sys.stdin:
    if type(json.loads(line)).__name__ != sys.argv[1]:
        sys.exit("no " + sys.argv[1] + ": " + line)
    n += 1
print(n)' "$2" > "$WORK/count.$1" 2> "$WORK/json.$1"
}

listings=$(printf '%s\n' "dev show" "port show" "peer show" "path show" "qp show" \
	"profile show" "cc show" "srv6 show" "stat")

# They take all the time that the processors have, and traffic leaves.
readers_run()
{
	renice -n 10 $BASHPID > /dev/null
	again all "$listings" tool -j -f -b | count_json all list &
	again paths "path show detail" tool -j -f -b | count_json paths list &
	again save save tool -f -b > /dev/null &
	again rdma "statistic show link $D/1"$'\n'"resource show qp" \
		nsenter --net=/run/netns/$C rdma -j -dd -f -b |
		tr -cd '\n' > "$WORK/rdma" &
	# shellcheck disable=SC2016
	on $C bash -c 'while [ -e "$1" ]; do
		cat "$2"/mrc/* "$2"/ports/1/hw_counters/*; done' \
		sh "$WORK/read" "$SYS" > /dev/null 2>&1 &
	# its terminal is gone when python is, and it with that
	on $C python3 -c 'import os, pty, sys
os.environ["TERM"] = "xterm"
while os.path.exists(sys.argv[1]):
    pty.spawn(["timeout", "--foreground", "-s", "INT", "5", "mrc", "top", "interval", "100"])' \
		"$WORK/read" > "$WORK/top" 2>&1 < /dev/null &
	(exec nsenter --net=/run/netns/$C mrc -j monitor 2> "$WORK/err.monitor") |
		count_json monitor dict &
	wait
}

readers_end()
{
	local kind frames

	rm "$WORK/read"
	# nothing ends the listener but a signal
	pkill -f '^mrc -j monitor'
	wait
	for kind in all paths monitor; do
		check "JSON is whole: $kind" [ ! -s "$WORK/json.$kind" ]
		figure "read: $kind" "$(cat "$WORK/count.$kind")"
	done
	figure "read: rdma" "$(wc -c < "$WORK/rdma")"
	frames=$(grep -o 'mrc top ' "$WORK/top" | wc -l)
	figure "frames of top" "$frames"
	for kind in count.all count.paths; do
		holds "$(cat "$WORK/$kind") > 50" "$kind: there was something to read"
	done
	holds "$(wc -c < "$WORK/rdma") > 20" "rdma has read"
	holds "$frames > 20" "mrc top has drawn"
	# What they may have been told is that the device has gone.
	check "readers were told nothing strange" eval \
		"! cat $WORK/err.{all,paths,save,monitor} | grep -v 'No MRC device of this name\|No such device\|Invalid argument'"
}

# ------------------------------------------------------------ what they watch

# Traffic that is checked, until $WORK/go is gone. Processors are few.
load()
{
	local i

	for ((i = 1; ; i++)); do
		integrity "traffic, $i" 130 $i -n 200 -q 2 --timeout 18 --stall 60 ||
			return
		[ -e "$WORK/go" ] || return 0
	done
}

change()
{
	tool "$@" > "$WORK/change" 2>&1 && return
	echo "mrc $*: $(cat "$WORK/change")" >> "$WORK/refused"
}

everything_changes()
{
	local i end=$((SECONDS + seconds))

	change profile add "$D" name some count 64
	for ((i = 0; i < 2 || SECONDS < end; i++)); do
		change port del "$D" netdev eth3
		change port add "$D" netdev eth3 plane 3
		fault $C:2 down
		change dev set "$D" dscp_data $((i % 8)) spray_unit $((i % 2 + 1))
		fault $C:2 up
		change port set "$D" netdev eth1 state down
		change profile use "$D" name some
		change port set "$D" netdev eth1 state up
		change cc set "$D" algorithm null
		# there is a peer only while there are connections
		tool path deny "$D" peer "$S_IP" plane 0 > /dev/null 2>&1
		tool path allow "$D" peer "$S_IP" plane 0 > /dev/null 2>&1
		change cc set "$D" algorithm nscc
		change profile use "$D" name auto
	done
	change profile del "$D" name some
	change dev set "$D" dscp_data 0 spray_unit 1
	figure "rounds of changes" $i
	check "no change was refused" [ ! -e "$WORK/refused" ] ||
		head -n 5 "$WORK/refused"
}

device_goes()
{
	local server client

	rm -f /tmp/readers
	# shellcheck disable=SC2016
	on $S bash -c 'exec mrc-integrity -d $MRC_DEV --unix /tmp/readers' \
		> /dev/null 2>&1 &
	server=$!
	wait_for 30 test -e /tmp/readers
	# shellcheck disable=SC2016
	on $C bash -c 'exec mrc-integrity -d $MRC_DEV --unix /tmp/readers \
		-n 1000000 -q 2 --timeout 10 --retry 1 peer' > /dev/null 2>&1 &
	client=$!
	wait_for 30 eval 'tool -j qp show | jq -e "any(.[]; .tx_bytes > 100000)"'
	check "the device goes, under traffic and readers" \
		timeout 60 nsenter --net=/run/netns/$C rdma link delete "$D"
	kill -9 $client $server 2> /dev/null
	wait $client $server 2> /dev/null
	check "no device is left" [ "$(tool -j dev show)" = "[]" ]
	check "it is made anew" tool restore "$WORK/saved"
	check "as it was" eval 'tool save | diff "$WORK/saved" -'
}

tool save > "$WORK/saved"
touch "$WORK/read" "$WORK/go"
readers_run &
load &
loaded=$!
everything_changes
rm "$WORK/go"
wait $loaded || failures=$((failures + 1))
for _ in 1 2 3; do
	device_goes
done
readers_end
finish
