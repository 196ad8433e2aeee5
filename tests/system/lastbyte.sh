#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: long
# time: 240
# level: quick
#
# A program that polls the last byte of a buffer finds the whole message there,
# and all before it, although packets take four planes and come in any order:
# on good links, and on links that lose and reorder.

. "$(dirname "$0")/lib.sh"

n=3000
[ "${MRC_DEBUG:-0}" = 1 ] && n=600

# $1: name, $2: socket number, rest: options
lastbyte()
{
	local name=$1 socket=/tmp/lastbyte.$2

	shift 2
	# shellcheck disable=SC2016
	pair "$name" 60 "file $socket" 'mrc-lastbyte -d $MRC_DEV --unix '"$socket" \
		'mrc-lastbyte -d $MRC_DEV --unix '"$socket $* peer"
	grep -h '^server:' "$WORK/server.log"
}

lastbyte "one message at a time" 1 -n $n -D 1
lastbyte "32 messages in flight" 2 -n $n -D 32
lastbyte "1 MiB messages" 3 -n 100 -D 4 -s 1048576 --fixed
faulty_links
lastbyte "faulty links, 32 messages in flight" 4 -n $n -D 32
lastbyte "faulty links, 256 KiB messages" 5 -n 200 -D 8 -s 262144 --fixed
fault all clear

socket=/tmp/lastbyte.inject
# shellcheck disable=SC2016
timeout 60 on $S bash -c 'mrc-lastbyte -d $MRC_DEV --unix '"$socket" > "$WORK/inject" 2>&1 &
server=$!
wait_for 10 test -e "$socket"
# shellcheck disable=SC2016
timeout 60 on $C bash -c 'mrc-lastbyte -d $MRC_DEV -n 50 --inject-error --unix '"$socket peer" \
	> /dev/null 2>&1
wait $server
check "the checker finds an injected error" grep -q 'its last byte is there, but' "$WORK/inject"
finish
