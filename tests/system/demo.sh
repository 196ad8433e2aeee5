#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 120
# level: quick
#
# What this is for, in about forty seconds: an unmodified ib_write_bw between
# two nodes with four planes; one plane is cut silently and mended later.

. "$(dirname "$0")/lib.sh"

seconds=${MRC_DEMO_SECONDS:-30}
cut_at=$((seconds / 3))
mend_at=$((2 * seconds / 3))
cut=2

if [ "${NO_COLOR-}" ] || [ "${MRC_PLAIN-}" ]; then
	bold='' dim='' red='' green='' yellow='' plain=''
else
	bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
fi

dev_c=$(device $C)
dev_s=$(device $S)

say()
{
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# A bar of $1 out of $2 in $3 columns.
bar()
{
	local n=0 line

	[ "$2" -gt 0 ] && n=$(($1 * $3 / $2))
	[ $n -le "$3" ] || n=$3
	printf -v line '%*s' "$n" ''
	printf '%s%*s' "${line// /█}" $(($3 - n)) ''
}

# One reading of everything the table shows, in one go: bytes and packets that
# each plane of $C has sent, the device's counters, the paths.
read_all()
{
	local name value

	read -r -a packets <<< "$(plane_packets $C tx)"
	sent=0 retransmits=0
	while read -r name value; do
		case $name in
		tx_bytes) sent=$value ;;
		retransmits) retransmits=$value ;;
		esac
	done < <(counters $C)
	now=$(date +%s%N)
}

# Paths that are in use, of all, and planes without any: "96/128, plane 2 avoided".
# Nothing when the tool cannot say.
paths()
{
	on $C mrc -j path show "$dev_c" 2> /dev/null | jq -r '
		[.. | objects | select(has("assumed_bad"))] |
		(map(.good + .skip) | add) as $good |
		(map(.good + .skip + .assumed_bad + .denied) | add) as $all |
		(map(select(.down or .bad or .good + .skip == 0).plane | tostring) | join(", ")) as $bad |
		"\($good)/\($all)" + if $bad == "" then "" else "  plane \($bad) avoided" end' \
		2> /dev/null
}

say "Two nodes, each with one RDMA device over four planes"
cat <<EOF2

      ┌────────┐ eth0 ── plane 0 ── eth0 ┌────────┐
      │        │ eth1 ── plane 1 ── eth1 │        │
      │ node a │                         │ node b │
      │  $dev_c  │ eth2 ── plane 2 ── eth2 │  $dev_s  │
      │        │ eth3 ── plane 3 ── eth3 │        │
      └────────┘                         └────────┘
EOF2
on $C rdma link show
on $C mrc port show "$dev_c" 2> /dev/null || on $C mrc port show 2> /dev/null

say "ib_write_bw, as Debian ships it, writes from node a to node b for $seconds s"
printf '%s\n' "  node b:  ib_write_bw -d $dev_s" \
	"  node a:  ib_write_bw -d $dev_c -D $seconds $S_IP"
on $S ib_write_bw -d "$dev_s" -s 65536 -D $seconds -F > "$WORK/server" 2>&1 &
server=$!
wait_for 20 tcp_listening $S 18515
lost=0
counters $C > "$WORK/before"
on $C ib_write_bw -d "$dev_c" -s 65536 -D $seconds -F "$S_IP" > "$WORK/client" 2>&1 &
client=$!

printf '\n%s%4s  %8s  %-22s %7s %7s %7s %7s  %9s  %s%s\n' "$bold" s MiB/s throughput \
	plane0 plane1 plane2 plane3 'sent again' 'paths in use' "$plain"
read_all
old_packets=("${packets[@]}") old_sent=$sent old_retransmits=$retransmits old_now=$now
start=$now
total_packets=("${packets[@]}")
first_retransmits=$retransmits
peak=1
state=whole
i=0
while kill -0 $client 2> /dev/null; do
	# Until the next full second; on a slow machine a reading takes several.
	rest=$(((start + (i + 1) * 1000000000 - $(date +%s%N)) / 1000000))
	[ $rest -le 0 ] || sleep "$(printf '%d.%03d' $((rest / 1000)) $((rest % 1000)))"
	i=$((($(date +%s%N) - start) / 1000000000))
	if [ $state = whole ] && [ $i -ge $cut_at ]; then
		fault $cut blackhole
		state=cut
		printf '%s      ── plane %d is cut: packets vanish, the link still says it is up ──%s\n' \
			"$red" $cut "$plain"
	elif [ $state = cut ] && [ $i -ge $mend_at ]; then
		# The queue takes its count along when it goes.
		lost=$(netem_drops)
		fault $cut clear
		state=mended
		printf '%s      ── plane %d is mended ──%s\n' "$green" $cut "$plain"
	fi
	read_all
	usec=$(((now - old_now) / 1000))
	rate=$(((sent - old_sent) * 1000 / 1048576 * 1000 / usec))
	[ $rate -le $peak ] || peak=$rate
	printf '%4d  %8d  %s%-22s%s' $i $rate "$green" "$(bar $rate $peak 22)" "$plain"
	for p in 0 1 2 3; do
		count=$((packets[p] - old_packets[p]))
		colour=
		[ $count -gt 20 ] || colour=$red
		printf ' %s%7d%s' "$colour" $count "$plain"
	done
	colour=$dim
	[ $((retransmits - old_retransmits)) = 0 ] || colour=$yellow
	printf '  %s%10d%s  %s\n' "$colour" $((retransmits - old_retransmits)) "$plain" \
		"$(paths)"
	old_packets=("${packets[@]}") old_sent=$sent old_retransmits=$retransmits old_now=$now
done
wait $client
status=$?
wait $server
server_status=$?
counters $C > "$WORK/after"
if [ $state = cut ]; then
	lost=$(netem_drops)
	fault $cut clear
fi

say "What ib_write_bw says"
grep -A 1 '#bytes' "$WORK/client" | sed 's/^/  /'

bytes=$(counters_changed "$WORK/before" "$WORK/after" | awk '$1 == "tx_bytes" { print $2 }')
all=0
for p in 0 1 2 3; do
	all=$((all + packets[p] - total_packets[p]))
done
errors=0
[ $status -eq 0 ] && [ $server_status -eq 0 ] || errors=1
say "In words"
printf '  Node a sent %d MiB in %d packets over four planes.\n' $((${bytes:-0} / 1048576)) $all
printf '  The cut plane swallowed %d packets; %d packets were sent again, on other planes.\n' \
	"$lost" $((retransmits - first_retransmits))
printf '  Nobody told node a that the plane was cut, or that it was mended: it noticed.\n'
printf '  %sErrors seen by the program: %d.%s\n' "$bold" $errors "$plain"
if [ $errors -ne 0 ]; then
	tail -n 20 "$WORK/client" "$WORK/server"
	exit 1
fi
