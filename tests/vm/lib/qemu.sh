# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Booting a guest and listening to it.

# What the kernel says when something is wrong with it.
TROUBLE='WARNING: |BUG: |BUG at |kernel BUG|Oops|KASAN: |UBSAN: |KCSAN: |general protection fault, |Kernel panic|possible recursive locking|possible circular locking|inconsistent lock state|suspicious RCU usage|INFO: rcu|rcu: INFO|blocked for more than|soft lockup|hard LOCKUP|unreferenced object|refcount_t: |DEBUG_LOCKS_WARN|scheduling while atomic|sleeping function called|list_(add|del) corruption|ODEBUG: |kobject: .* is not initialized|page allocation failure|Unable to handle|unregister_netdevice: waiting for'

# Mitigations cost a lot under emulation and protect nothing here.
BOOT_OPTIONS="console=ttyS0,115200 panic=-1 oops=panic mitigations=off \
rcupdate.rcu_cpu_stall_timeout=60 nokaslr kasan_multi_shot"

# TCG: no "rep movsb" by preference (ten times slower there than movsq, so
# every kernel memcpy would be distorted), no five-level page tables.
accel_options()
{
	if [ "$1" = kvm ]; then
		echo -accel kvm -cpu host
	else
		echo -accel tcg,thread=multi -cpu max,-erms,-fsrm,-la57
	fi
}

# "kvm" if a kernel boots under it on this machine, else "tcg". /dev/kvm alone
# says nothing: nested, a stock kernel may hang in its first instructions.
# $1: kernel image, $2: initramfs
choose_accel()
{
	local file log

	file=$CACHE/accel/$(key_of "$(uname -r)" "$1" \
		"$(grep -m 1 'model name' /proc/cpuinfo)" \
		"$(qemu-system-x86_64 --version | head -n 1)")
	if [ -n "${MRC_ACCEL-}" ]; then
		echo "$MRC_ACCEL"
		return
	fi
	if [ ! -e "$file" ]; then
		mkdir -p "$CACHE/accel"
		log=$(mktemp)
		if [ -w /dev/kvm ]; then
			timeout -s KILL 15 qemu-system-x86_64 -machine q35 \
				-accel kvm -cpu host -m 1024 -nodefaults \
				-display none -no-reboot -kernel "$1" \
				-initrd "$2" -serial "file:$log" \
				-append "console=ttyS0 panic=-1 vm.trial=1" \
				> /dev/null 2>&1 < /dev/null
		fi
		if grep -q 'vm: trial boot works' "$log"; then
			echo kvm > "$file"
		else
			echo tcg > "$file"
		fi
		say "a trial boot chose $(cat "$file") on this machine"
		rm -f "$log"
	fi
	cat "$file"
}

# Guests take turns: each has as many CPUs as the host, and tests have clocks.
# Lasts until the caller ends.
take_turn()
{
	local turn

	mkdir -p "$CACHE/lock"
	exec {turn}> "$CACHE/lock/guest"
	if ! flock -n "$turn"; then
		say "waiting for another guest to end"
		flock "$turn"
	fi
}

# Name of a new kernel log; those of the day before yesterday are removed.
new_log()
{
	mkdir -p "$CACHE/log"
	find "$CACHE/log" -name '*.log*' -mtime +2 -delete
	echo "$CACHE/log/$(date +%H%M%S)-$$${1-}.log"
}

# What a guest is to do, as settings for guest/start (variables of the caller)
# and a command, packed with everything else into its initramfs.
# $1: folder to work in, $2: overlay, $3: file to write, rest: command
pack_request()
{
	local work=$1 overlay=$2 out=$3 etc=$1/request/inject/etc

	shift 3
	rm -rf "$work/request"
	mkdir -p "$etc"
	{
		printf 'TOPOLOGY=%q MTU=%q NETDEV=%q SHARE=%q DEBUG=%q\n' \
			"$topology" "$mtu" "$netdev" "${share:+1}" "$debug"
		printf 'export MRC_KERNEL=%q MRC_TOPOLOGY=%q MRC_DEBUG=%q\n' \
			"$kernel" "$topology" "$debug"
		printf 'export MRC_GUEST=%q\n' "${guest-}"
	} > "$etc/mrc-request"
	# One word is a line for the shell, several are a command.
	if [ $# -eq 1 ]; then
		printf '%s\n' "$1"
	else
		printf '%q ' "$@"
	fi > "$etc/mrc-command"
	(cd "$work/request" && find inject | cpio -o -H newc --quiet) |
		cat "$INITRD" "$overlay" - > "$out"
}

# Run a guest of the selected kernel until it ends. Its command's output goes
# to $1/out, its status to $1/status.
# $1: folder to work in, with initrd, $2: kernel log, $3: memory in MiB, rest:
# further options for QEMU
start_guest()
{
	local work=$1 log=$2 mem=$3

	shift 3
	# shellcheck disable=SC2046
	TMPDIR=$work exec qemu-system-x86_64 -machine q35 \
		$(accel_options "$accel") -smp "$SMP" -m "$mem" \
		-nodefaults -display none -no-reboot \
		-kernel "$KERNEL" -initrd "$work/initrd" \
		-append "$BOOT_OPTIONS $KERNEL_OPTIONS" \
		-drive "file=$IMAGE,format=raw,if=none,id=root,snapshot=on,cache=unsafe" \
		-device virtio-blk-pci,drive=root -device virtio-rng-pci \
		-virtfs "local,path=$TREE,mount_tag=src,security_model=none,readonly=on" \
		"$@" \
		-serial "file:$log" -device virtio-serial-pci \
		-chardev "file,id=out,path=$work/out" \
		-device virtserialport,chardev=out,name=out \
		-chardev "file,id=status,path=$work/status" \
		-device virtserialport,chardev=status,name=status \
		-chardev "socket,id=mon,path=$work/mon,server=on,wait=off" \
		-mon chardev=mon,mode=readline < /dev/null
}

# Lines of a kernel log that mean trouble, with what follows them.
# Returns 0 if there are any.
trouble_in()
{
	"$TREE/tests/vm/guest/ours" "$1" | grep -a -E -A 40 "$TROUBLE"
}

# An int3 trap that the kernel knows nothing of is QEMU's own mistake (it ran
# code that had been patched), not the kernel's.
emulator_fault()
{
	grep -q -a 'Oops: int3: 0000' "$1"
}

# Give QEMU's monitor a command. $1: its socket, $2: the command.
monitor()
{
	python3 - "$1" "$2" <<-'EOF' 2> /dev/null
	import socket, sys, time
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(2)
	s.connect(sys.argv[1])
	s.sendall(sys.argv[2].encode() + b"\n")
	time.sleep(0.5)
	EOF
}
