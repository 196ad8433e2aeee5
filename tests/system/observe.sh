#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12 6.1 7.2
# debug: both
# time: 240
# level: full
#
# What can be watched while it works: events of planes, paths, a peer's restart
# and QPs, tracepoints, mrc top on a terminal; and readers at full speed while
# there is traffic, while planes go and come, and while the device goes.

. "$(dirname "$0")/lib.sh"

D=$(device $C)
TRACE=/sys/kernel/tracing
# Readers of all kinds, for the last part.
readers=()

tool()
{
	nsenter --net=/run/netns/$C mrc "$@"
}

cleanup()
{
	kill "${readers[@]}" 2> /dev/null
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

tool save > "$WORK/saved"
tool -j monitor > "$WORK/events" 2> "$WORK/events.err" &
readers+=($!)
tool monitor "$D" > "$WORK/lines" 2>&1 &
readers+=($!)
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
check "every line is an event with its time" [ "$(grep -Evc \
	"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{6} $D [a-z_]+( |$)" \
	"$WORK/lines")" = 0 ]

# ------------------------------------------------------------ top

integrity "traffic under top" 100 3 -n 4000 -q 2 &
load=$!
sleep 2
for form in "80 24" "200 50"; do
	# shellcheck disable=SC2086
	check "mrc top on a terminal of ${form/ / x }" \
		on $C python3 "$(dirname "$0")/../unit/tool/top.py" $form 4 \
		mrc top interval 500
	cat "$WORK/check.log"
done
wait $load || failures=$((failures + 1))

# ------------------------------------------------------------ readers

# Each reads as fast as it can until it is killed.
for look in "dev show" "port show" "peer show" "path show" "path show detail" \
	"qp show" "stat" "save"; do
	# shellcheck disable=SC2086
	( while :; do
		tool -j $look > /dev/null 2>> "$WORK/readers.err"
	done ) &
	readers+=($!)
done
integrity "traffic under readers" 120 4 -n 2000 -q 2 &
load=$!
for i in 1 2 3; do
	sleep 1
	tool port del "$D" netdev eth3
	sleep 1
	tool port add "$D" netdev eth3 plane 3
	tool dev set "$D" dscp_data $i
done
wait $load || failures=$((failures + 1))
rm -f /tmp/observe
# shellcheck disable=SC2016
on $S bash -c 'exec mrc-integrity -d $MRC_DEV --unix /tmp/observe' \
	> /dev/null 2>&1 &
server=$!
wait_for 20 test -e /tmp/observe
# shellcheck disable=SC2016
on $C bash -c 'exec mrc-integrity -d $MRC_DEV --unix /tmp/observe -n 1000000 \
	-q 2 --timeout 10 --retry 1 peer' > /dev/null 2>&1 &
client=$!
sleep 3
check "the device goes, under traffic and readers" \
	timeout 30 nsenter --net=/run/netns/$C rdma link delete "$D"
sleep 1
kill "${readers[@]}" 2> /dev/null
kill -9 $client $server 2> /dev/null
wait 2> /dev/null
readers=()
# What they may have been told is that the device has gone.
check "readers saw nothing strange" eval \
	"! grep -v 'No MRC device of this name\|No such device\|Invalid argument' \
	$WORK/readers.err"
check "no device is left" [ "$(tool -j dev show)" = "[]" ]
check "it is made anew for the tests that follow" tool restore "$WORK/saved"
finish
