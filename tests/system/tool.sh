#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12 6.1 7.2
# debug: long
# time: 300
# level: quick
#
# The tool "mrc" and the sysfs settings: every command with good and with bad
# input, exit status and message of each refusal, JSON read by a parser, and
# nothing changed by what was refused.

. "$(dirname "$0")/lib.sh"

D=$(device $C)
SYS=/sys/class/infiniband/$D/mrc
out=$WORK/out err=$WORK/err
listings=0

# The tool on $C, with less ado than "on".
tool()
{
	nsenter --net=/run/netns/$C mrc "$@"
}

# Run the tool on $C; its output goes to $out and $err. $1: status wanted,
# $2: name, rest: arguments
mrc_ends()
{
	local want=$1 name=$2 status

	shift 2
	tool "$@" > "$out" 2> "$err"
	status=$?
	if [ $status -eq "$want" ]; then
		ok "$name"
		return
	fi
	not_ok "$name (status $status instead of $want): mrc $*"
	sed 's/^/  | /' "$out" "$err" | tail -n 12
	return 1
}

# The tool refuses, with one sentence that has a pattern in it.
# $1: status, $2: pattern, rest: arguments
refused()
{
	local want=$1 pattern=$2

	shift 2
	mrc_ends "$want" "refused: mrc $*" "$@" || return
	if [ "$(wc -l < "$err")" != 1 ] || [ -s "$out" ] ||
		! grep -qi -- "$pattern" "$err"; then
		not_ok "one sentence with \"$pattern\" for: mrc $*"
		sed 's/^/  | /' "$out" "$err"
	fi
}

# A listing works in all forms. The JSON ones are kept for a parser at the end.
# $1: what jq is to find true of it, rest: arguments
lists()
{
	local filter=$1 form

	shift
	mrc_ends 0 "lists: mrc $*" "$@" || return
	if [ "$(wc -L < "$out")" -gt 80 ]; then
		not_ok "fits 80 columns: mrc $*"
		sed 's/^/  | /' "$out"
	fi
	for form in -jp -j; do
		mrc_ends 0 "lists: mrc $form $*" $form "$@"
		listings=$((listings + 1))
		cp "$out" "$WORK/listing.$listings"
	done
	check "mrc -j $*: ${filter//[$'\n\t']/ }" jq -e "$filter" "$out"
}

# A setting's file; a node sees its own devices only.
sysfs()
{
	on $C cat "$SYS/$1"
}

set_sysfs()
{
	on $C bash -c "echo $2 > $SYS/$1"
}

value()
{
	tool -j dev show "$D" | jq ".[0].$1"
}

# ------------------------------------------------------------ words

objects="dev port peer path qp profile cc srv6 stat monitor probe top save restore"
mrc_ends 0 "help" help
check "help names every object" eval \
	'(for o in $objects; do grep -q "^  $o " $out || exit; done)'
for object in $objects; do
	mrc_ends 0 "help of $object" $object help
	check "help of $object says something" test -s "$out"
done
mrc_ends 0 "version" -V
mrc_ends 1 "no word at all is a usage error"
check "then the help is shown" grep -q '^Usage' "$err"
refused 1 "possible: dev port peer path.* restore help" frobnicate
refused 1 'possible: show add set del help' port frobnicate
refused 1 'ambiguous; possible: port peer path profile probe' p show
refused 1 'possible: ordered_last icrc' dev set "$D" colour 3
mrc_ends 0 "words can be abbreviated" po sh
mrc_ends 1 "an unknown option is a usage error" -x

# ------------------------------------------------------------ dev

lists ".[0].dev == \"$D\" and (.[0].planes | length) == 4 and
	(.[0].planes_up | length) == 4 and .[0].netdev == \"eth0\" and
	length == 1" dev show
lists "length == 1" dev show "$D"
lists "length == 1" dev show dev "$D"
refused 2 'no MRC device of this name' dev show mrc99
refused 2 'no MRC device of this name' dev set mrc99 icrc 1
refused 1 'name of a device' dev set
refused 1 'nothing to set' dev set "$D"
refused 1 'needs a value' dev set "$D" icrc
refused 1 'twice' dev set "$D" icrc 1 icrc 1
refused 1 'must be a number' dev set "$D" icrc yes
refused 1 'must be a number' dev set "$D" icrc -1

