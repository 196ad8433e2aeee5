# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every other file here uses: messages, the cache, locks, hashes and
# the packages that the host must have.

TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
CACHE=${MRC_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mrc}

say()
{
	printf 'vm: %s\n' "$*" >&2
}

die()
{
	say "$*"
	exit 98
}

# Name of a cache entry from everything that it is made of.
# $@: strings; files are named as @FILE.
key_of()
{
	local arg

	for arg in "$@"; do
		case $arg in
		@*) cat "${arg#@}" ;;
		*) printf '%s\n' "$arg" ;;
		esac
	done | sha256sum | cut -c 1-12
}

# Run a function or command with an exclusive lock: several runs may start at
# the same time, only one of them builds.
with_lock()
{
	local name=$1 fd

	shift
	mkdir -p "$CACHE/lock"
	exec {fd}> "$CACHE/lock/$name"
	if ! flock -n "$fd"; then
		say "waiting for another run ($name)"
		flock "$fd"
	fi
	"$@"
	local status=$?
	exec {fd}>&-
	return $status
}

# COMMAND:PACKAGE or /FILE:PACKAGE pairs; missing ones are installed by root,
# else named.
need()
{
	local pair missing=()

	for pair in "$@"; do
		case $pair in
		/*) [ -e "${pair%%:*}" ] ;;
		*) PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}" > /dev/null ;;
		esac || missing+=("${pair#*:}")
	done
	[ ${#missing[@]} -eq 0 ] && return
	if [ "$(id -u)" -ne 0 ]; then
		die "please install: ${missing[*]}"
	fi
	say "installing ${missing[*]}"
	{
		apt-get -q update &&
		DEBIAN_FRONTEND=noninteractive apt-get -q -y \
			--no-install-recommends install "${missing[@]}"
	} >&2 || die "cannot install: ${missing[*]}"
}

need_host_tools()
{
	export PATH=$PATH:/usr/sbin:/sbin
	need qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap \
		mke2fs:e2fsprogs rsync:rsync cpio:cpio xz:xz-utils \
		zstd:zstd flock:util-linux python3:python3
	if [ "$(id -u)" -ne 0 ]; then
		die "must run as root: the guest's root is built with chroot"
	fi
}
