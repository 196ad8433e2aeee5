# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The guest's kernel: which image, which modules, and the small initramfs that
# mounts the root and puts what was built from this tree on top of it.

# Modules that the initramfs loads before it can mount the root.
BOOT_MODULES=(virtio_pci virtio_blk virtio_console ext4 9pnet_virtio 9p)

# Version (uname -r) of the kernel in a root directory.
kernel_version()
{
	local dir

	for dir in "$1"/usr/lib/modules/*-amd64; do
		[ -d "$dir/kernel" ] && printf '%s\n' "${dir##*/}" && return
	done
	die "no kernel in $1"
}

kernel_image()
{
	printf '%s/boot/vmlinuz-%s\n' "$1" "$2"
}

# Initramfs of a root directory and kernel version. $1: root, $2: version.
boot_initrd()
{
	local out

	out=$CACHE/initrd/$2-$(key_of "$1" "$2" \
		"$(declare -f build_initrd)" "${BOOT_MODULES[*]}" "@$TREE/tests/vm/guest/init").cpio
	if [ ! -e "$out" ]; then
		with_lock "initrd-$2" build_initrd "$1" "$2" "$out" || return
	fi
	printf '%s\n' "$out"
}

build_initrd()
{
	local root=$1 kver=$2 out=$3 dir mod path

	[ ! -e "$out" ] || return 0
	mkdir -p "$(dirname "$out")"
	dir=$(mktemp -d)
	mkdir -p "$dir"/{bin,dev,proc,sys,mod,root}
	cp "$root/bin/busybox" "$dir/bin/busybox"
	install -m 755 "$TREE/tests/vm/guest/init" "$dir/init"
	: > "$dir/mod/order"
	for mod in "${BOOT_MODULES[@]}"; do
		chroot "$root" /sbin/modprobe -S "$kver" --show-depends "$mod" \
			2> /dev/null | sed -n 's/^insmod //p' | sed 's/ .*//'
	done | awk '!seen[$0]++' > "$dir/mod/list"
	while read -r path; do
		mod=$(basename "$path")
		case $mod in
		*.xz) mod=${mod%.xz}; xz -dc "$root$path" > "$dir/mod/$mod" ;;
		*.zst) mod=${mod%.zst}; zstd -qdc "$root$path" > "$dir/mod/$mod" ;;
		*) cp "$root$path" "$dir/mod/$mod" ;;
		esac
		echo "$mod" >> "$dir/mod/order"
	done < "$dir/mod/list"
	(cd "$dir" && find . | cpio -o -H newc --quiet) > "$out.tmp"
	rm -rf "$dir"
	mv "$out.tmp" "$out"
}

# Decide what to boot. Sets ROOT (directory), IMAGE, KVER, KERNEL (image),
# INITRD, KDIR (kernel build folder as seen in the root), KERNEL_OPTIONS.
# $1: kernel, $2: 1 for the debug kernel, $3: extra packages
select_kernel()
{
	KERNEL_OPTIONS=
	ROOT=$(root_dir "$1" "$3") || return
	IMAGE=$(root_image "$ROOT") || return
	case $1-$2 in
	6.12-0 | 6.1-0)
		KVER=$(kernel_version "$ROOT") || return
		KERNEL=$(kernel_image "$ROOT" "$KVER")
		INITRD=$(boot_initrd "$ROOT" "$KVER") || return
		KDIR=/lib/modules/$KVER/build
		;;
	*)
		die "no such kernel: $1$([ "$2" = 0 ] || echo ' with --debug')"
		;;
	esac
}