# Bounds are told from kernel 6.12 on; older ones cannot format messages.
bounds="must be from"
tool dev set "$D" icrc 2 2>&1 | grep -q "$bounds" || bounds=outside
# Each setting with its bounds, as Documentation/ABI has them.
bounds_of_settings()
{
	awk '/^What:.*\/mrc\// { sub(".*/", "", $2); names = names " " $2 }
		match($0, /Bounds: [0-9]+(,| to) [0-9]+/) {
			split(substr($0, RSTART + 8, RLENGTH - 8), b, /, | to /)
			n = split(names, name, " ")
			for (i = 1; i <= n; i++)
				print name[i], b[1], b[2]
		}
		/^$/ { names = "" }' /src/Documentation/ABI/*
}

check "Documentation/ABI has every setting" [ "$(bounds_of_settings |
	awk '{ print $1 }' | sort | xargs)" = "$(tool -j dev show | jq -r '.[0] |
	del(.dev, .index, .netdev, .ifindex, .planes, .planes_up, .peers, .qps,
	.udp_port) | keys_unsorted[]' | sort | xargs)" ]
check "Documentation/ABI has every file of sysfs" [ \
	"$(sed -n 's,^What:.*/mrc/,,p' /src/Documentation/ABI/* | sort | xargs)" = \
	"$(on $C ls "$SYS" | sort | xargs)" ]
while read -r name low high; do
	before=$(value "$name")
	for v in $low $high; do
		mrc_ends 0 "dev set $name $v" dev set "$D" "$name" "$v"
		check "$name is $v" [ "$(value "$name")" = "$v" ]
		check "sysfs: $name is $v" [ "$(sysfs "$name")" = "$v" ]
	done
	refused 2 "$bounds" dev set "$D" "$name" $((high + 1))
	[ "$low" -eq 0 ] || refused 2 "$bounds" dev set "$D" "$name" $((low - 1))
	check "$name is still $high" [ "$(value "$name")" = "$high" ]
	check "sysfs: $name back to $before" set_sysfs "$name" "$before"
	check "$name is $before" [ "$(value "$name")" = "$before" ]
	check "sysfs refuses $((high + 1))" eval \
		"! set_sysfs $name $((high + 1)) 2> /dev/null"
	check "sysfs refuses a word" eval \
		"! set_sysfs $name high 2> /dev/null"
	check "$name is still $before" [ "$(value "$name")" = "$before" ]
done <<-EOT
	$(bounds_of_settings)
EOT
dscp=$(value dscp_data)
refused 2 "$bounds" dev set "$D" dscp_data $((dscp ^ 1)) paths_per_plane 129
check "of two settings with one refused, none is changed" \
	[ "$(value dscp_data)" = "$dscp" ]

# ------------------------------------------------------------ port

lists "length == 4 and ([.[].plane] == [0, 1, 2, 3]) and all(.[]; .up and
	.enabled) and .[3].netdev == \"eth3\"" port show
lists "length == 4" port show "$D"
refused 2 'no MRC device of this name' port show mrc99
refused 2 'no MRC device of this name' port add mrc99 netdev eth3
refused 2 'no such interface' port add "$D" netdev eth99
refused 2 'no such interface' port del "$D" netdev eth99
refused 2 '.' port add "$D" netdev eth3
refused 2 '.' port del "$D" netdev lo
refused 1 'netdev NAME' port add "$D"
refused 1 'from 0 to 31' port add "$D" netdev eth3 plane 32
refused 1 'unknown' port del "$D" netdev eth3 plane 3
check "four ports still" [ "$(tool -j port show | jq length)" = 4 ]
mrc_ends 0 "port del" port del "$D" netdev eth3
check "three ports" [ "$(tool -j port show | jq length)" = 3 ]
refused 2 '.' port del "$D" netdev eth3
refused 2 '.' port add "$D" netdev eth3 plane 1
mrc_ends 0 "port add with a plane" port add "$D" netdev eth3 plane 31
check "plane 31 has eth3" [ \
	"$(tool -j port show | jq -r '.[] | select(.plane == 31).netdev')" = eth3 ]
mrc_ends 0 "port del again" port del "$D" netdev eth3
mrc_ends 0 "port add without a plane" port add "$D" netdev eth3
check "it got the first free plane" [ \
	"$(tool -j port show | jq -r '.[] | select(.netdev == "eth3").plane')" = 3 ]
