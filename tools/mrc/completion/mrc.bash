# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# bash completion for mrc(8). Words that follow come from the kernel where it
# knows them: devices, peers, netdevs.

_mrc_devices()
{
	mrc -j dev show 2> /dev/null | grep -o '"dev":"[^"]*"' | cut -d '"' -f 4
}

_mrc_peers()
{
	mrc -j peer show 2> /dev/null | grep -o '"peer":"[^"]*"' |
		cut -d '"' -f 4 | sort -u
}

# Words that may stand in place $1 (0: the object), after the words in $@.
_mrc_words()
{
	local settings='udp_port ordered_last icrc paths_per_plane spray_unit dscp_data dscp_control
		dscp_trimmable dscp_retx dscp_trimmed dscp_trimmed_lasthop
		ev_order oow_nack rto_exp plain_mpr plain_features'

	local parameters='algorithm trimming target initial limit gamma md_jump
		fi fi_scale eta alpha qa_gate qa_threshold adjust'

	case $* in
	'') echo 'dev port peer path qp profile cc srv6 stat monitor probe top save restore help' ;;
	dev) echo 'show set help' ;;
	port) echo 'show add set del help' ;;
	path) echo 'show deny allow help' ;;
	profile) echo 'show add set del use help' ;;
	cc) echo 'show set help' ;;
	srv6) echo 'show add del help' ;;
	peer | qp) echo 'show help' ;;
	*' state') echo 'up down' ;;
	*' netdev') ls /sys/class/net ;;
	*' peer' | probe) _mrc_peers ;;
	*' dev') _mrc_devices ;;
	*' plane' | *' path' | *' ev' | *' qpn' | *' count' | *' interval' | \
		*' timeout' | *' prefix' | *' block' | *' usids') ;;
	'dev set '*) echo "$settings" ;;
	'dev set' | 'port add' | 'port set' | 'port del' | 'path deny' | 'path allow' | \
		'dev show' | 'port show' | 'cc show' | 'cc set' | \
		'profile show' | 'profile add' | 'profile set' | \
		'profile del' | 'profile use' | 'srv6 show' | \
		'srv6 add' | 'srv6 del' | save)
		_mrc_devices ;;
	'profile add '* | 'profile set '*)
		echo 'name count active min_active reverse answers ev fields' ;;
	'profile del '* | 'profile use '*) echo name ;;
	'srv6 add '*) echo 'prefix block usids' ;;
	'srv6 del '*) echo prefix ;;
	'cc set '*) echo "$parameters" ;;
	'port add '*) echo 'netdev plane state' ;;
	'port set '*) echo 'netdev state' ;;
	'port del '*) echo 'netdev' ;;
	'path deny '* | 'path allow '*) echo 'peer local plane path ev' ;;
	'path show'*) _mrc_devices; echo 'peer plane detail' ;;
	'peer show'*) _mrc_devices; echo 'peer' ;;
	'qp show'*) _mrc_devices; echo 'peer qpn' ;;
	'probe '*) echo 'dev plane path ev count interval timeout' ;;
	stat*) _mrc_devices; echo '--prometheus' ;;
	monitor*) _mrc_devices; echo 'count' ;;
	top*) _mrc_devices; echo 'interval' ;;
	esac
}

_mrc()
{
	local cur=${COMP_WORDS[COMP_CWORD]} words=() word

	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == -* ]] || words+=("$word")
	done
	if [ "${words[*]}" = restore ] ||
		[[ ${COMP_WORDS[COMP_CWORD-1]} == @(-b|--batch) ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif [[ $cur == -* && ${#words[@]} -eq 0 ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
			'--json --pretty --details --version --batch --force --help' -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_mrc_words "${words[@]}")" -- "$cur")
	fi
}

complete -F _mrc mrc
