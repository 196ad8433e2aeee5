#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# two-guests.sh a|b: what each of two guests does to show that they reach each
# other over all four links: b serves, a connects. rping -V compares all data.
# Then a disk of b in a: NVMe over Fabrics is the kernel's own user of verbs, and
# lives in the first network namespace, so it wants guests of its own.

set -u
peer=10.0.0.2
failures=0

# The other guest may still be booting.
patiently()
{
	local try

	for try in $(seq 40); do
		"$@" && return
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

# Offer a RAM disk by NVMe over RDMA.
serve_disk()
{
	local nvmet=/sys/kernel/config/nvmet

	modprobe -a nvmet-rdma brd || return
	mountpoint -q /sys/kernel/config ||
		mount -t configfs none /sys/kernel/config || return
	mkdir $nvmet/subsystems/mrc $nvmet/subsystems/mrc/namespaces/1 \
		$nvmet/ports/1 || return
	echo 1 > $nvmet/subsystems/mrc/attr_allow_any_host &&
	echo -n /dev/ram0 > $nvmet/subsystems/mrc/namespaces/1/device_path &&
	echo 1 > $nvmet/subsystems/mrc/namespaces/1/enable &&
	echo rdma > $nvmet/ports/1/addr_trtype &&
	echo ipv4 > $nvmet/ports/1/addr_adrfam &&
	echo $peer > $nvmet/ports/1/addr_traddr &&
	echo 4420 > $nvmet/ports/1/addr_trsvcid &&
	ln -s $nvmet/subsystems/mrc $nvmet/ports/1/subsystems/mrc
}

connect_disk()
{
	echo "transport=rdma,traddr=$peer,trsvcid=4420,nqn=mrc,nr_io_queues=2" \
		> /dev/nvme-fabrics
}

# What is written is what is read, in blocks of several sizes.
use_disk()
{
	local size

	head -c 4M /dev/urandom > /tmp/data || return
	for size in 4k 64k 1M; do
		dd if=/tmp/data of=/dev/nvme0n1 bs=$size oflag=direct &&
		dd if=/dev/nvme0n1 of=/tmp/back bs=$size count=4M \
			iflag=direct,count_bytes &&
		cmp /tmp/data /tmp/back || return
		# The next one has to write it anew.
		dd if=/dev/zero of=/dev/nvme0n1 bs=1M count=4 oflag=direct || return
	done
}

if [ "$1" = b ]; then
	check "rping serves" timeout 200 rping -s -a $peer -V -C 200 -S 20000
	check "ib_write_bw serves" timeout 200 ib_write_bw -d mrc0 -F \
		-s 65536 -n 2000
	check "ib_send_bw serves" timeout 200 ib_send_bw -d mrc0 -F -n 1000
	check "a disk is offered by NVMe over RDMA" serve_disk
	check "the other guest says that it is done" \
		timeout 200 rping -s -a $peer -C 1
	exit $((failures != 0))
fi
check "the other guest answers" patiently timeout 60 ping -c 1 -W 1 $peer
check "rping" patiently timeout 60 rping -c -a $peer -V -C 200 -S 20000
before=$(cat /sys/class/net/eth[0-3]/statistics/tx_packets)
check "ib_write_bw" patiently timeout 60 ib_write_bw -d mrc0 -F -s 65536 -n 2000 $peer
tail -n 4 /tmp/log
after=$(cat /sys/class/net/eth[0-3]/statistics/tx_packets)
paste -d ' ' <(echo "$before") <(echo "$after") |
	awk '{ n = $2 - $1; print "figure packets of plane " NR - 1, n
		if (n < 1000) bad = 1 } END { exit bad }' &&
	echo "ok - all four links carry it" || {
	echo "not ok - a link carries nothing"
	failures=$((failures + 1))
}
check "ib_send_bw" patiently timeout 60 ib_send_bw -d mrc0 -F -n 1000 $peer
check "nvme-rdma" modprobe nvme-rdma
check "the disk is connected" patiently connect_disk
check "the disk is there" patiently test -b /dev/nvme0n1
check "4 MiB written and read in blocks of 4 KiB, 64 KiB and 1 MiB" use_disk
check "the disk goes" sh -c 'echo 1 > /sys/class/nvme/nvme0/delete_controller'
check "goodbye" patiently timeout 60 rping -c -a $peer -C 1
exit $((failures != 0))