refused 1 'state up' port set "$D" netdev eth3
refused 1 'possible: down up' port set "$D" netdev eth3 state sideways
refused 2 'not a plane' port set "$D" netdev lo state down
mrc_ends 0 "port set: down" port set "$D" netdev eth3 state down
lists ".[3].enabled == false and .[3].up == false and .[2].up" port show
check "shown as disabled" eval 'tool port show | grep -q "eth3.*disabled"'
check "sysfs: planes_enabled" [ "$(sysfs planes_enabled) $(sysfs planes_up)" = \
	"0-2 0-2" ]
check "saved as disabled" eval \
	'tool save | grep -q "^mrc port add $D netdev eth3 plane 3 state down$"'
mrc_ends 0 "port set: up" port set "$D" netdev eth3 state up
check "sysfs: planes" [ "$(sysfs planes) $(sysfs planes_up)" = "0-3 0-3" ]
check "sysfs disables planes" set_sysfs planes_enabled 0,2-3
check "plane 1 is disabled, no other" [ \
	"$(tool -j port show | jq -c '[.[].enabled]')" = "[true,false,true,true]" ]
check "sysfs refuses a plane that is none" eval \
	'! set_sysfs planes_enabled 0-4 2> /dev/null'
check "with netlink's words in the log" eval \
	'dmesg | tail -n 5 | grep -q "$D: The device has no such plane"'
check "still as it was" [ "$(sysfs planes_enabled)" = 0,2-3 ]
check "sysfs enables them" set_sysfs planes_enabled 0-3
fault $C:3 down
check "a port without carrier is shown down" wait_for 5 eval \
	'[ "$(tool -j port show | jq ".[3].up")" = false ]'
fault $C:3 up
check "and up again" wait_for 5 eval \
	'[ "$(tool -j port show | jq ".[3].up")" = true ]'

# ------------------------------------------------------------ sysfs, one by one

check "sysfs: udp_port" set_sysfs udp_port 5123
check "udp_port is 5123" [ "$(value udp_port)" = 5123 ]
check "sysfs refuses udp_port 0" eval '! set_sysfs udp_port 0 2> /dev/null'
refused 2 'udp_port must be from 1 to 65535' dev set "$D" udp_port 0
check "sysfs: udp_port back" set_sysfs udp_port 4971
check "sysfs: algorithm" [ "$(sysfs algorithm)" = nscc ]
check "sysfs: algorithm null" set_sysfs algorithm null
check "it is null" [ "$(tool -j cc show | jq -r '.[0].algorithm')" = null ]
check "sysfs refuses another" eval '! set_sysfs algorithm dctcp 2> /dev/null'
check "with a sentence in the log" eval \
	'dmesg | tail -n 5 | grep -q "$D: algorithm must be nscc or null"'
tool cc set "$D" algorithm nscc
check "sysfs follows" [ "$(sysfs algorithm)" = nscc ]
check "sysfs: active_evs" [ "$(sysfs active_evs)" = \
	"$((4 * $(value paths_per_plane)))" ]
check "it cannot be set without a profile" eval \
	'! set_sysfs active_evs 8 2> /dev/null'
tool profile add "$D" name some count 64
tool profile use "$D" name some
check "with one it can" set_sysfs active_evs 16
check "the profile has it" [ \
	"$(tool -j profile show | jq '.[0].active') $(sysfs active_evs)" = "16 16" ]
check "sysfs refuses too many" eval '! set_sysfs active_evs 65 2> /dev/null'
refused 2 'letters' profile add "$D" name 'a b' count 4
tool profile use "$D" name auto
tool profile del "$D" name some

# ------------------------------------------------------------ srv6, batch

refused 1 'prefix' srv6 add "$D"
refused 1 'block' srv6 add "$D" prefix fd00:5::/48
refused 2 'must fit' srv6 add "$D" prefix fd00:5::/48 block fc00:: usids 0x1:16
refused 2 'no template' srv6 del "$D" prefix fd00:5::/48
mrc_ends 0 "srv6 add" srv6 add "$D" prefix fd00:5::/48 block fc00:: \
	usids 0x1000:8:16:4:0,0xe123
lists 'length == 1 and .[0].prefix == "fd00:5::/48" and .[0].block == "fc00::"
	and .[0].usids == "0x1000:8:16:4:0,0xe123"' srv6 show
