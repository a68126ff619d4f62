# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of balloonctl for bash. Commands, options and the words for their values come from
# balloonctl's --help, so this file has no list of them. Names and ids come from the daemon; when
# the daemon does not answer, there are none, and no error is printed.

_balloonctl_ask() {
	timeout 2 balloonctl ${socket:+--socket "$socket"} --json "$@" 2>/dev/null | tr '{' '\n'
}

_balloonctl_domains() {
	_balloonctl_ask status | sed -n 's/^"domid":[0-9]*,"name":"\([^"\\]*\)".*/\1/p'
}

_balloonctl_claims() {
	_balloonctl_ask claims | sed -n 's/^"id":"\([0-9a-f-]*\)".*/\1/p'
}

# Candidates, one a line, that begin with $cur; a blank within one is kept.
_balloonctl_offer() {
	local line
	while IFS= read -r line; do
		[[ $line == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
	done
}

# Sets $value to the word in $help for the value of option $1. Fails when the option takes none.
_balloonctl_takes_value() {
	[[ $help =~ $'\n'"  "(-., )?" "*"$1 "([^[:space:]]+) ]] && value=${BASH_REMATCH[2]}
}

# The long options in $help, sorted. In the help of balloonctl itself a short option or blanks
# stand before them.
_balloonctl_options() {
	sed -n -e 's/^  \(-., \|    \)\{0,1\}\(--[a-z-]*\)[ [].*/\2/p' | LC_ALL=C sort
}

_balloonctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local verb='' sub='' socket='' help='' takes='' value='' args=0 i word

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-s | --socket) socket=${COMP_WORDS[++i]} ;;
		-*) _balloonctl_takes_value "$word" && ((++i)) ;;
		*)
			if [[ -z $verb ]]; then
				verb=$word help=$(balloonctl "$verb" --help 2>/dev/null)
				read -r _ _ _ takes _ <<<"$help"
			elif [[ $takes == *'|'* && -z $sub ]]; then
				sub=$word
			else
				((++args))
			fi
			;;
		esac
	done

	case $prev in
	-s | --socket)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-*)
		if _balloonctl_takes_value "$prev"; then
			case $value in
			*'|'*) _balloonctl_offer <<<"${value//|/$'\n'}" ;;
			ID) _balloonctl_offer < <(_balloonctl_claims) ;;
			esac
			return
		fi
		;;
	esac

	if [[ $cur == -* ]]; then
		_balloonctl_offer < <(_balloonctl_options <<<"$help"; balloonctl --help | _balloonctl_options)
		return
	fi
	case $takes in
	'') [[ $verb ]] || _balloonctl_offer < <(balloonctl --help | sed -n 's/^  \([a-z]\{1,\}\) .*/\1/p') ;;
	'[DOMAIN...]') _balloonctl_offer < <(_balloonctl_domains) ;;
	DOMAIN) ((args == 0)) && _balloonctl_offer < <(_balloonctl_domains) ;;
	ID...) _balloonctl_offer < <(_balloonctl_claims) ;;
	ID | '[ID]') ((args == 0)) && _balloonctl_offer < <(_balloonctl_claims) ;;
	*'|'*)
		if [[ -z $sub ]]; then
			_balloonctl_offer <<<"${takes//|/$'\n'}"
		elif [[ $sub != create ]] && ((args == 0)); then
			_balloonctl_offer < <(_balloonctl_domains)
		elif [[ $sub == set ]]; then
			compopt -o nospace 2>/dev/null
			_balloonctl_offer <<<$'behaviour=\nmin=\nrate=\nstatic-max=\ntelemetry=\nused='
		fi
		;;
	esac
	return 0
}
complete -F _balloonctl balloonctl
