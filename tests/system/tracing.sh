#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# topology: pair4
# kernels: 6.12
# debug: no
# time: 300
# level: full
# with: bpftrace,systemd,systemd-container
#
# The commands of Documentation/admin-guide.md that look at tracepoints, as they
# stand there: perf and bpftrace, while there is traffic and loss.

. "$(dirname "$0")/lib.sh"

guide=/src/Documentation/admin-guide.md
TRACE=/sys/kernel/tracing

cd "$WORK" || exit
mountpoint -q $TRACE || mount -t tracefs none $TRACE
commands()
{
	sed -n "s/^    \($1 .*\)/\1/p" $guide
}

# Packets handed to IP by both devices.
sent()
{
	echo $(($(counter $C tx_packets) + $(counter $S tx_packets)))
}

check "the guide has them" [ "$(commands perf | wc -l) $(commands bpftrace | wc -l)" = "1 3" ]

# As many packets are traced as are counted.
before=$(sent)
perf stat -x , -a -e mrc:mrc_send -o perf.stat -- \
	bash -c 'touch started; until [ -e stop ]; do sleep 0.2; done' &
watch=$!
wait_for 30 test -e started
integrity "traffic under perf stat" 60 1 -q 1 -n 300 -s 4096
touch stop
wait $watch
after=$(sent)
traced=$(awk -F , '/mrc_send/ { print $1 }' perf.stat)
figure "packets sent, traced" "$((after - before)), $traced"
holds "$traced > 100 && $traced <= $after - $before" \
	"perf stat counts no more than there are"
# A few packets, such as probes, may go before and after.
holds "$traced >= ($after - $before) * 0.98" "and nearly all of them"

fault $C:1 netem loss 10%
# shellcheck disable=SC2016
pair "traffic that lasts" 240 "tcp 18602" \
	'exec ib_write_bw -d $MRC_DEV -s 65536 -D 150 -p 18602' \
	'exec ib_write_bw -d $MRC_DEV -s 65536 -D 150 -p 18602 '"$S_IP" \
	> "$WORK/pair" &
wait_for 20 eval '[ $(counter $C tx_data_packets) -gt 2000 ]'

check "$(commands perf)" bash -c "$(commands perf) > perf.script"
for point in send receive sack cwnd; do
	check "perf has seen mrc_$point: $(grep -c "mrc:mrc_$point:" perf.script)" \
		grep -q "mrc:mrc_$point: .*=" perf.script
done

# Each runs until it is interrupted, and then prints what it has found.
while read -r command; do
	bash -c "exec $command" > out 2> err < /dev/null &
	tracer=$!
	wait_for 60 grep -qs Attach out err
	sleep 4
	kill -INT $tracer
	wait $tracer
	check "$command" grep -Eq '^@\[.*\]: [1-9]|^[0-9]+ [0-9]+$' out
	sed '/^$/d' out | head -n 6 | sed 's/^/  | /'
	case $command in
	*plane*) check "every plane is there" [ "$(grep -c '^@\[[0-3]\]: ' out)" = 4 ] ;;
	esac
done < <(commands bpftrace)
pkill -INT -x ib_write_bw
wait
finish