cat > "$WORK/batch" << EOT
# two listings, two errors
dev show $D
cc set $D eta 9999 # too much

profile add $D name one ev 1-4
profile add $D name two ev 5-6
dev sat
profile show
EOT
tool -j -b "$WORK/batch" > "$out" 2> "$err"
check "a batch ends at the first error" [ "$? $(wc -l < "$out")" = "2 1" ]
check "it says where" grep -q "batch:3: .*$bounds" "$err"
tool -j -f -b - < "$WORK/batch" > "$out" 2> "$err"
check "or goes on, if forced" [ "$? $(wc -l < "$out") $(wc -l < "$err")" = "2 2 2" ]
check "commands have done no more than they say" [ \
	"$(tail -n 1 "$out" | jq -c '[.[].count]')" = "[4,2]" ]
tool profile use "$D" name two

# ------------------------------------------------------------ stat

lists "length == 1 and .[0].dev == \"$D\" and (.[0] | has(\"tx_packets\"))" \
	stat "$D"
check "stat has what rdma statistic has" [ \
	"$(tool -j stat | jq -r '.[0] | keys[]' | grep -v '^dev$' | sort | xargs)" = \
	"$(counters $C | awk '{ print $1 }' | sort | xargs)" ]
refused 2 'no MRC device of this name' stat mrc99
refused 1 'unknown' stat "$D" colour
mrc_ends 0 "stat for Prometheus" stat --prometheus
check "its metrics are well formed" awk '
	/^# HELP / { help = $3; next }
	/^# TYPE / { if ($3 != help || seen[$3]++ ||
			$4 !~ /^(counter|gauge)$/) exit 1
		type = $3; next }
	!match($0, /^mrc_[a-z0-9_]+\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\} [0-9]+$/) {
		exit 1 }
	{ sub(/\{.*/, ""); if ($0 != type) exit 1; n++ }
	END { exit n < 40 }' "$out"

# ------------------------------------------------------------ save, restore

tool save > "$WORK/saved"
restored()
{
	check "$1: save is what it was" eval \
		"tool save | diff -u $WORK/saved -"
}
check "save has the device, its ports, its settings" [ "$(grep -c \
	"^rdma link add $D type mrc netdev eth0$\|^mrc port add $D netdev eth[0-3] plane [0-3]$\|^mrc dev set $D icrc 1$" \
	"$WORK/saved")" = 6 ]
check "and its template, its profiles and the one in use" [ "$(grep -c \
	"^mrc srv6 add $D prefix fd00:5::/48 \|^mrc profile add $D name [a-z]* \|^mrc profile use $D name two$" \
	"$WORK/saved")" = 4 ]
mrc_ends 0 "restore what is there already" restore "$WORK/saved"
restored "it changes nothing"
tool port del "$D" netdev eth2
tool port del "$D" netdev eth3
tool port add "$D" netdev eth3 plane 9
tool dev set "$D" dscp_data 33
tool profile use "$D" name one
tool profile del "$D" name two
tool profile set "$D" name one count 8
tool srv6 del "$D" prefix fd00:5::/48
tool srv6 add "$D" prefix fd00:6::/48 block fc00:: usids 1
mrc_ends 0 "restore another configuration" restore "$WORK/saved"
restored "restored"
on $C rdma link delete "$D"
mrc_ends 0 "restore without a device" restore "$WORK/saved"
restored "device made anew"
{ cat "$WORK/saved"; echo "mrc dev set $D colour 3"; } > "$WORK/bad"
refused 1 'bad:[0-9]*: .*unknown; possible: ordered_last' restore "$WORK/bad"
{ cat "$WORK/saved"; echo "mrc port add $D netdev eth77 plane 7"; } > "$WORK/bad"
sed -i 's/dscp_data 0/dscp_data 7/; /eth1/d' "$WORK/bad"
refused 2 'bad is not restored: no such interface' restore "$WORK/bad"
restored "all or nothing"
on $C rdma link delete "$D"
refused 2 'bad is not restored: no such interface' restore "$WORK/bad"
check "and no device where there was none" [ "$(tool -j dev show)" = "[]" ]
mrc_ends 0 "restore" restore "$WORK/saved"
sed 's/icrc 1/icrc 2/' "$WORK/saved" > "$WORK/bad"
refused 2 "bad is not restored: .*$bounds" restore "$WORK/bad"
echo "rm -rf /" > "$WORK/bad"
refused 1 'bad:1: not a command that' restore "$WORK/bad"
refused 1 'cannot read' restore "$WORK/none"
refused 1 'restore what' restore
refused 1 'nothing can follow' restore "$WORK/saved" twice
sed 's/eth0/eth1/' "$WORK/saved" > "$WORK/bad"
refused 2 'is on eth0' restore "$WORK/bad"
for line in "mrc profile add $D name x count 5000" "mrc cc set $D gamma 0" \
	"mrc srv6 add $D prefix fd00:9::/48 block fc00:: usids 0x1:16"; do
	sed "s/dscp_data 0/dscp_data 9/; /name one/d; /fd00:5/d; s/plane 3/plane 4/" \
		"$WORK/saved" > "$WORK/bad"
	echo "$line" >> "$WORK/bad"
	refused 2 'bad is not restored: ' restore "$WORK/bad"
	restored "nothing of it after $line"
done
restored "after all that is bad"
# A file without the device's own line changes what it names, nothing else.
{ echo "mrc profile add $D name two count 12"
	echo "mrc port add $D netdev eth3 plane 3 state down"; } > "$WORK/part"
mrc_ends 0 "restore a part" restore "$WORK/part"
check "that part has changed" [ "$(tool save | diff - "$WORK/saved" |
	grep -c '^<')" = 2 ]
mrc_ends 0 "restore the whole" restore "$WORK/saved"
restored "whole again"
tool profile use "$D" name auto
tool profile del "$D" name one
tool profile del "$D" name two
tool srv6 del "$D" prefix fd00:5::/48

# ------------------------------------------------------------ namespaces, users

check "the other node does not see the device" eval \
	"! on $S mrc dev show $D 2> /dev/null"
check "nor does the first namespace" [ "$(mrc -j dev show | jq length)" = 0 ]
check "nor can it change it" eval \
	"! mrc dev set $D icrc 1 2> /dev/null"
as_nobody="on $C setpriv --reuid 65534 --regid 65534 --clear-groups"
for look in "dev show" "port show" "peer show" "path show" "qp show" stat \
	"stat --prometheus" save; do
	# shellcheck disable=SC2086
	check "an unprivileged user can see: $look" $as_nobody mrc $look
done
# where that user can read it, and different
tool save | sed 's/dscp_data 0/dscp_data 5/' > /tmp/tool.saved
chmod 644 /tmp/tool.saved
for change in "dev set $D icrc 1" "port add $D netdev eth3" \
	"port del $D netdev eth3" "port set $D netdev eth3 state down" \
	"cc set $D eta 1" "profile add $D name x count 4" \
	"profile set $D name x count 4" "profile use $D name auto" \
	"profile del $D name x" "srv6 del $D prefix fd00::/16" \
	"srv6 add $D prefix fd00::/16 block fc00:: usids 1" \
	"path deny $D peer 10.0.0.2 plane 1" "restore /tmp/tool.saved"; do
	# shellcheck disable=SC2086
	$as_nobody mrc $change > "$out" 2> "$err"
	check "and not do: $change" [ $? -eq 2 ]
	check "and is told why" grep -q 'root' "$err"
done
check "nor write to sysfs" eval \
	"! $as_nobody bash -c 'echo 1 2> /dev/null > $SYS/icrc'"

# ------------------------------------------------------------ peer, path

# shellcheck disable=SC2016
traffic()
{
	pair "$1" 40 "tcp 18600" \
		'exec ib_write_bw -d $MRC_DEV -s 65536 -n 400 -p 18600' \
		'exec ib_write_bw -d $MRC_DEV -s 65536 -n 400 -p 18600 '"$S_IP"
}

# A connection that stays and does nothing keeps the peer known.
on $S rping -s -a "$S_IP" -P > /dev/null 2>&1 &
server=$!
wait_for 20 cm_listening $S
on $C rping -c -a "$S_IP" > /dev/null 2>&1 &
client=$!
trap 'kill -9 $client $server' EXIT
check "a connection is made" wait_for 20 eval \
	'tool peer show | grep -q extended'
kill -STOP $client
traffic "traffic"
lists "length >= 1 and any(.[]; .peer == \"$S_IP\" and .status == \"extended\"
	and .planes == [0, 1, 2, 3] and .planes_down == [] and .good > 0
	and .cwnd > 0)" peer show
