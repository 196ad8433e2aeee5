# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Builds the module, the provider and the tool of this tree inside a guest's
# root, and lays out what a guest gets on top of its image. Objects stay in
# the cache, so a second build compiles only what was edited; the checkout is
# never written to.

# Folders of the tree, in the root: /build holds the copy and the objects,
# /stage what is to be injected into the guest.

# Run a command in the root, with the build folder and the provider's cache
# mounted, in a mount namespace that ends with it.
# $1: root, $2: build folder, rest: command.
in_root()
{
	local root=$1 build=$2

	shift 2
	mkdir -p "$CACHE/rdma-core" "$root/kernel"
	KERNELDIR=${KERNELDIR-} unshare -m --propagation private bash -c '
		root=$1 build=$2 cache=$3; shift 3
		mount --bind "$build" "$root/build" &&
		mount --bind "$cache" "$root/cache" &&
		{ [ -z "$KERNELDIR" ] ||
			mount --bind "$KERNELDIR" "$root/kernel"; } &&
		mount -t proc proc "$root/proc" &&
		mount --bind /dev "$root/dev" || exit 97
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			HOME=/root LANG=C.UTF-8 http_proxy="${http_proxy-}" \
			https_proxy="${https_proxy-}" "$@"
	' in_root "$root" "$build" "$CACHE/rdma-core" "$@"
}

# Folder of the cache for what is built of this tree for the chosen kernel.
build_dir()
{
	local dir

	# KDIR is the same of every kernel that was built here
	dir=$CACHE/build/$(key_of "$TREE" "$ROOT" "$KDIR" \
		${KERNELDIR:+"$KERNELDIR"})-$KVER
	mkdir -p "$dir"
	printf '%s\n' "$dir"
}

# Bring the copy of the tree up to date; objects and generated files stay.
copy_tree()
{
	local build=$1

	mkdir -p "$build/src" "$build/stage"
	rsync -a --delete --exclude=.git --exclude='*.o' --exclude='*.ko' \
		--exclude='*.mod' --exclude='*.mod.c' --exclude='*.cmd' \
		--exclude=Module.symvers --exclude=modules.order \
		--exclude='*.a' --exclude='*.so' --exclude='/build/' \
		--exclude=mrc-config.h --exclude=/tools/mrc/mrc \
		"$TREE/" "$build/src/" || die "cannot copy the tree"
}

# Build everything for the kernel that was selected. Leaves its result in
# $1/stage. $1: build folder, $2: parts to leave out, separated by commas
build_tree()
{
	local build=$1 without=,$2, part

	copy_tree "$build"
	for part in module provider tool tests; do
		case $without in
		*",$part,"*) continue ;;
		esac
		if ! "build_$part" "$build" > "$build/$part.log" 2>&1; then
			grep -E -B 2 -A 12 -i 'error|not ok|undefined' \
				"$build/$part.log" | head -n 60 >&2
			tail -n 5 "$build/$part.log" >&2
			die "building the $part failed ($build/$part.log)"
		fi
		if [ -s "$build/$part.log" ] &&
			grep -q '^skipped: ' "$build/$part.log"; then
			say "$(grep '^skipped: ' "$build/$part.log")"
		fi
	done
}

build_module()
{
	local build=$1

	if [ ! -e "$build/src/Kbuild" ]; then
		echo "skipped: no Kbuild, so no module"
		rm -rf "$build/stage/usr/lib/modules"
		return 0
	fi
	in_root "$BUILDROOT" "$build" make -C "$KDIR" M=/build/src \
		MRC_KUNIT="${MRC_KUNIT-}" modules || return
	# The index of modules is made anew only for a new module.
	if ! cmp -s "$build/src/mrc.ko" "$build/mrc.ko.last"; then
		stage_module "$build" || return
		cp "$build/src/mrc.ko" "$build/mrc.ko.last"
	fi
}

