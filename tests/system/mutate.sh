#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: long
# time: 270
# level: full
#
# In place of every switch a program that changes packets on their way
# (mrc-mutate). First what a bad network does, and values that must have no
# consequence: not a wrong byte arrives and every connection lives. Then packets
# with a right ICRC that ask for what must be refused: connections may end, and
# are made anew, but not a wrong byte arrives. Last anything at all, with a right
# ICRC: the nodes work afterwards. The kernel never complains. A minute; ten with
# the debug kernel.

. "$(dirname "$0")/lib.sh"

seconds=60 max=65536
[ "${MRC_DEBUG:-0}" = 1 ] && seconds=600 max=16384
seed=$RANDOM
figure "seed" $seed
mutators=() runs=0

# $1: what the mutators intend, $2: packets of a million that they change
mutate()
{
	local plane

	for plane in 0 1 2 3; do
		ip -n sw$plane link set dev a nomaster
		ip -n sw$plane link set dev b nomaster
		ip netns exec sw$plane mrc-mutate -s $((seed + plane)) -i "$1" -p "$2" a b \
			> "$WORK/mutate.$plane" &
		mutators+=($!)
	done
	for plane in 0 1 2 3; do
		wait_for 20 grep -q ready "$WORK/mutate.$plane" ||
			not_ok "mrc-mutate of plane $plane has begun"
	done
}

# The switches are switches again. Sets "changed" and "damaged".
honest()
{
	local plane

	[ ${#mutators[@]} -gt 0 ] || return
	kill -TERM "${mutators[@]}"
	wait "${mutators[@]}"
	mutators=()
	for plane in 0 1 2 3; do
		ip -n sw$plane link set dev a master br0
		ip -n sw$plane link set dev b master br0
	done
	awk '$1 == "way" {
			n[$2] += $3
			if ($2 ~ /^(flip|bytes|edge|cut|longer|splice|outer)$/)
				damaged += $3
		}
		$1 == "packets" { packets += $2; changed += $4; lost += $6 }
		END {
			for (k in n)
				printf "  %s %d\n", k, n[k]
			print "packets", packets
			print "changed", changed
			print "damaged", damaged + 0
			print "lost", lost
		}' "$WORK"/mutate.[0-3] > "$WORK/sum"
	grep '^ ' "$WORK/sum" | sort | paste -sd ' ' | fold -sw 100
	changed=$(sed -n 's/^changed //p' "$WORK/sum")
	damaged=$(sed -n 's/^damaged //p' "$WORK/sum")
	figure "packets changed" "$changed of $(sed -n 's/^packets //p' "$WORK/sum")," \
		"not forwarded $(sed -n 's/^lost //p' "$WORK/sum")"
}
trap honest EXIT

# Of both ends: each of them is sent to. $1: counters
dropped()
{
	echo $(($(counter_sum a "^drop_($1)\$") + $(counter_sum b "^drop_($1)\$")))
}

# A run whose connections may fail. What came of it is left in $WORK/client.log
# and server.log; returns whether it ended before its time. $1: seconds that
# nothing may move
attacked()
{
	runs=$((runs + 1))
	if (integrity "run $runs" 120 x$runs -q 4 -n 600 -s $max --events --attacked \
		--timeout 18 --stall "$1" --seed $((seed + runs))) > "$WORK/attacked" 2>&1; then
		return 1
	fi
}

# Whoever is slow to answer the first hello is taken for a plain MRC 1.0 endpoint.
integrity "the nodes know each other" 60 before -n 40 -s 4096
before=$(dropped 'icrc|malformed|opcode')
refused=$(dropped 'no_qp|window|sender|stale')
mutate noise 50000
end=$((SECONDS + seconds / 2)) n=0
while [ $SECONDS -lt $end ] && [ $failures -eq 0 ]; do
	n=$((n + 1))
	integrity "all operations over changed packets, run $n" 240 m$n -q 4 -n 1000 \
		-s $max --seed $((seed + n)) --events --timeout 18 && continue
	for node in $C $S; do
		on $node mrc peer show
		counters $node | awk '$2 { printf "  %s %s\n", $1, $2 }'
	done
done
honest
n=$(($(dropped 'icrc|malformed|opcode') - before))
figure "damaged" "$damaged, counted as such $n"
# what is spliced may be the same bytes, what is not IP any more is not counted
holds "$damaged > 50 && 2 * $n > $damaged" "what was damaged was dropped and counted"
# these are counted behind the check of the ICRC
n=$(($(dropped 'no_qp|window|sender|stale') - refused))
holds "$n > 0" "what was forged was refused for what it is"

mutate absurd 1000
end=$((SECONDS + seconds / 3)) ended=0 first=$((runs + 1))
while [ $SECONDS -lt $end ] && [ $failures -eq 0 ]; do
	attacked 30 || continue
	if grep -qE '^(MISMATCH|STALLED|TOO SLOW)' "$WORK/client.log" "$WORK/server.log" ||
		! grep -q '^ENDED' "$WORK/client.log" "$WORK/server.log"; then
		not_ok "run $runs: a forged packet did more than end a connection"
		cat "$WORK/attacked"
	fi
	ended=$((ended + 1))
done
honest
figure "runs ended by a forged packet" $ended of $((runs - first + 1))
holds "$ended > 0 && $changed > $ended" "absurd packets end connections, and do no more"

mutate lies 1000
end=$((SECONDS + seconds / 6)) ended=0 first=$((runs + 1))
while [ $SECONDS -lt $end ]; do
	attacked 5 && ended=$((ended + 1))
done
honest
figure "runs spoilt by lies" $ended of $((runs - first + 1))
holds "$ended > 0" "lies are not without effect"
integrity "the nodes work afterwards" 60 after -n 1000 -s 65536
finish
