#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 150
# level: quick
#
# EV profiles and congestion control: made, used, changed while in use and under
# traffic, deleted; what is refused changes nothing. The paths to a peer are
# those of the profile, equally many on each plane.

. "$(dirname "$0")/lib.sh"

D=$(device $C)
port=18600

tool()
{
	nsenter --net=/run/netns/$C mrc "$@"
}

# What of the JSON of "mrc $2..." the Python expression $1 says of it, as "j".
json()
{
	local what=$1

	shift
	tool -j "$@" | python3 -c "import json, sys; j = json.load(sys.stdin); print($what)"
}

refused()
{
	local name=$1 before after

	shift
	before=$(tool -j profile show; tool -j cc show)
	if tool "$@" > "$WORK/out" 2>&1; then
		not_ok "$name is refused"
	else
		ok "$name is refused: $(tail -n 1 "$WORK/out")"
	fi
	after=$(tool -j profile show; tool -j cc show)
	holds "$([ "$before" = "$after" ] && echo 1 || echo 0) == 1" \
		"$name: nothing has changed"
}

# $1: name, rest: arguments of ib_write_bw
traffic()
{
	local name=$1

	shift
	port=$((port + 1))
	pair "$name" 60 "tcp $port" "ib_write_bw -d $(device $S) -p $port $*" \
		"ib_write_bw -d $D -p $port $* $S_IP"
}

check "a list" tool profile add "$D" name list ev 50000-50015
check "fields" tool profile add "$D" name fields count 32 active 16 \
	fields 16:50100:50100:50115,4:1:1:2
check "auto, with backups" tool profile add "$D" name spare count 64 active 32
refused "a name twice" profile add "$D" name list ev 1
refused "a change of what does not exist" profile set "$D" name none ev 1
refused "an EV without source port" profile set "$D" name list ev 0x10000
refused "too few EVs of fields" profile set "$D" name fields count 33 \
	fields 16:50100:50100:50115,4:1:1:2
refused "more active than there are" profile set "$D" name spare count 8 active 9
refused "no profile" profile use "$D" name none
refused "5000 EVs" profile add "$D" name big count 5000
refused "a gain out of bounds" cc set "$D" algorithm null gamma 101

traffic "traffic without profile" -s 65536 -n 200
check "the list is used" tool profile use "$D" name list
traffic "traffic over the list" -s 65536 -n 200
holds "$(json 'len(j)' path show "$D" detail) == 16" "16 paths"
holds "$(json 'int(all(sorted(p["ev"] for p in j if p["plane"] == n) == [50000 + n + 4 * k for k in range(4)] for n in range(4)))' \
	path show "$D" detail) == 1" "the EVs of the list, four on each plane"
refused "deleting what is in use" profile del "$D" name list

(sleep 3; tool profile use "$D" name fields; sleep 2
 tool profile set "$D" name fields count 16 fields 16:50200:50200:50215
 sleep 2; tool cc set "$D" algorithm null; sleep 2
 tool cc set "$D" algorithm nscc trimming 0; tool profile use "$D" name spare) &
traffic "traffic while profiles and algorithm change" -s 65536 -D 14
wait
holds "$(json 'len(j)' path show "$D" detail) == 64" "64 paths at the end"
holds "$(json 'int(j[-1]["in_use"])' profile show "$D") == 1" "the third profile is in use"
check "back to no profile" tool profile use "$D" name auto
for name in list fields spare; do
	check "$name is deleted" tool profile del "$D" name $name
done
holds "$(json 'len(j)' profile show "$D") == 0" "no profile is left"
traffic "traffic without profile again" -s 65536 -n 200
finish