# Modules (mrc.ko, and those of tests that Kbuild names), stripped of what only
# a debugger on the host wants, with the index that lets modprobe find them by
# name and alias.
stage_module()
{
	local build=$1 modules ko

	modules=lib/modules/$KVER
	rm -rf "$build/modules" "$build/stage/usr/lib/modules"
	mkdir -p "$build/modules/lib/modules" "$build/stage/usr/$modules/updates"
	cp -a "$MODULES" "$build/modules/$modules" || return
	mkdir -p "$build/modules/$modules/updates"
	for ko in $(cd "$build/src" && find . -name '*.ko'); do
		in_root "$BUILDROOT" "$build" strip --strip-debug \
			-o "/build/modules/$modules/updates/${ko##*/}" \
			"/build/src/$ko" || return
	done
	in_root "$BUILDROOT" "$build" depmod -b /build/modules "$KVER" || return
	cp "$build/modules/$modules"/modules.* "$build/stage/usr/$modules/" &&
	cp "$build/modules/$modules"/updates/*.ko \
		"$build/stage/usr/$modules/updates/" &&
	rm -rf "$build/modules"
}

build_provider()
{
	local build=$1 lib

	lib=$build/stage/usr/lib/x86_64-linux-gnu/libibverbs
	if ! compgen -G "$build/src/provider/*.c" > /dev/null; then
		echo "skipped: no sources in provider/, so no provider"
		return 0
	fi
	mkdir -p "$build/provider" "$lib" "$build/stage/etc/libibverbs.d"
	in_root "$ROOT" "$build" /build/src/provider/build --cache /cache \
		--output /build/provider || return
	cp "$build/provider/libmrc-rdmav34.so" "$lib/" &&
	printf 'driver mrc\n' > "$build/stage/etc/libibverbs.d/mrc.driver"
}

build_tool()
{
	local build=$1

	if [ ! -e "$build/src/tools/mrc/Makefile" ]; then
		echo "skipped: no tools/mrc/Makefile, so no tool"
		return 0
	fi
	in_root "$ROOT" "$build" make -C /build/src/tools/mrc || return
	mkdir -p "$build/stage/usr/sbin"
	cp "$build/src/tools/mrc/mrc" "$build/stage/usr/sbin/mrc"
}

# Programs that system tests run in the guest: a folder below tests/ with a
# Makefile that has the target "guest" installs them there.
build_tests()
{
	local build=$1 file

	mkdir -p "$build/stage/usr/local/bin"
	for file in "$build"/src/tests/*/Makefile; do
		[ -e "$file" ] || continue
		grep -q '^guest:' "$file" || continue
		in_root "$ROOT" "$build" make \
			-C "/build/src/tests/$(basename "$(dirname "$file")")" \
			guest DESTDIR=/build/stage || return
	done
}

# The program of the switches' ports, for topologies that have queues. $1: build
# folder, $2: topology
build_queues()
{
	local lib=$1/stage/usr/local/lib/mrc

	case $2 in
	clos-srv6 | incast) ;;
	*) return 0 ;;
	esac
	need clang:clang || return
	mkdir -p "$lib"
	clang -target bpf -O2 -g -Wall -Wextra -I "$TREE/include" \
		-I "/usr/include/$(uname -m)-linux-gnu" \
		-c "$TREE/tests/fabric/queue.bpf.c" -o "$lib/queue.o"
}

# Everything that goes on top of the image, as a cpio archive for the
# initramfs. $1: build folder, $2: file to write.
pack_stage()
{
	local dir=$1/overlay lib

	lib=$dir/inject/usr/local/lib/mrc
	rm -rf "$dir"
	mkdir -p "$dir/inject"
	cp -a "$1/stage/." "$dir/inject/"
	mkdir -p "$dir/inject/usr/local/bin" "$lib"
	cp "$TREE"/tests/vm/guest/{start,suite,ours} "$lib/"
	printf '%s\n' "$TROUBLE" > "$lib/trouble"
	cp "$TREE"/tests/fabric/*.sh "$lib/"
	cp "$TREE"/tests/fabric/{on,fault,queue} "$dir/inject/usr/local/bin/"
	chmod 755 "$lib"/{start,suite,ours} \
		"$dir/inject/usr/local/bin"/{on,fault,queue}
	(cd "$dir" && find . | cpio -o -H newc --quiet) > "$2"
	rm -rf "$dir"
}
