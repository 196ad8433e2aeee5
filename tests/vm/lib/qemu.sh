# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Booting a guest and listening to it.

# What the kernel says when something is wrong with it.
TROUBLE='WARNING: |BUG: |BUG at |kernel BUG|Oops|KASAN: |UBSAN: |KCSAN: |general protection fault|Kernel panic|possible recursive locking|possible circular locking|inconsistent lock state|suspicious RCU usage|INFO: rcu|rcu: INFO|blocked for more than|soft lockup|hard LOCKUP|unreferenced object|refcount_t: |DEBUG_LOCKS_WARN|scheduling while atomic|sleeping function called|list_(add|del) corruption|ODEBUG: |kobject: .* is not initialized|page allocation failure|Unable to handle|unregister_netdevice: waiting for'

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

# Lines of a kernel log that mean trouble, with what follows them.
# Returns 0 if there are any.
trouble_in()
{
	grep -a -E -A 40 "$TROUBLE" "$1"
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
