# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests on the topology clos-srv6: eight EVs by name, two on each plane, whose
# lowest bit is the T1 switch on the way. Sourced after load.sh.

evs=50000,50002,50004,50006,50001,50003,50005,50007

# Templates of a node for the nodes on the other T0 switch, and the EVs.
# load.sh's streams then use IPv6 addresses.
# $1: node, $2: T0 switch of the others, rest: the others
templates()
{
	local node=$1 t0=$2 other plane n

	shift 2
	for other; do
		n=$(node_number "$other")
		for plane in 0 1 2 3; do
			in_node "$node" mrc srv6 add "$(dev_of "$node")" \
				prefix fd00:0:0:$plane::$n/128 block fcbb:bbbb:: \
				usids "0x2000:4:0:1:0,0x100$t0:4,0x300$n:4" || return
		done
	done
	{ in_node "$node" mrc profile add "$(dev_of "$node")" name named ev $evs ||
		in_node "$node" mrc profile set "$(dev_of "$node")" name named ev $evs; } &&
	in_node "$node" mrc profile use "$(dev_of "$node")" name named &&
	gid6[$node]=$(gid6_index "$node")
}

# The nodes of one T0 switch and those of the other reach each other so.
# $1: nodes of the first, $2: nodes of the second
name_paths()
{
	local node

	for node in $1; do
		# shellcheck disable=SC2086
		templates "$node" 1 $2 && slow_links "$node" || return
	done
	for node in $2; do
		# shellcheck disable=SC2086
		templates "$node" 0 $1 && slow_links "$node" || return
	done
}

# Commands for tc at the two ends of the link t0p1s0-t1p1s0, each run at once.
begin_switching()
{
	exec {t1}> >(tc -n t1p1s0 -batch -)
	exec {t0}> >(tc -n t0p1s0 -batch -)
}

# The link takes nothing any more, or again. $1: add or del
switch_link()
{
	echo "filter $1 dev down0 ingress pref 50 ${2-}" >&$t1
	echo "filter $1 dev up0 ingress pref 50 ${2-}" >&$t0
}

end_switching()
{
	exec {t1}>&- {t0}>&-
}
