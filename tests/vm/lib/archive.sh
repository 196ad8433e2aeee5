# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Debian's archive as the host knows it. Guests may need other suites than the
# host's; they are fetched from the mirror that the host's apt is set to use,
# and the host's own configuration is not touched.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# The mirror's base address, taken from apt.
mirror()
{
	local uri

	uri=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' \
		'Label: Debian' 2> /dev/null | head -n 1)
	if [ -z "$uri" ]; then
		apt-get -q update > /dev/null 2>&1
		uri=$(apt-get indextargets --format '$(SITE)' \
			'Created-By: Packages' 'Label: Debian' 2> /dev/null |
			head -n 1)
	fi
	[ -n "$uri" ] || die "apt names no Debian mirror"
	printf '%s\n' "${uri%/}"
}

# A keyring that also holds the keys of suites newer than the host. A Debian
# release is signed by the keys of the two before it too, so the host's own
# keyring is enough for anything up to sid; only say so when it is missing.
keyring()
{
	[ -r "$KEYRING" ] || die "please install: debian-archive-keyring"
	printf '%s\n' "$KEYRING"
}

# Download packages of a suite without touching the host's apt state.
# $1: suite, $2: destination, rest: package names.
fetch_debs()
{
	local suite=$1 dest=$2 state=$CACHE/apt/$1 opts

	shift 2
	mkdir -p "$dest" "$state/lists/partial" "$state/cache/archives/partial"
	printf 'deb [signed-by=%s] %s %s main\n' "$(keyring)" "$(mirror)" \
		"$suite" > "$state/sources.list"
	opts=(-q -o "Dir::State=$state" -o "Dir::State::lists=$state/lists"
		-o Dir::State::status=/dev/null -o "Dir::Cache=$state/cache"
		-o "Dir::Etc::sourcelist=$state/sources.list"
		-o Dir::Etc::sourceparts=- -o APT::Architecture=amd64
		-o APT::Sandbox::User=root)
	apt-get "${opts[@]}" update >&2 || return
	(cd "$dest" && apt-get "${opts[@]}" download "$@") >&2
}

# Depends field of a package of a suite that fetch_debs has seen.
deb_depends()
{
	local suite=$1 state=$CACHE/apt/$1

	apt-cache -o "Dir::State=$state" -o "Dir::State::lists=$state/lists" \
		-o Dir::State::status=/dev/null -o "Dir::Cache=$state/cache" \
		-o "Dir::Etc::sourcelist=$state/sources.list" \
		-o Dir::Etc::sourceparts=- show "$2" |
		sed -n 's/^Depends: //p' | head -n 1
}
