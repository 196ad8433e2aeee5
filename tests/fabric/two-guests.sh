#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# two-guests.sh a|b: what each of two guests does to show that they reach each
# other over all four links: b serves, a connects. rping -V compares all data.

set -u
peer=10.0.0.2
failures=0

# The other guest may still be booting.
patiently()
{
	local try

	for try in $(seq 40); do
		timeout 60 "$@" && return
		sleep 1
	done
	return 1
}

check()
{
	local name=$1

	shift
	if "$@" > /tmp/log 2>&1; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		tail -n 20 /tmp/log
		failures=$((failures + 1))
	fi
}

if [ "$1" = b ]; then
	check "rping serves" timeout 200 rping -s -a $peer -V -C 200 -S 20000
	check "ib_write_bw serves" timeout 200 ib_write_bw -d mrc0 -F \
		-s 65536 -n 2000
	check "ib_send_bw serves" timeout 200 ib_send_bw -d mrc0 -F -n 1000
	exit $((failures != 0))
fi
check "the other guest answers" patiently ping -c 1 -W 1 $peer
check "rping" patiently rping -c -a $peer -V -C 200 -S 20000
before=$(cat /sys/class/net/eth[0-3]/statistics/tx_packets)
check "ib_write_bw" patiently ib_write_bw -d mrc0 -F -s 65536 -n 2000 $peer
tail -n 4 /tmp/log
after=$(cat /sys/class/net/eth[0-3]/statistics/tx_packets)
paste -d ' ' <(echo "$before") <(echo "$after") |
	awk '{ n = $2 - $1; print "figure packets of plane " NR - 1, n
		if (n < 1000) bad = 1 } END { exit bad }' &&
	echo "ok - all four links carry it" || {
	echo "not ok - a link carries nothing"
	failures=$((failures + 1))
}
check "ib_send_bw" patiently ib_send_bw -d mrc0 -F -n 1000 $peer
exit $((failures != 0))
