#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 120
# level: quick
#
# Without faults the four planes carry the same number of packets, to within
# 2 %, in the direction of the data, and nothing is sent twice.

. "$(dirname "$0")/lib.sh"

dev_s=$(device $S)
dev_c=$(device $C)
port=18515

# $1: name, rest: perftest command whose data flows from $C to $S
even()
{
	local name=$1 before after diff again seen

	shift
	port=$((port + 1))
	before=$(plane_packets $C tx)
	again=$(counter $C retransmits)
	pair "$name: runs" 60 "tcp $port" "$* -d $dev_s -p $port" "$* -d $dev_c -p $port $S_IP" ||
		return
	after=$(plane_packets $C tx)
	diff=$(plane_diff "$before" "$after")
	figure "$name: packets per plane" "$diff"
	seen=$(echo "$diff" | awk '{ min = max = $1
		for (i = 2; i <= NF; i++) { if ($i < min) min = $i; if ($i > max) max = $i }
		printf "%.4f", max ? (max - min) / max : 1 }')
	holds "$seen < 0.02" "$name: planes differ by less than 2 %"
	holds "$(echo "$diff" | wc -w) == 4" "$name: four planes"
	again=$(($(counter $C retransmits) - again))
	holds "$again <= $(echo "$diff" | awk '{ print int(($1 + $2 + $3 + $4) / 1000) }')" \
		"$name: at most one packet in 1,000 sent again"
}

even "1 QP, 64 KiB" ib_write_bw -s 65536 -n 2000
even "1 QP, 2 KiB" ib_write_bw -s 2048 -n 20000
even "8 QPs, 64 KiB" ib_write_bw -s 65536 -n 300 -q 8
finish
