#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 120
# level: quick
#
# SRv6: with a template for the peer's address every packet to it, hellos
# included, has an outer header whose uSIDs follow from plane and EV; the
# receiver takes it off. The path MTU leaves room for the outer header in links of
# 4200 bytes.

. "$(dirname "$0")/lib.sh"

port=18700
prefix=fd00::/16

node()
{
	local ns=$1

	shift
	nsenter --net=/run/netns/"$ns" "$@"
}

# The block by way of the other end, over each plane.
setup()
{
	local me=$1 other=$2 p=0 dev

	for dev in $(planes "$me"); do
		node "$me" ip -6 route add fc00::/32 \
			via fd00:0:0:$p::"$(node_number "$other")" \
			dev "$dev" metric $((100 + p))
		p=$((p + 1))
	done
	check "a template on $me" node "$me" mrc srv6 add "$(device "$me")" \
		prefix $prefix block fc00:: usids "0x1000:8:0:4:0,0xe00$(node_number "$other")"
}

# Watch what comes in at a plane of $S for a while: packets with outer header,
# those whose first uSID is wrong, packets of ours without outer header.
watch()
{
	node $S timeout 60 python3 - "$1" "$2" > "$WORK/seen.$2" << 'EOF' &
import socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86dd))
s.bind((sys.argv[1], 0x86dd))
# a burst is longer than what a socket holds by default
s.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)	# SO_RCVBUFFORCE
s.settimeout(1)
plane = int(sys.argv[2])
outer = wrong = bare = 0
end = time.time() + 25
while time.time() < end:
    try:
        p, addr = s.recvfrom(200)
    except TimeoutError:
        continue
    if addr[2] == 4:
        continue
    if p[20] == 41:
        outer += 1
        usid = struct.unpack(">H", p[42:44])[0]
        sport = struct.unpack(">H", p[94:96])[0]
        wrong += usid != 0x1000 + (plane << 8) + (sport & 15)
    elif p[20] == 17 and struct.unpack(">H", p[56:58])[0] == 4971:
        bare += 1
print(outer, wrong, bare)
EOF
}

setup $C $S
setup $S $C
gid=$(on $C bash -c 'cd /sys/class/infiniband/$MRC_DEV/ports/1/gids
	for i in *; do case $(cat $i) in fd00:*) echo $i; break ;; esac; done')
gid_s=$(on $S bash -c 'cd /sys/class/infiniband/$MRC_DEV/ports/1/gids
	for i in *; do case $(cat $i) in fd00:*) echo $i; break ;; esac; done')
holds "${gid:-0} > 0" "an IPv6 GID: ${gid:-none}"
p=0
for dev in $(planes $S); do
	watch "$dev" $p
	p=$((p + 1))
done
sleep 1
pair "traffic with outer headers" 60 "tcp $port" \
	"ib_write_bw -d $(device $S) -x $gid_s -p $port -m 2048 -s 65536 -n 200" \
	"ib_write_bw -d $(device $C) -x $gid -p $port -m 2048 -s 65536 -n 200 $S_IP"
wait
for p in 0 1 2 3; do
	read -r outer wrong bare < "$WORK/seen.$p"
	figure "plane $p: with outer header, of them wrong, without" "$outer $wrong $bare"
	holds "${outer:-0} > 100 && ${wrong:-1} == 0 && ${bare:-1} == 0" \
		"plane $p: all packets have the outer header of their path"
done
holds "$(node $C mrc -j path show "$(device $C)" detail | python3 -c '
import json, sys
print(len({p["plane"] for p in json.load(sys.stdin) if p["peer"].startswith("fd00") and p["acked"]}))') == 4" \
	"four planes carried it"
for n in $C $S; do
	check "the template on $n goes" node $n mrc srv6 del "$(device $n)" prefix $prefix
done
port=$((port + 1))
pair "traffic without outer headers" 60 "tcp $port" \
	"ib_write_bw -d $(device $S) -x $gid_s -p $port -m 2048 -s 65536 -n 200" \
	"ib_write_bw -d $(device $C) -x $gid -p $port -m 2048 -s 65536 -n 200 $S_IP"
finish
