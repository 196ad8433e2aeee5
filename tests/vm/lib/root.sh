# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The guest's root file system: a directory in which the module, the provider
# and the tool are built (chroot), and an ext4 image of it that guests boot
# from. Both are cached under a name that says what they are made of.

# What a guest holds besides the kernel.
ROOT_PACKAGES=(
	# verbs and its programs
	rdma-core ibverbs-providers ibverbs-utils rdmacm-utils perftest
	python3-pyverbs
	# network
	iproute2 iputils-ping iperf3 tcpdump ethtool nftables python3-scapy
	# to look inside
	bpftool linux-perf strace gdb procps psmisc jq bc
	# to load
	kmod busybox-static stress-ng
	# to build the module, the provider and the tool
	gcc make libc6-dev cmake pkg-config bison flex libelf-dev libssl-dev
	libnl-3-dev libnl-genl-3-dev libnl-route-3-dev libibverbs-dev
	librdmacm-dev xz-utils dwarves ca-certificates
)

# Modules of these kernel folders stay in the image: a guest has no hardware,
# and depmod is ten times faster without the rest.
ROOT_MODULES='^kernel/(arch|block|crypto|lib|net|mm|security|fs)/|^kernel/drivers/(infiniband|block|char/(hw_random|virtio)|crypto|dma-buf|net/[^/]*\.ko|net/(bonding|ipvlan|macvlan|netdevsim|team|vxlan|geneve|wireguard|vrf)|nvme|target|virtio|vhost|vfio|scsi/[^/]*\.ko|md|perf|ptp|pps)'

suite_of()
{
	case $1 in
	6.1) echo bookworm ;;
	*) echo trixie ;;
	esac
}

# Build a root directory. $1: suite, $2: destination, rest: extra packages.
build_root()
{
	local suite=$1 dir=$2 tmp=$2.tmp packages

	shift 2
	packages=$(IFS=,; echo "${ROOT_PACKAGES[*]}")
	packages+=,linux-image-amd64,linux-headers-amd64
	[ $# -eq 0 ] || packages+=$(printf ',%s' "$@")
	say "building the $suite root (about two minutes)"
	rm -rf "$tmp"
	mkdir -p "$(dirname "$dir")"
	mmdebstrap --mode=root --variant=minbase --quiet \
		--include="$packages" --keyring="$(keyring)" \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$suite" "$tmp" "deb $(mirror) $suite main" \
		> "$CACHE/root.log" 2>&1 || {
		tail -n 20 "$CACHE/root.log" >&2
		die "mmdebstrap failed"
	}
	trim_modules "$tmp"
	mkdir -p "$tmp"/{src,mnt/share,build,cache,kernel}
	mv "$tmp" "$dir"
}

# Drop drivers of hardware that a guest never has. $1: root directory.
trim_modules()
{
	local dir kver

	for dir in "$1"/usr/lib/modules/*; do
		[ -d "$dir/kernel" ] || continue
		kver=${dir##*/}
		(cd "$dir" && find kernel -name '*.ko*' |
			grep -Ev "$ROOT_MODULES" | xargs -r rm -f)
		depmod_in "$1" "$kver"
	done
}

depmod_in()
{
	chroot "$1" /sbin/depmod "$2"
}

# The directory of the root for a kernel and a list of extra packages; built
# when it is not there. $1: kernel, $2: packages separated by commas.
root_dir()
{
	local suite extra dir

	suite=$(suite_of "$1")
	IFS=, read -ra extra <<< "$2"
	dir=$CACHE/root/$suite-$(key_of "$suite" "${extra[*]}" \
		"${ROOT_PACKAGES[*]}" "$ROOT_MODULES" \
		"$(declare -f build_root trim_modules)")
	if [ ! -d "$dir" ]; then
		with_lock "root-$suite" root_dir_locked "$suite" "$dir" \
			"${extra[@]}" || return
	fi
	printf '%s\n' "$dir"
}

root_dir_locked()
{
	[ -d "$2" ] || build_root "$@"
}

# The image of a root directory, which guests open read-only and write into a
# snapshot. $1: root directory, $2: kernel version, $3: the kernel's modules, if
# they are not those of the root
root_image()
{
	local name=${1##*/} image

	if [ "$3" != "$1/usr/lib/modules/$2" ]; then
		name+=-$(key_of "$3")
	fi
	image=$CACHE/image/$name.ext4
	if [ ! -e "$image" ]; then
		with_lock "image-$name" build_image "$1" "$2" "$3" "$image" ||
			return
	fi
	printf '%s\n' "$image"
}

build_image()
{
	local root=$1 kver=$2 modules=$3 image=$4 dir=$1 size

	[ ! -e "$image" ] || return 0
	say "making the image ${image##*/}"
	mkdir -p "$(dirname "$image")"
	if [ "$modules" != "$root/usr/lib/modules/$kver" ]; then
		# The same files, with another kernel's modules.
		dir=$image.root
		rm -rf "$dir"
		cp -al "$root" "$dir" &&
		rm -rf "$dir/usr/lib/modules" &&
		mkdir "$dir/usr/lib/modules" &&
		cp -a "$modules" "$dir/usr/lib/modules/$kver" || return
	fi
	size=$(($(du -sm "$dir" | cut -f 1) * 3 / 2 + 1024))
	rm -f "$image.tmp"
	mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$dir" "$image.tmp" \
		"${size}M" >&2 || die "mke2fs failed"
	rm -rf "$image.root"
	mv "$image.tmp" "$image"
}

# A small root of Debian sid, for its kernel and the compiler that belongs to
# the kernel's headers.
sid_root()
{
	local dir

	dir=$CACHE/root/sid-$(key_of "$ROOT_MODULES" \
		"$(declare -f build_sid_root trim_modules)")
	if [ ! -d "$dir" ]; then
		with_lock root-sid build_sid_root "$dir" || return
	fi
	printf '%s\n' "$dir"
}

build_sid_root()
{
	local dir=$1 tmp=$1.tmp

	[ ! -d "$dir" ] || return 0
	say "fetching sid's kernel and compiler (about two minutes)"
	rm -rf "$tmp"
	mkdir -p "$(dirname "$dir")"
	# A mirror that is not renewed every day is good enough.
	mmdebstrap --mode=root --variant=minbase \
		--include=linux-image-amd64,linux-headers-amd64,gcc,make,kmod \
		--keyring="$(keyring)" \
		--aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Check-Valid-Until "false"' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		sid "$tmp" "deb $(mirror) sid main" \
		> "$CACHE/root-sid.log" 2>&1 || {
		tail -n 20 "$CACHE/root-sid.log" >&2
		die "mmdebstrap failed"
	}
	trim_modules "$tmp"
	mkdir -p "$tmp"/{build,cache,kernel}
	mv "$tmp" "$dir"
}