lists "length >= 1" peer show "$D" peer "$S_IP"
lists "length == 0" peer show peer 10.99.99.99
refused 1 'IPv4 or IPv6' peer show peer 300.1.1.1
refused 2 'no MRC device of this name' peer show mrc99

lists "all(.[]; .type == \"rc\" or .type == \"ud\") and any(.[];
	.type == \"rc\" and .peer == \"$S_IP\" and .state == \"rts\" and
	.waits_for == \"work\" and .peer_cwnd > 0 and .good > 0 and
	.error == \"\")" qp show
qpn=$(tool -j qp show | jq '[.[] | select(.type == "rc").qpn][0]')
lists "length == 1 and .[0].qpn == $qpn" qp show "$D" qpn "$qpn"
lists "length >= 1 and all(.[]; .peer == \"$S_IP\")" qp show peer "$S_IP"
lists "length == 0" qp show qpn 16777215
refused 1 'from 0 to 16777215' qp show qpn 16777216
refused 2 'no MRC device of this name' qp show mrc99
on $C rdma -dd resource show qp lqpn "$qpn" > "$WORK/resource"
check "rdma resource shows the peer" grep -q "drv_peer $S_IP" "$WORK/resource"
for word in waits_for tx_una tx_next tx_lost peer_cwnd peer_inflight paths_good \
	paths_skip paths_assumed_bad paths_denied; do
	check "rdma resource shows $word" grep -q "drv_$word " "$WORK/resource"
