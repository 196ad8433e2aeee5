#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Captures of traffic of all kinds over links that lose packets, in the guest,
# into /mnt/share, and what the tracepoints say of the same packets: what
# check_dissector.py compares (tests/vm/report).

. "$(dirname "$0")/../system/lib.sh"

pids=''
for plane in 0 1 2 3; do
	on $C tcpdump -q -i eth$plane -s 0 -B 16384 -U \
		-w "/mnt/share/$plane.pcap" udp port 4971 2> /dev/null &
	pids+=" $!"
done
for plane in 0 1 2 3; do
	wait_for 10 test -s "/mnt/share/$plane.pcap"
done
TRACE=/sys/kernel/tracing
mountpoint -q $TRACE || mount -t tracefs none $TRACE
echo 16384 > $TRACE/buffer_size_kb
for point in send receive sack; do
	echo 1 > $TRACE/events/mrc/mrc_$point/enable
done
fault all netem loss 3% delay 1ms
dev_s=$(device $S)
dev_c=$(device $C)
pair "WRITE" 40 "tcp 18515" "ib_write_bw -d $dev_s -s 16384 -n 60 -m 1024" \
	"ib_write_bw -d $dev_c -s 16384 -n 60 -m 1024 $S_IP"
integrity "all operations" 60 1 -q 2 -n 60 -s 8192
pair "RDMA-CM" 40 cm "rping -s -a $S_IP -C 3" "rping -c -a $S_IP -C 3"
fault all clear
# What was captured has to reach the files.
sleep 2
# shellcheck disable=SC2086
kill $pids
wait
for point in send receive sack; do
	echo 0 > $TRACE/events/mrc/mrc_$point/enable
done
{
	echo "# device $(on $C mrc -j dev show | jq '.[0].index')" \
		"addresses $(for plane in 0 1 2 3; do address $C $plane; done | xargs)"
	cat $TRACE/trace
} > /mnt/share/trace
finish
