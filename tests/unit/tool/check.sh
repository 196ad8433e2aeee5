#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh MRC FAKE: words, help, completions and manual pages of the tool agree;
# FAKE, which is the tool with a kernel that is none (fake.c), draws a screen.
# The last line is "N passed, N failed".

set -u
mrc=$1 fake=$2
tree=$(cd "$(dirname "$0")/../../.." && pwd)
passed=0 failed=0

check()
{
	local name=$1

	shift
	if "$@" > /dev/null 2>&1; then
		echo "ok - $name"
		passed=$((passed + 1))
	else
		echo "not ok - $name"
		failed=$((failed + 1))
	fi
}

# What the bash completion offers as the last of these words.
offers()
{
	# shellcheck source=/dev/null
	. "$tree/tools/mrc/completion/mrc.bash"
	COMP_WORDS=(mrc "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_mrc
	printf '%s\n' "${COMPREPLY[@]}"
}

# The same from zsh's; a word may follow of those it prints.
# shellcheck disable=SC2120
zsh_offers()
{
	zsh -f -c '
		bashcompinit() { }
		compadd() { shift; print -l -- $@ }
		source <(grep -v "^complete " '"$tree"'/tools/mrc/completion/mrc.bash)
		_mrc_words "$@"' zsh "$@" | tr -s ' \t' '\n'
}

# One sentence, that names all possible words. $1: status, rest: arguments
refused()
{
	local want=$1 status

	shift
	"$mrc" "$@" > /dev/null 2> "$err"
	status=$?
	[ $status -eq "$want" ] && [ "$(wc -l < "$err")" -eq 1 ] &&
		grep -q '^mrc: ' "$err"
}

err=$(mktemp)
trap 'rm -f "$err"' EXIT

objects=$("$mrc" help | sed -n 's/^  \([a-z][a-z0-9]\{1,\}\) .*/\1/p')
check "help lists objects" [ "$(wc -w <<< "$objects")" -ge 11 ]
check "bash completes the objects" [ "$(offers '' | sort | xargs)" = \
	"$(printf '%s\n' $objects help | sort | xargs)" ]
check "zsh completes the objects" [ "$(zsh_offers | sort | xargs)" = \
	"$(printf '%s\n' $objects help | sort | xargs)" ]
check "zsh's completion is well formed" zsh -n "$tree/tools/mrc/completion/_mrc"
for object in $objects; do
	page=$tree/Documentation/man/mrc-$object.8
	check "$object has a manual page" test -s "$page"
	check "mrc(8) tells of $object" grep -q "B.* \"*$object" \
		"$tree/Documentation/man/mrc.8"
	check "$object has help" "$mrc" "$object" help
	commands=$("$mrc" "$object" help | sed -n "s/^  mrc $object \([a-z]*\).*/\1/p")
	case $object in
	dev | port | peer | path | qp | profile | cc | srv6) ;;
	*) continue ;;
	esac
	check "bash completes the commands of $object" [ \
		"$(offers "$object" '' | sort | xargs)" = \
		"$(printf '%s\n' $commands help | sort | xargs)" ]
	check "an unknown command of $object is refused" \
		refused 1 "$object" frobnicate
	for command in $commands; do
		check "unknown words of $object $command are refused" \
			refused 1 "$object" "$command" x frobnicate
	done
done
settings=$("$mrc" dev set x frobnicate 2>&1 | sed 's/.*possible: //')
check "bash completes the settings" [ \
	"$(offers dev set x '' | sort | xargs)" = \
	"$(printf '%s\n' $settings | sort | xargs)" ]
for setting in $settings; do
	check "mrc-dev(8) has $setting" grep -q "^.BR $setting \|^.BR.* $setting " \
		"$tree/Documentation/man/mrc-dev.8"
	check "help has $setting" eval "\"$mrc\" dev help | grep -qw $setting"
done
# The counters of a file that have a row in a table, with all its columns filled.
told()
{
	awk -F ' *[|] *' 'NF == 5 && /^. `/ && $3 != "" && $4 != "" {
			n = split($2, name, ", ")
			for (i = 1; i <= n; i++)
				print substr(name[i], 2, length(name[i]) - 2)
		}' "$1" | sort | xargs
}

check "counters.md tells what each counter means and what to do" [ \
	"$(told "$tree/Documentation/counters.md")" = \
	"$(awk '/define MRC_COUNTERS/, /^$/' "$tree/kernel/control/counters.h" |
		sed -n 's/^\tC(\([a-z_]*\)).*/\1/p' | sort | xargs)" ]
for page in "$tree"/Documentation/man/*; do
	if grep -q '^\.so ' "$page"; then
		check "${page##*/} stands for another page" test -s \
			"$tree/Documentation/man/$(sed 's,^.*/,,' "$page")"
		continue
	fi
	check "${page##*/} is well formed" eval "cd '$tree/Documentation' &&
		! man --warnings -l '$page' 2>&1 > /dev/null | grep ."
done
printf 'mrc dev set x icrc 1\nmrc dev set x colour 1\n' > "$err.file"
check "restore says which line is wrong" eval "\"$mrc\" restore $err.file 2>&1 |
	grep -q '$err.file:2: .*possible: ordered_last'"
rm -f "$err.file"
for form in "80 24" "200 50" "110 30" "64 20"; do
	# shellcheck disable=SC2086
	check "top on a terminal of ${form/ / x }" python3 \
		"$tree/tests/unit/tool/top.py" $form 8 "$fake" top interval 500
done
check "top refuses what is no terminal" refused 1 top
check "restore wants a file" refused 1 restore
check "monitor wants at least one" refused 1 monitor count 0
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