done

mrc_ends 0 "probe" probe "$S_IP" count 2
lists "length == $(value paths_per_plane) and all(.[]; .plane == 1 and
	.sent == 2 and .answered == 2 and .min_ns > 0 and .min_ns <= .avg_ns
	and .avg_ns <= .max_ns)" probe "$S_IP" plane 1 count 2 interval 0
fault $C:1 down
check "a plane that is down does not answer" eval \
	"tool probe $S_IP plane 1 count 1 > $out; [ \$? -eq 1 ] && grep -q down $out"
fault $C:1 up
wait_for 5 eval '[ "$(tool -j port show | jq ".[1].up")" = true ]'
# The switch takes a moment longer.
wait_for 5 tool probe "$S_IP" plane 1 count 1
ev=$(tool -j path show "$D" peer "$S_IP" detail | jq '.[5].ev')
lists "length >= 1 and all(.[]; .ev == $ev)" probe "$S_IP" ev "$ev" count 1
refused 1 'probe whom' probe
refused 1 'IPv4 or IPv6' probe nobody
refused 1 'at least 1' probe "$S_IP" count 0
refused 2 'no such path' probe 10.99.99.99
refused 2 'no such path' probe "$S_IP" plane 9
refused 2 'no MRC device of this name' probe "$S_IP" dev mrc99
check "an unprivileged user cannot probe" eval \
	"! $as_nobody mrc probe $S_IP count 1 2> /dev/null"

per_plane=$(value paths_per_plane)
lists "map(select(.peer == \"$S_IP\")) | length == 4 and
	all(.[]; .tx > 0 and (.down | not) and .good + .skip == $per_plane)" \
	path show
