# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Fabrics made of network namespaces. A host is a namespace, a switch is a
# namespace, a link is a veth pair.
#
#   pair1, pair4: nodes a and b, one switch (a bridge) per plane.
#
#       a eth0 ── a [sw0] b ── eth0 b        plane 0: 10.0.0.1  10.0.0.2
#       a eth1 ── a [sw1] b ── eth1 b        plane 1: 10.0.1.1  10.0.1.2
#       ...                                  also fd00:0:0:P::N/64
#
#   pair4-anycast: the same wires, but switches route, and a node has one
#   address, 10.1.0.N/32 and fd00:1::N/128 on the dummy netdev host0, which
#   all four planes reach.
#
#   clos: four planes, each with two T0 and two T1 switches that route; nodes
#   a and b hang on T0 switch 0 of every plane, c and d on T0 switch 1.
#
#       t1p0s0   t1p0s1      T0 to T1: two equal paths, chosen by a hash of
#         | \    / |         the addresses and UDP ports
#         |  \  /  |
#       t0p0s0   t0p0s1      links are named t0p0s1-t1p0s0 and a:0
#        |  |     |  |
#        a  b     c  d       10.0.P.N and fd00:0:0:P::N, N = 1 to 4
#
#   clos-srv6: the same with SRv6, queues and ECN. Every switch is an SRv6 node
#   of Linux (End with NEXT-C-SID), forwarding is static:
#
#       fcbb:bbbb:10PS::/48   T0 switch S of plane P
#       fcbb:bbbb:20PU::/48   T1 switch U of plane P
#       fcbb:bbbb:30PN::/48   node N by plane P, which takes off the outer header
#
#   So fcbb:bbbb:2021:1021:3023:: leads from any node through T1 switch 1 of
#   plane 2 and T0 switch 1 to node c. Packets that are not encapsulated are
#   routed as in clos.
#
#   incast: ten nodes, a to j, on one switch (a bridge) with queues and trimming.
#
# Topologies with queues: each port of a switch has a rate of 100 Mbit/s, marks
# packets (ECN; not on ports to nodes) when 64 KiB wait, trims MRC's data packets
# at 128 KiB, and drops at 512 KiB; "queue" (tests/fabric/queue) shows what each
# port has done and sets other limits. queue.bpf.c is the program. Devices have
# DSCPs to go with it (QUEUE_CLASSES below). With SRv6 the MTU of all links is
# that of --mtu and 40 for the outer header.
#
# What was built is written to /run/fabric: "links" has a line per link
# (NAME PLANE NAMESPACE1 DEV1 NAMESPACE2 DEV2, the second being the switch's
# end, or the upper switch's), "nodes" a line per node (NAME DEVICE), "ports" a
# line per port with a queue (IFINDEX LINK NAMESPACE-IT-LEADS-TO), and
# "routes.NAMESPACE" what a switch has to be told again after a link of its
# own was down.

FABRIC=/run/fabric

# a is node 1, b node 2, and so on.
number_of()
{
	printf '%d' $(($(printf '%d' "'$1") - 96))
}

# DSCPs in fabrics with queues: AF11 to AF22 for data, CS6 for control.
QUEUE_CLASSES=(dscp_trimmable=10 dscp_retx=12 dscp_trimmed=18
	dscp_trimmed_lasthop=20 dscp_control=48)

# Everything is emulated here, and what costs time is starting programs. So a
# layout is written down first, and then "ip" is run once for all namespaces,
# once for all links and once in each namespace.

# $1: namespace, rest: a command for ip in it
in_namespace()
{
	local ns=$1

	shift
	echo "$*" >> "$FABRIC/batch.$ns"
}

add_namespace()
{
	echo "netns add $1" >> "$FABRIC/batch"
	in_namespace "$1" link set dev lo up
}

# A namespace that forwards packets.
add_switch()
{
	add_namespace "$1"
	switches+=("$1")
}

# A wire. $1: its name, $2: plane, $3 $4: namespace and netdev of one end,
# $5 $6: of the other.
add_link()
{
	local near='' far=''

	if [ -n "$queued" ]; then
		case $3 in
		?)	# A node sends what a switch can trim: single packets.
			# The kernel takes an index for both ends or for none.
			near="gso_max_segs 1 index $((30000 + ${#ports[@]}))"
			far="index $((20000 + ${#ports[@]}))"
			add_queue "${far#* }" "$1" "$3" "$5" "$6"
			;;
		*)
			near="index $((10000 + ${#ports[@]}))"
			add_queue "${near#* }" "$1" "$5" "$3" "$4"
			far="index $((10000 + ${#ports[@]}))"
			add_queue "${far#* }" "$1" "$3" "$5" "$6"
			;;
		esac
	fi
	echo "link add $4 mtu $MTU up netns $3 $near type veth" \
		"peer name $6 mtu $MTU netns $5 $far" >> "$FABRIC/batch.links"
	# It cannot be created up: the other end has to be there first.
	in_namespace "$5" link set dev "$6" up
	echo "$*" >> "$FABRIC/links"
}

