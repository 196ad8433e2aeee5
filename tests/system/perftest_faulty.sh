#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4 clos
# kernels: 6.12
# debug: no
# time: 700
# level: full
#
# Debian's own verbs programs, unmodified, end without error while every link
# loses 1 %, delays a quarter of the packets by 5 ms, duplicates 0.5 % and
# corrupts 0.1 %.

. "$(dirname "$0")/lib.sh"

faulty_links
counters $C > "$WORK/before"
dev_s=$(device $S)
dev_c=$(device $C)
port=18515

# perftest: TCP tells the programs of each other. $1: seconds, rest: command
perftest()
{
	local limit=$1

	shift
	port=$((port + 1))
	pair "$*" "$limit" "tcp $port" "$* -d $dev_s -p $port" "$* -d $dev_c -p $port $S_IP"
	awk '/^ *#bytes/ { head = 1; next } head && NF >= 4 { print "  | " $0 }' \
		"$WORK/client.log" | sed -n '1p;$p'
}

# libibverbs' pingpongs. $1: GID index, rest: command
pingpong()
{
	local gid=$1

	shift
	port=$((port + 1))
	pair "$*" 120 "tcp $port" "$* -d $dev_s -g $gid -p $port" \
		"$* -d $dev_c -g $gid -p $port $S_IP"
}

perftest 120 ib_write_bw -a -n 20
perftest 120 ib_read_bw -a -n 20
perftest 120 ib_send_bw -a -n 20
perftest 120 ib_atomic_bw -n 2000
perftest 120 ib_write_lat -a -n 20
perftest 120 ib_send_lat -a -n 20

gid=$(gid_index $S)
[ "$gid" = "$(gid_index $C)" ] || echo "GID indices of the nodes differ"
pingpong "$gid" ibv_rc_pingpong -n 300 -s 65536
pingpong "$gid" ibv_srq_pingpong -n 1000
# Datagrams are not sent again, so the program that waits for each has good links.
drops=$(netem_drops)
fault all clear
pingpong "$gid" ibv_ud_pingpong -n 1000
faulty_links

pair "rping -V" 120 cm "rping -s -a $S_IP -C 200 -V -S 4096" \
	"rping -c -a $S_IP -C 200 -V -S 4096"
pair "ucmatose" 120 cm "ucmatose -b $S_IP -c 20 -C 100" "ucmatose -s $S_IP -c 20 -C 100"
pair "rstream" 200 cm "rstream -b $S_IP -T v -S 65536 -C 20 -I 20" \
	"rstream -s $S_IP -T v -S 65536 -C 20 -I 20"
drops=$((drops + $(netem_drops)))
fault all clear
pair "udaddy" 60 cm "udaddy -b $S_IP -c 2 -C 50" "udaddy -s $S_IP -c 2 -C 50"

figure "packets dropped by the fabric" $drops
counters $C > "$WORK/after"
counters_changed "$WORK/before" "$WORK/after"
finish
