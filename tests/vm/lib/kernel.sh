# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The guest's kernel: which image, which modules, and the small initramfs that
# mounts the root and puts what was built from this tree on top of it.

# Modules that the initramfs loads before it can mount the root.
BOOT_MODULES=(virtio_pci virtio_blk virtio_console crc32c_generic ext4
	9pnet_virtio 9p)

# Version (uname -r) of the kernel in a root directory.
kernel_version()
{
	local dir

	for dir in "$1"/usr/lib/modules/*-amd64; do
		[ -d "$dir/kernel" ] && printf '%s\n' "${dir##*/}" && return
	done
	die "no kernel in $1"
}

# Initramfs for a kernel. $1: root (for busybox), $2: version, $3: its modules
boot_initrd()
{
	local out

	out=$CACHE/initrd/$2-$(key_of "$1" "$2" "$3" \
		"$(declare -f build_initrd)" "${BOOT_MODULES[*]}" \
		"@$TREE/tests/vm/guest/init").cpio
	if [ ! -e "$out" ]; then
		with_lock "initrd-$2" build_initrd "$1" "$3" "$out" || return
	fi
	printf '%s\n' "$out"
}

# A module's file and those that it needs, in the order of loading. Nothing for
# what is built in. $1: modules folder, $2: module
module_files()
{
	awk -v name="$2" '{
		file = $1
		sub(/:$/, "", file)
		base = file
		sub(/.*\//, "", base)
		sub(/\.ko.*/, "", base)
		gsub(/-/, "_", base)
		if (base == name)
			for (i = NF; i > 0; i--) {
				sub(/:$/, "", $i)
				print $i
			}
	}' "$1/modules.dep"
}

build_initrd()
{
	local root=$1 modules=$2 out=$3 dir mod file

	[ ! -e "$out" ] || return 0
	mkdir -p "$(dirname "$out")"
	dir=$(mktemp -d)
	mkdir -p "$dir"/{bin,dev,proc,sys,mod,root}
	cp "$root/bin/busybox" "$dir/bin/busybox"
	install -m 755 "$TREE/tests/vm/guest/init" "$dir/init"
	: > "$dir/mod/order"
	for mod in "${BOOT_MODULES[@]}"; do
		module_files "$modules" "$mod"
	done | awk '!seen[$0]++' > "$dir/mod/files"
	while read -r file; do
		mod=$(basename "$file")
		case $mod in
		*.xz) mod=${mod%.xz}; xz -dc "$modules/$file" ;;
		*.zst) mod=${mod%.zst}; zstd -qdc "$modules/$file" ;;
		*) cat "$modules/$file" ;;
		esac > "$dir/mod/module"
		mv "$dir/mod/module" "$dir/mod/$mod"
		echo "$mod" >> "$dir/mod/order"
	done < "$dir/mod/files"
	(cd "$dir" && find . | cpio -o -H newc --quiet) > "$out.tmp"
	rm -rf "$dir"
	mv "$out.tmp" "$out"
}

# Decide what to boot. Sets ROOT (directory), IMAGE, KVER, KERNEL (image),
# INITRD, KDIR (kernel build folder as seen where modules are built), BUILDROOT
# (where modules are built), KERNELDIR (what /kernel is there), MODULES (the
# kernel's own), KERNEL_OPTIONS and SMP (QEMU's).
# $1: kernel, $2: 1 for the debug kernel, $3: extra packages
select_kernel()
{
	local dir

	KERNEL_OPTIONS='' KERNELDIR='' SMP=2
	ROOT=$(root_dir "$1" "$3") || return
	BUILDROOT=$ROOT
	case $1-$2 in
	6.12-0 | 6.1-0)
		KVER=$(kernel_version "$ROOT") || return
		KERNEL=$ROOT/boot/vmlinuz-$KVER
		KDIR=/lib/modules/$KVER/build
		MODULES=$ROOT/usr/lib/modules/$KVER
		;;
	6.12-1)
		# Made with the plain root, whatever else this guest holds.
		BUILDROOT=$(root_dir "$1" "") || return
		dir=$(debug_kernel "$BUILDROOT") || return
		KVER=$(cat "$dir/version")
		KERNEL=$dir/vmlinuz
		KDIR=/kernel/source
		KERNELDIR=$dir
		MODULES=$dir/modules/lib/modules/$KVER
		# The MP table names one processor of each socket.
		SMP=2,sockets=2,cores=1,threads=1
		KERNEL_OPTIONS="acpi=off tsc=reliable"
		KERNEL_OPTIONS+=" tsc_early_khz=$(tsc_khz "$BUILDROOT")"
		# guest/start turns KCSAN on; the other CPU is an emulated one
		[ "$RACES" = 0 ] || KERNEL_OPTIONS+=" kcsan.early_enable=0 kcsan.udelay_interrupt=100"
		;;
	7.2-0)
		BUILDROOT=$(sid_root) || return
		KVER=$(kernel_version "$BUILDROOT") || return
		KERNEL=$BUILDROOT/boot/vmlinuz-$KVER
		KDIR=/lib/modules/$KVER/build
		MODULES=$BUILDROOT/usr/lib/modules/$KVER
		;;
	*)
		die "no such kernel: $1$([ "$2" = 0 ] || echo ' with --debug')"
		;;
	esac
	INITRD=$(boot_initrd "$ROOT" "$KVER" "$MODULES") || return
	IMAGE=$(root_image "$ROOT" "$KVER" "$MODULES")
}