lists "length == 4" path show "$D" peer "$S_IP"
lists "length == $((4 * per_plane)) and ([.[].path] | unique | length) ==
	$((4 * per_plane)) and all(.[]; .ev >= 1 and .state != \"denied\")" \
	path show "$D" peer "$S_IP" detail
lists "length == $per_plane and all(.[]; .plane == 2)" \
	path show "$D" peer "$S_IP" plane 2
lists "length == 0" path show peer fd99::1
refused 1 'from 0 to 31' path show plane 32
refused 2 'no MRC device of this name' path show mrc99

plane_tx()
{
	tool -j path show "$D" peer "$S_IP" | jq ".[$1].tx"
}

P=("$D" peer "$S_IP")
refused 1 'paths to whom' path deny "$D" plane 1
refused 1 'which paths' path deny "${P[@]}"
refused 2 'no such peer' path deny "$D" peer 10.99.99.99 plane 1
refused 2 'no such path' path deny "${P[@]}" plane 9
refused 2 'no such path' path deny "${P[@]}" path 4000
refused 2 'no such path' path deny "${P[@]}" plane 1 path 0 ev 1
mrc_ends 0 "path deny of a plane" path deny "${P[@]}" plane 1
check "all paths of it are denied" [ \
	"$(tool -j path show "${P[@]}" | jq '.[1].denied')" = "$per_plane" ]
sent=$(plane_tx 1)
traffic "traffic with a plane denied"
check "the denied plane carried nothing" [ "$(plane_tx 1)" = "$sent" ]
mrc_ends 0 "path allow of a plane" path allow "${P[@]}" plane 1
traffic "traffic with it allowed again"
holds "$(plane_tx 1) > $sent + 100" "the plane is used again"
mrc_ends 0 "path deny of one path" path deny "${P[@]}" path 0
check "it is denied, no other" [ "$(tool -j path show "${P[@]}" detail |
	jq -c 'map(select(.state == "denied").path)')" = "[0]" ]
ev=$(tool -j path show "${P[@]}" detail | jq '.[0].ev')
mrc_ends 0 "path allow of one EV" path allow "${P[@]}" ev "$ev"
for plane in 0 1 2; do
	mrc_ends 0 "path deny plane $plane" path deny "${P[@]}" plane $plane
done
refused 2 'no path' path deny "${P[@]}" plane 3
check "plane 3 is not denied" [ \
	"$(tool -j path show "${P[@]}" | jq '.[3].denied')" = 0 ]
for plane in 0 1 2; do
	mrc_ends 0 "path allow plane $plane" path allow "${P[@]}" plane $plane
done

# One rping beside the one that stays, so another port tells that it is ready.
# $1: name, $2: address
small_rping()
{
	rm -f "$WORK/ready"
	pair "$1" 40 "file $WORK/ready" "rping -s -a $2 -p 7175 -C 5 -V &
		until rdma resource show cm_id | grep -q ':7175'; do
			sleep 0.1
		done
		touch $WORK/ready; wait \$!" \
		"exec rping -c -a $2 -p 7175 -C 5 -V"
}

# ICRC is left out where both ends say so; nobody is cut off by a change.
for setting in "$C 0" "$S 0" "$C 1" "$S 1"; do
	read -r node v <<< "$setting"
	check "icrc $v on $node" on "$node" bash -c \
		"mrc dev set \$MRC_DEV icrc $v"
	small_rping "rping after it" "$S_IP"
done

# Two devices in one namespace: what is asked of one is told of that one only.
ip -n $C link add second type dummy
ip -n $C link set second up
on $C rdma link add mrcsecond type mrc netdev second
second=$(tool -j dev show | jq -r '.[] | select(.netdev == "second").dev')
lists "length == 1 and .[0].dev == \"$D\"" dev show "$D"
lists "length == 1 and .[0].netdev == \"second\"" dev show "$second"
lists "length == 4 and all(.[]; .dev == \"$D\")" port show "$D"
lists "length == 2" dev show
ip -n $C link del second
check "a device goes with its netdev" wait_for 10 eval \
	'[ "$(tool -j dev show | jq length)" = 1 ]'

# Dumps of many messages, while other things go on: each QP and each path once.
on $S ib_write_bw -d "$(device $S)" -q 150 -s 4096 -D 60 -p 7190 > /dev/null 2>&1 &
server150=$!
wait_for 20 tcp_listening $S 7190
on $C ib_write_bw -d "$D" -q 150 -s 4096 -D 60 -p 7190 "$S_IP" > /dev/null 2>&1 &
client150=$!
wait_for 30 eval '[ "$(tool -j qp show | jq "map(select(.tx_bytes > 0)) | length")" -ge 150 ]'
lists 'length >= 150 and ([.[].qpn] | unique | length) == length' qp show
kill -9 $client150 $server150
wait $client150 $server150 2> /dev/null

mrc_ends 0 "128 paths per plane" dev set "$D" paths_per_plane 128
small_rping "a new peer, by its IPv6 address" fd00::2
tool -j path show "$D" peer fd00::2 detail > "$out"
check "a dump of 512 paths has each once" [ \
	"$(jq '[.[].path] | unique | length' "$out")" = 512 ]
lists "map(select(.peer == \"fd00::2\")) | length == 1" peer show
tool dev set "$D" paths_per_plane "$per_plane"
check "python3 reads all $listings JSON listings" python3 -c '
import json, sys
for name in sys.argv[1:]:
    assert isinstance(json.load(open(name)), list)' "$WORK"/listing.*
finish
