#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12 6.1 7.2
# debug: both
# time: 240
# level: full
#
# What can be watched while it works: events of planes, paths, a peer's restart
# and QPs, tracepoints, mrc top on a terminal.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/load.sh"

D=$(device $C)
TRACE=/sys/kernel/tracing
listeners=()

tool()
{
	nsenter --net=/run/netns/$C mrc "$@"
}

cleanup()
{
	kill "${listeners[@]}" 2> /dev/null
	[ ! -d $TRACE/events/mrc ] || echo 0 > $TRACE/events/mrc/enable
}
trap cleanup EXIT

# Events that match, summed by their count. $1: what jq is to find true
events()
{
	jq -s "map(select($1).count) | add // 0" "$WORK/events"
}

# An event has been told. $1: name, $2: what jq is to find true of it
told()
{
	check "event: $1" wait_for 15 eval "[ \$(events '$2') -gt 0 ]" ||
		tail -n 5 "$WORK/events"
}

tool -j monitor > "$WORK/events" 2> "$WORK/events.err" &
listeners+=($!)
tool monitor "$D" > "$WORK/lines" 2>&1 &
listeners+=($!)
mountpoint -q $TRACE || mount -t tracefs none $TRACE
check "the tracepoints are there" [ "$(find $TRACE/events/mrc -mindepth 1 \
	-type d -printf '%f\n' | sort | xargs)" = \
	"mrc_cwnd mrc_loss mrc_path_state mrc_receive mrc_sack mrc_send" ]
sleep 1

# ------------------------------------------------------------ events, traces

echo 4096 > $TRACE/buffer_size_kb
# a buffer of its own for what is rare
mkdir $TRACE/instances/mrc
for point in loss path_state; do
	echo 1 > $TRACE/instances/mrc/events/mrc/mrc_$point/enable
done
echo 1 > $TRACE/events/mrc/enable
bad=$(counter $C path_bad)
good=$(counter $C path_good)
# shellcheck disable=SC2034
sent=$(counter $C tx_data_packets)
# shellcheck disable=SC2016
pair "traffic" 120 "tcp 18601" \
	'exec ib_write_bw -d $MRC_DEV -s 65536 -D 30 -p 18601' \
	'exec ib_write_bw -d $MRC_DEV -s 65536 -D 30 -p 18601 '"$S_IP" &
load=$!
wait_for 20 eval '[ $(counter $C tx_data_packets) -gt $((sent + 200)) ]'
fault $C:1 down
told "our plane goes down" \
	'.event == "plane_down" and .plane == 1 and .netdev == "eth1"'
fault $C:1 up
told "and comes back" '.event == "plane_up" and .plane == 1'
fault $S:2 down
told "the peer's plane is lost" \
	".event == \"plane_lost\" and .plane == 2 and .peer == \"$S_IP\""
fault $S:2 up
told "and is back" '.event == "plane_back" and .plane == 2'
fault $C:3 netem loss 100%
told "paths of a silent plane are bad" '.event == "path_bad" and .plane == 3'
fault $C:3 clear
told "and good again" '.event == "path_good" and .plane == 3'
wait $load || failures=$((failures + 1))
sleep 1
bad=$(($(counter $C path_bad) - bad))
good=$(($(counter $C path_good) - good))
holds "$(events '.event == "path_bad"') == $bad" \
	"events tell of every path that went bad"
holds "$(events '.event == "path_good"') <= $good" \
	"and of no more good ones than there were"
echo 0 > $TRACE/events/mrc/enable
echo 0 > $TRACE/instances/mrc/events/mrc/enable
cat $TRACE/trace $TRACE/instances/mrc/trace > "$WORK/trace"
rmdir $TRACE/instances/mrc
for point in send receive sack loss path_state cwnd; do
	check "trace: mrc_$point" grep -q "mrc_$point: " "$WORK/trace"
