# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a suite prints, as TAP; for 'run', which says what suite_command, clean and host_for are
# and has in $run the folder of the host.

run=${run-}
number=0 passed=0 failed=0 skipped=0
starved=0         # cases that libxl gave up for the emulator's sake
STARVED_AT_MOST=3 # in one run; more of them is a failure

count() { # VERDICT TEXT
	number=$((number + 1))
	case $1 in
	ok) case $2 in *'# SKIP'*) skipped=$((skipped + 1)) ;; *) passed=$((passed + 1)) ;; esac ;;
	*) failed=$((failed + 1)) ;;
	esac
	echo "$1 $number - $2"
}

# A suite with a line '# own hosts' boots what it needs.
has_own_hosts() { grep -qx '# own hosts' "$VM_SRC/suites/$1.sh"; }

# diagnose SUITE: the world in which it was killed.
diagnose() {
	! has_own_hosts "$1" || return 0
	dom0 "$run" '. /usr/lib/balloond-vm/tests/lib.sh; suite_diagnose' </dev/null 2>&1 |
		sed 's/^/# /' || true
	echo "# --- the host's console"
	tail -n 30 "$run/console.log" | sed 's/^/# /'
}

# report SUITE: its lines as TAP. A suite that says neither 'end' nor a verdict
# on its last case was killed, or its host died: that is a failure. The case that the emulator
# was too slow for, after which a suite ends, is left in starved_case.
report() {
	local suite=$1 line open="" ended=no
	starved_case=""
	while IFS= read -r line; do
		case $line in
		'case '*) open=${line#case } ;;
		'ok '*) count ok "$suite: ${line#ok }"; open="" ;;
		'not ok '*) count 'not ok' "$suite: ${line#not ok }"; open="" ;;
		'starved '*) starved_case="$suite: ${line#starved }"; open="" ;;
		end) ended=yes ;;
		'#'*) echo "$line" ;;
		*) echo "# $line" ;;
		esac
	done < <(suite_command "$suite" || echo "the suite's status was $?")
	[ $ended = no ] || return 0
	count 'not ok' "$suite: ${open:-the suite} did not finish"
	diagnose "$suite"
}

# run_suite SUITE: and once more where the emulator was too slow: nothing is known of balloond
# by then. That happens now and then; a suite that meets it twice, or a run that meets it
# often, has another reason.
run_suite() {
	report "$1"
	[ -n "$starved_case" ] || return 0
	starved=$((starved + 1))
	if [ $starved -gt $STARVED_AT_MOST ]; then
		count 'not ok' "$starved_case, the case number $starved of that kind"
		return
	fi
	echo "starved: $starved_case"
	clean "$1"
	host_for "$1"
	report "$1"
	[ -z "$starved_case" ] || count 'not ok' "$starved_case, twice"
}