# A queue on a port of a switch (queue.bpf.c, which knows ports by their
# ifindex). $1: ifindex, $2: link, $3: where the port leads to, $4 $5: namespace
# and netdev
add_queue()
{
	ports+=("$1 $2 $3")
	cat >> "$FABRIC/tc.$4" <<-EOF
	qdisc add dev $5 root fq limit 100000 flow_limit 100000
	qdisc add dev $5 clsact
	filter add dev $5 egress bpf da object-pinned $FABRIC/bpf/prog
	EOF
}

start_queues()
{
	local file

	printf '%s\n' "${ports[@]}" > "$FABRIC/ports"
	modprobe -a sch_fq sch_ingress cls_bpf 2> /dev/null
	mkdir -p "$FABRIC/bpf" && mount -t bpf bpf "$FABRIC/bpf" || return
	bpftool prog load "${BASH_SOURCE[0]%/*}/queue.o" "$FABRIC/bpf/prog" \
		type classifier pinmaps "$FABRIC/bpf" || return
	queue set rate=100mbit ecn=64k trim=128k drop=512k port=4971 \
		"${QUEUE_CLASSES[@]}" || return
	for file in "$FABRIC"/tc.*; do
		tc -n "${file##*/tc.}" -batch "$file" || return
	done
}

# Commands for ip in a switch, kept to be given again.
# $1: namespace; the commands come from standard input.
configure()
{
	local line

	while read -r line; do
		in_namespace "$1" "$line"
		echo "$line" >> "$FABRIC/routes.$1"
	done
}

