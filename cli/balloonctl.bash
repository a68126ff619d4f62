# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of balloonctl for bash. Names and ids are asked of the daemon;
# when it does not answer there are none, and nothing is said.

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

_balloonctl() {
	local global='--help --json --no-color --quiet --socket --version'
	local verbs='status claim claims release renew run set forget plan explain rebalance pause resume monitor ping sim'
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local verb='' sub='' socket='' options='' args=0 i word

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-s | --socket) socket=${COMP_WORDS[++i]} ;;
		--id | --name | --uuid | --node | --min | --max | --overhead | --wait | --ttl | \
			--weight | --mode | --since | --claim) ((++i)) ;;
		-*) ;;
		*)
			if [[ -z $verb ]]; then
				verb=$word
			elif [[ $verb == sim && -z $sub ]]; then
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
	--mode)
		_balloonctl_offer <<<$'auto\nmanual\nignore'
		return
		;;
	--claim)
		_balloonctl_offer < <(_balloonctl_claims)
		return
		;;
	--id | --name | --uuid | --node | --min | --max | --overhead | --wait | --ttl | --weight | --since)
		return
		;;
	esac

	case $verb in
	claim) options='--id --min --name --no-wait --node --now --overhead --ttl --uuid --wait' ;;
	monitor) options=--since ;;
	plan) options=--overhead ;;
	renew) options=--ttl ;;
	run) options='--claim --no-preclaim --wait' ;;
	set) options='--max --min --mode --no-persist --weight' ;;
	sim) options='--claim --max --uuid' ;;
	status) options=--watch ;;
	esac
	# shellcheck disable=SC2086 # lists of words
	if [[ $cur == -* ]]; then
		_balloonctl_offer < <(printf '%s\n' $options $global)
		return
	fi
	# shellcheck disable=SC2086
	case $verb in
	'') _balloonctl_offer < <(printf '%s\n' $verbs) ;;
	status) _balloonctl_offer < <(_balloonctl_domains) ;;
	explain | forget | set) ((args == 0)) && _balloonctl_offer < <(_balloonctl_domains) ;;
	claims | renew) ((args == 0)) && _balloonctl_offer < <(_balloonctl_claims) ;;
	release) _balloonctl_offer < <(_balloonctl_claims) ;;
	sim)
		if [[ -z $sub ]]; then
			_balloonctl_offer <<<$'create\ndestroy\nset'
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
