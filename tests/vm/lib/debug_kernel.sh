# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The debug kernel: Debian's kernel source with debug.config, built inside the
# guest's root so that modules are built by the same compiler. About ten
# minutes on two cores, once. With RACES=1 kcsan.config goes on top, for another
# kernel.

RACES=0

# Its folder in the cache: vmlinuz, the build tree for modules, and its own
# modules. $1: root directory
debug_kernel()
{
	local dir made_of=("@$TREE/tests/vm/debug.config")

	[ "$RACES" = 0 ] || made_of+=("@$TREE/tests/vm/kcsan.config")
	dir=$CACHE/kernel/debug-$(key_of "${made_of[@]}")
	if [ ! -e "$dir/vmlinuz" ]; then
		with_lock kernel-debug build_debug_kernel "$1" "$dir" || return
	fi
	printf '%s\n' "$dir"
}

# What the debug kernel is to have: the later word about an option counts.
debug_config()
{
	local files=("$TREE/tests/vm/debug.config")

	[ "$RACES" = 0 ] || files=("$TREE/tests/vm/kcsan.config" "${files[@]}")
	awk '{ name = $0; sub(/^# /, "", name); sub(/[ =].*/, "", name) }
		name !~ /^CONFIG_/ { next }
		!(name in said) { print }
		{ said[name] = 1 }' "${files[@]}"
}

# Debian's package of the kernel's source.
kernel_source()
{
	local deb

	deb=$(compgen -G "$CACHE/deb/linux-source-6.12_*.deb")
	if [ -z "$deb" ]; then
		fetch_debs trixie "$CACHE/deb" linux-source-6.12 ||
			die "cannot fetch linux-source-6.12"
		deb=$(compgen -G "$CACHE/deb/linux-source-6.12_*.deb")
	fi
	printf '%s\n' "$deb"
}

# The kernel's style checker, which no other package has.
checkpatch()
{
	local dir=$CACHE/checkpatch

	if [ ! -e "$dir/scripts/checkpatch.pl" ]; then
		with_lock checkpatch unpack_checkpatch "$dir" || return
	fi
	printf '%s\n' "$dir/scripts/checkpatch.pl"
}

unpack_checkpatch()
{
	local dir=$1 deb

	[ ! -e "$dir/scripts/checkpatch.pl" ] || return 0
	deb=$(kernel_source) || return
	rm -rf "$dir.tmp"
	mkdir -p "$dir.tmp"
	dpkg --fsys-tarfile "$deb" |
		tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$dir.tmp" --strip-components 1 --wildcards \
			'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
			'*/scripts/const_structs.checkpatch' || return
	mv "$dir.tmp" "$dir"
}

build_debug_kernel()
{
	local root=$1 dir=$2 deb missing

	[ ! -e "$dir/vmlinuz" ] || return 0
	say "building the debug kernel (about ten minutes, log $dir.log)"
	mkdir -p "$CACHE/kernel"
	deb=$(kernel_source) || return
	if [ ! -e "$dir/source/Makefile" ]; then
		mkdir -p "$dir/source"
		dpkg --fsys-tarfile "$deb" |
			tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
			tar -xJ -C "$dir/source" --strip-components 1 ||
			die "cannot unpack $deb"
	fi
	debug_config > "$dir/debug.config"
	in_root "$root" "$dir" nice -n 19 bash -c '
		set -e
		cd /build/source
		make -s tinyconfig
		KCONFIG_CONFIG=.config scripts/kconfig/merge_config.sh -m -Q \
			.config ../debug.config
		make -s olddefconfig' > "$dir.log" 2>&1 ||
		die "cannot configure the debug kernel ($dir.log)"
	missing=$(grep -vxFf "$dir/source/.config" "$dir/debug.config" |
		grep -E '^(CONFIG_|# CONFIG_)')
	while read -r line; do
		case $line in
		"# CONFIG_"*" is not set")
			# What does not exist at all is not set either.
			line=${line#\# }
			grep -q "^${line% is not set}=" "$dir/source/.config" ||
				continue
			;;
		"") continue ;;
		esac
		die "the debug kernel came out without $line"
	done <<< "$missing"
	in_root "$root" "$dir" nice -n 19 bash -c '
		set -e
		cd /build/source
		make -s -j"$(nproc)" bzImage modules
		rm -rf ../modules
		make -s modules_install INSTALL_MOD_PATH=/build/modules
		rm -f ../modules/lib/modules/*/build' >> "$dir.log" 2>&1 || {
		tail -n 20 "$dir.log" >&2
		die "cannot build the debug kernel ($dir.log)"
	}
	# Modules need headers, scripts and symbol versions, not the sources'
	# objects.
	find "$dir/source" \( -name '*.o' -o -name '*.a' \) \
		! -path '*/scripts/*' ! -path '*/tools/*' -delete
	cp "$dir/source/include/config/kernel.release" "$dir/version"
	cp "$dir/source/arch/x86/boot/bzImage" "$dir/vmlinuz"
}

# Without ACPI a guest has no timer to measure the CPU's time stamp counter by,
# so it is told what the host's is, which is the one that it sees.
# $1: root directory, for its compiler
tsc_khz()
{
	local file

	file=$CACHE/accel/tsc-$(key_of "@/proc/sys/kernel/random/boot_id")
	if [ ! -s "$file" ]; then
		mkdir -p "$CACHE/accel"
		chroot "$1" sh -c '
			gcc -O2 -o /tmp/tsc -x c - && /tmp/tsc
			rm -f /tmp/tsc' > "$file" <<-EOF
		#include <stdio.h>
		#include <time.h>
		#include <x86intrin.h>

		int main(void)
		{
			struct timespec a, b;
			unsigned long long t = __rdtsc();

			clock_gettime(CLOCK_MONOTONIC, &a);
			do {
				clock_gettime(CLOCK_MONOTONIC, &b);
			} while (b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9 < 0.2);
			t = __rdtsc() - t;
			printf("%.0f\\n", t / ((b.tv_sec - a.tv_sec) * 1e3 +
					      (b.tv_nsec - a.tv_nsec) / 1e6));
			return 0;
		}
		EOF
	fi
	cat "$file"
}