# Make what was written down.
build()
{
	local file ns

	ip -batch "$FABRIC/batch" && ip -batch "$FABRIC/batch.links" || return
	for ns in "${switches[@]}"; do
		ip netns exec "$ns" sh -c '
			cd /proc/sys/net || exit
			for name in forwarding ignore_routes_with_linkdown; do
				for who in all default; do
					echo 1 > ipv4/conf/$who/$name
					echo 1 > ipv6/conf/$who/$name
				done
			done
			echo 1 > ipv4/fib_multipath_hash_policy
			echo 1 > ipv6/fib_multipath_hash_policy'
	done
	for file in "$FABRIC"/batch.*; do
		ns=${file##*/batch.}
		[ "$ns" = links ] || ip -n "$ns" -batch "$file" || return
	done
	[ -z "$queued" ] || start_queues
}

# Nodes on one bridge per plane. $1: number of planes, rest: nodes
lay_out_star()
{
	local planes=$1 plane node n netdevs=()

	shift
	for node; do
		add_namespace $node
	done
	for ((plane = 0; plane < planes; plane++)); do
		add_namespace sw$plane
		echo "link add br0 mtu $MTU up netns sw$plane type bridge" \
			"stp_state 0 forward_delay 0 mcast_snooping 0" \
			>> "$FABRIC/batch.links"
		for node; do
			n=$(number_of $node)
			add_link $node:$plane $plane $node eth$plane sw$plane $node
			in_namespace sw$plane link set dev $node master br0
			in_namespace $node addr add 10.0.$plane.$n/24 dev eth$plane
			in_namespace $node addr add fd00:0:0:$plane::$n/64 \
				dev eth$plane nodad
			in_namespace $node addr add fe80::$n/64 \
				dev eth$plane nodad
		done
		[ $plane = 0 ] || netdevs+=("eth$plane")
	done
	build || return
	for node; do
		add_device $node eth0 "${netdevs[@]}" || return
	done
}

lay_out_anycast()
{
	local plane node n hops4='' hops6=''

	for plane in 0 1 2 3; do
		hops4+=" nexthop via 169.254.0.1 dev eth$plane onlink"
		hops6+=" nexthop via fe80::1 dev eth$plane"
	done
	for node in a b; do
		n=$(number_of $node)
		add_namespace $node
		echo "link add host0 mtu $MTU up netns $node type dummy" \
			>> "$FABRIC/batch.links"
		in_namespace $node addr add 10.1.0.$n/32 dev host0
		in_namespace $node addr add fd00:1::$n/128 dev host0 nodad
		for plane in 0 1 2 3; do
			in_namespace $node addr add fe80::1$n/64 \
				dev eth$plane nodad
		done
		in_namespace $node route add 10.1.0.0/24 src 10.1.0.$n "$hops4"
		in_namespace $node route add fd00:1::/64 src fd00:1::$n "$hops6"
	done
	for plane in 0 1 2 3; do
		add_switch sw$plane
		for node in a b; do
			n=$(number_of $node)
			add_link $node:$plane $plane $node eth$plane sw$plane $node
			configure sw$plane <<-EOF
			addr replace 169.254.0.1/32 dev $node scope link
			addr replace fe80::1/64 dev $node nodad
			route replace 10.1.0.$n/32 dev $node
			route replace fd00:1::$n/128 via fe80::1$n dev $node
			EOF
		done
	done
	build || return
	for node in a b; do
		ip netns exec $node sh -c '
			echo 1 > /proc/sys/net/ipv4/fib_multipath_hash_policy
			echo 1 > /proc/sys/net/ipv6/fib_multipath_hash_policy
			# RDMA-CM takes a GID only if the route leaves by the
			# netdev that has the address (admin guide, "One
			# address for all planes").
			for by in oif iif; do
				ip rule add $by host0 lookup 100
				ip -6 rule add $by host0 lookup 100
			done
			ip route add 10.1.0.0/24 dev host0 table 100
			ip -6 route add fd00:1::/64 dev host0 table 100'
		add_device $node host0 eth0 eth1 eth2 eth3 || return
	done
}

lay_out_clos()
{
	local plane s node

	for node in a b c d; do
		add_namespace $node
	done
	for plane in 0 1 2 3; do
		for s in 0 1; do
			add_switch t0p${plane}s$s
			add_switch t1p${plane}s$s
		done
		lay_out_clos_plane $plane
		[ -z "$srv6" ] || lay_out_srv6_plane $plane
	done
	build || return
	for node in a b c d; do
		add_device $node eth0 eth1 eth2 eth3 || return
	done
}

lay_out_clos_plane()
{
	local plane=$1 s u node n t0 t1

	for s in 0 1; do
		t0=t0p${plane}s$s
		for u in 0 1; do
			t1=t1p${plane}s$u
			add_link $t0-$t1 $plane $t0 up$u $t1 down$s
			configure $t0 <<-EOF
			addr replace 169.254.0.1/32 dev up$u scope link
			addr replace fe80::1/64 dev up$u nodad
			EOF
			configure $t1 <<-EOF
			addr replace 169.254.0.2/32 dev down$s scope link
			addr replace fe80::2/64 dev down$s nodad
			EOF
		done
		configure $t0 <<-EOF
		route replace 10.0.$plane.0/24 nexthop via 169.254.0.2 dev up0 onlink nexthop via 169.254.0.2 dev up1 onlink
		route replace fd00:0:0:$plane::/64 nexthop via fe80::2 dev up0 nexthop via fe80::2 dev up1
		EOF
	done
	for node in a b c d; do
		n=$(number_of $node)
		s=$(((n - 1) / 2))
		t0=t0p${plane}s$s
		add_link $node:$plane $plane $node eth$plane $t0 $node
		configure $t0 <<-EOF
		addr replace 169.254.0.1/32 dev $node scope link
		addr replace fe80::1/64 dev $node nodad
		route replace 10.0.$plane.$n/32 dev $node
		route replace fd00:0:0:$plane::$n/128 dev $node
		EOF
		for u in 0 1; do
			configure t1p${plane}s$u <<-EOF
			route replace 10.0.$plane.$n/32 via 169.254.0.1 dev down$s onlink
			route replace fd00:0:0:$plane::$n/128 via fe80::1 dev down$s
			EOF
		done
		in_namespace $node addr add 10.0.$plane.$n/32 dev eth$plane
		in_namespace $node addr add fd00:0:0:$plane::$n/128 \
			dev eth$plane nodad
		in_namespace $node addr add fe80::1$n/64 dev eth$plane nodad
		in_namespace $node route add 10.0.$plane.0/24 \
			via 169.254.0.1 dev eth$plane onlink src 10.0.$plane.$n
		in_namespace $node route add fd00:0:0:$plane::/64 \
			via fe80::1 dev eth$plane src fd00:0:0:$plane::$n
	done
}

# uSIDs for the switches and nodes of one plane of a clos.
lay_out_srv6_plane()
{
	local plane=$1 block=fcbb:bbbb s u node n

	for s in 0 1; do
		for u in 0 1; do
			configure t0p${plane}s$s <<-EOF
			route replace $block:20$plane$u::/48 via fe80::2 dev up$u
			EOF
			configure t1p${plane}s$u <<-EOF
			route replace $block:10$plane$s::/48 via fe80::1 dev down$s
			EOF
		done
		configure t0p${plane}s$s <<-EOF
		route replace $block:10$plane$s::/48 encap seg6local action End flavors next-csid dev up0
		EOF
		configure t1p${plane}s$s <<-EOF
		route replace $block:20$plane$s::/48 encap seg6local action End flavors next-csid dev down0
		EOF
	done
	for node in a b c d; do
		n=$(number_of $node)
		configure t0p${plane}s$(((n - 1) / 2)) <<-EOF
		route replace $block:30$plane$n::/48 via fe80::1$n dev $node
		EOF
		for s in 1 2; do
			in_namespace $node route add $block:${s}0${plane}0::/44 \
				via fe80::1 dev eth$plane src fd00:0:0:$plane::$n
		done
		# 255: where a node's own addresses are
		in_namespace $node route add $block:30$plane$n::/48 \
			encap seg6local action End.DT6 table 255 dev eth$plane
	done
}

# This guest as one of two that are joined by four wires (tests/vm/run-two).
# $1: a or b
lay_out_wires()
{
	local plane n

	n=$(number_of "$1")
	for plane in 0 1 2 3; do
		ip -batch - <<-EOF || return
		link set dev eth$plane mtu $MTU up
		addr add 10.0.$plane.$n/24 dev eth$plane
		addr add fd00:0:0:$plane::$n/64 dev eth$plane nodad
		EOF
	done
	[ -e /sys/module/mrc ] || return 0
	rdma link add mrc0 type mrc netdev eth0 || return
	for plane in 1 2 3; do
		mrc port add mrc0 netdev eth$plane || return
	done
}

# The node's RDMA device. Device names are unique in a kernel, whatever the
# namespace, so node a has mrc0, b mrc1, and so on; "on" sets MRC_DEV.
# $1: node, $2: address netdev, rest: further planes
add_device()
{
	local node=$1 netdev=$2 dev

	shift 2
	dev=${NETDEV:-mrc}$(($(number_of "$node") - 1))
	echo "$node $dev" >> "$FABRIC/nodes"
	case ${NETDEV:-mrc} in
	none)
		return 0
		;;
	mrc)
		[ -e /sys/module/mrc ] || return 0
		;;
	esac
	ip netns exec "$node" rdma link add "$dev" type "${NETDEV:-mrc}" \
		netdev "$netdev" || return
	if [ "${NETDEV:-mrc}" != mrc ]; then
		# Drivers that know nothing of namespaces leave their device
		# outside.
		rdma dev set "$dev" netns "$node" ||
			echo "vm: $dev does not belong to node $node alone"
		return 0
	fi
	# shellcheck disable=SC2016
	[ $# -eq 0 ] || ip netns exec "$node" sh -c '
		dev=$1
		shift
		for netdev; do
			mrc port add "$dev" netdev "$netdev" || exit
		done' sh "$dev" "$@" || return
	# shellcheck disable=SC2016
	[ -z "${queued:-}" ] || ip netns exec "$node" sh -c '
		cd "/sys/class/infiniband/$1/mrc" || exit
		shift
		for setting; do
			echo "${setting#*=}" > "${setting%=*}" || exit
		done' sh "$dev" "${QUEUE_CLASSES[@]}" \
			"dscp_data=${QUEUE_CLASSES[0]#*=}"
}