done
figure "lines of trace" "$(grep -c ' mrc_' "$WORK/trace")"
check "a trace of a packet has its fields" grep -Eq \
	"mrc_send: dev=[0-9]+ plane=[0-3] ev=[0-9]+ op=0x[0-9a-f]{2} qpn=[0-9]+ psn=[0-9]+ len=[0-9]+ ackreq=[01] rtx=[01] ecn=[01]" \
	"$WORK/trace"
check "a trace of a path's state names the peer" grep -q \
	"mrc_path_state: peer=.*$S_IP plane=3 .*state=assumed_bad" "$WORK/trace"

# Faster than they are told: none is forgotten.
times=200
downs=$(events '.event == "plane_down"')
ups=$(events '.event == "plane_up"')
# shellcheck disable=SC2016
on $C bash -c 'cd /sys/class/infiniband/'"$D"'/mrc && for i in $(seq '$times'); do
	echo > planes_enabled; echo 0-3 > planes_enabled; done'
check "$((4 * times)) planes that went down are told of" wait_for 60 eval \
	"[ \$(events '.event == \"plane_down\"') = $((downs + 4 * times)) ]"
check "and as many that came up" wait_for 60 eval \
	"[ \$(events '.event == \"plane_up\"') = $((ups + 4 * times)) ]"
figure "most told as one" "$(jq -s 'map(select(.event |
	test("plane_(down|up)")).count) | max' "$WORK/events")"
holds "$(jq -s 'map(select(.count > 1 and (has("plane") | not))) | length' \
	"$WORK/events") > 0" "some of them as a number"

# A peer that ends without a word: its QP fails for want of answers. The server's
# program must not look at its device, or it would end and the client with it.
# shellcheck disable=SC2016
on $S bash -c 'exec ib_write_bw -d $MRC_DEV -s 65536 -D 60 -u 10 -p 18611' \
	> "$WORK/server.log" 2>&1 &
server=$!
wait_for 20 tcp_listening $S 18611
# shellcheck disable=SC2016
on $C bash -c 'exec ib_write_bw -d $MRC_DEV -s 65536 -D 60 -u 10 -p 18611 '"$S_IP" \
	> "$WORK/client.log" 2>&1 &
client=$!
wait_for 20 eval 'tool -j qp show | jq -e "any(.[]; .tx_bytes > 1000000)"'
on $S rdma link delete "$(device $S)"
told "a QP fails" '.event == "qp_error" and .qpn > 0 and
	(.reason | test("retry_exceeded|remote"))'
kill -9 $server $client 2> /dev/null
wait $server $client

# The server's device made anew: another instance.
on $S bash -c 'rdma link add $MRC_DEV type mrc netdev eth0 &&
	for i in 1 2 3; do mrc port add $MRC_DEV netdev eth$i; done'
integrity "traffic with a device made anew" 60 2 -n 300 -q 1
told "the peer has restarted" \
	".event == \"peer_restart\" and .peer == \"$S_IP\""
check "no event was lost on the way" [ ! -s "$WORK/events.err" ]
check "every line is an event with its time" [ "$(grep -Evc \
	"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{6} $D [a-z_]+( |$)" \
	"$WORK/lines")" = 0 ]

# ------------------------------------------------------------ top

fault $C:2 netem loss 5%
stream $C $S top -t 60 -q 2
wait_for 20 eval 'tool -j qp show | jq -e "any(.[]; .tx_bytes > 1000000)"'
for form in "80 24" "200 50"; do
	# shellcheck disable=SC2086
	check "mrc top on a terminal of ${form/ / x }" \
		on $C python3 "$(dirname "$0")/../unit/tool/top.py" $form 4 \
		mrc top interval 500
	cp "$WORK/check.log" "$WORK/screen"
	cat "$WORK/screen"
	check "it shows the load" grep -q 'out [1-9][0-9.]*[kMG]b/s' "$WORK/screen"
done
streams_stop "traffic under top"
fault $C:2 clear
finish