# $1: name of the topology
lay_out()
{
	mkdir -p "$FABRIC"
	# what a fabric before this one has left
	umount "$FABRIC/bpf" 2> /dev/null
	rm -f "$FABRIC"/batch "$FABRIC"/{batch,routes,tc}.* "$FABRIC/ports"
	: > "$FABRIC/links"
	: > "$FABRIC/nodes"
	switches=() ports=() queued='' srv6=''
	# Link-local addresses are set by hand (no wait, no surprise), in the
	# namespaces to come as well.
	echo 1 > /proc/sys/net/core/devconf_inherit_init_net
	echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode
	# A node sees its own devices only; has to be set before namespaces are.
	rdma system set netns exclusive || return
	modprobe -a veth bridge dummy sch_netem virtio_net 2> /dev/null
	case $1 in
	pair1) lay_out_star 1 a b ;;
	pair4) lay_out_star 4 a b ;;
	incast)
		queued=1
		lay_out_star 1 a b c d e f g h i j
		;;
	pair4-anycast) lay_out_anycast ;;
	clos) lay_out_clos ;;
	clos-srv6)
		queued=1 srv6=1 MTU=$((MTU + 40))
		lay_out_clos
		;;
	wires-*) lay_out_wires "${1#wires-}" ;;
	none) ;;
	*) echo "vm: no topology is called $1"; return 1 ;;
	esac
}
