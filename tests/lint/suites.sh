#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The suites of the emulated host say what they are about, and run in an order that heeds it.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"

order=$top_srcdir/tests/vm/order

# ordered TURN CHANGED WANTED SUITE...
ordered() {
	local turn=$1 changed=$2 wanted=$3 got
	shift 3
	got=$(printf '%s' "$changed" | "$order" "$turn" "$@" | xargs)
	[ "$got" = "$wanted" ] || { echo "wanted: $wanted"; echo "got: $got"; return 1; }
}

# Each of its patterns is that of a file.
says_what() { # SUITE
	local patterns pattern status=0
	read -ra patterns < <(sed -n 's/^# about: //p' "$1")
	[ ${#patterns[@]} -gt 0 ] || { echo "no line '# about: PATTERN...'"; return 1; }
	for pattern in "${patterns[@]}"; do
		(cd "$top_srcdir" && find . -path "./$pattern" -type f -print -quit | grep -q .) ||
			{ echo "no file is $pattern"; status=1; }
	done
	return "$status"
}

for suite in "$top_srcdir"/tests/vm/suites/*.sh; do
	ok "suite $(basename "$suite" .sh) says what it is about" says_what "$suite"
done
ok "what matters most comes first, then the others in turn" \
	ordered 2 "" "claim build kill writes pause driver set" claim driver set build writes pause kill
ok "another of them is first after a commit" \
	ordered 3 "" "claim build kill pause driver set writes" claim driver set build writes pause kill
ok "what a changed file is about comes before all" \
	ordered 0 $'guest-driver/takeover.c\n' "driver claim build kill" claim build kill driver
ok "so does a suite that was changed itself" \
	ordered 0 $'tests/vm/suites/pause.sh\n' "pause claim build kill driver" claim build kill driver pause

# --- cases that libxl gave up because all is slow here

# played SUITE_LINES...: what 'run' reports where the runs of a suite print these, one after
# the other; and how many there were.
played() {
	local run=/nonexistent runs=0 lines=("$@")
	# shellcheck disable=SC2034 # for report.sh
	VM_SRC=$top_srcdir/tests/vm
	# shellcheck source=tests/vm/report.sh
	. "$VM_SRC/report.sh"
	host_for() { :; }
	clean() { runs=$((runs + 1)); }
	suite_command() { printf '%b' "${lines[runs]}"; }
	run_suite claim
	echo "runs: $((runs + 1)), passed: $passed, failed: $failed, starved: $starved"
}
reports() { # WANTED SUITE_LINES...
	local wanted=$1 got
	shift
	got=$(played "$@")
	[ "$(tail -n 1 <<<"$got")" = "$wanted" ] || { echo "wanted: $wanted"; echo "$got"; return 1; }
}
slow='case b\nstarved b (12 s): domain 3 console tty: timed out\nend\n'
ok "a suite that ends well runs once" \
	reports "runs: 1, passed: 1, failed: 0, starved: 0" 'case a\nok a (1 s)\nend\n'
ok "a suite that the emulator was too slow for runs once more" \
	reports "runs: 2, passed: 2, failed: 0, starved: 1" "case a\nok a (1 s)\n$slow" 'case a\nok a (1 s)\nend\n'
ok "and fails when that was too slow as well" \
	reports "runs: 2, passed: 0, failed: 1, starved: 1" "$slow" "$slow"
often() {
	local VM_SRC=$top_srcdir/tests/vm n
	. "$VM_SRC/report.sh"
	host_for() { :; }
	clean() { first=no; }
	suite_command() { if [ "$first" = yes ]; then printf '%b' "$slow"; else printf 'end\n'; fi; }
	for ((n = 0; n <= STARVED_AT_MOST; n++)); do first=yes; run_suite claim; done
	is_equal "$failed $starved" "1 $((STARVED_AT_MOST + 1))"
}
is_equal() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; return 1; }; }
ok "a run that meets it often fails" often

# case_of OUTPUT: what a suite says of a case that printed that and failed, with one after it.
case_of() {
	local tmp
	tmp=$(mktemp -d)
	SUITE_TMP=$tmp bash -c '. "$1"/tests/vm/cases.sh
		first() { echo "$0"; false; }
		case_ok first first
		case_ok second true
		suite_end' "$1" "$top_srcdir" | sed 's/ ([0-9]* s)//'
	rm -r "$tmp"
}
is_said() { # OUTPUT LINE...
	local want
	want=$(printf '%s\n' "${@:2}")
	is_equal "$(case_of "$1" | grep -v '^#')" "$want"
}
ok "a case that libxl gave up for its own limit says so, and its suite ends" is_said \
	'libxl: error: domain 3 console tty: timed out' 'case first' \
	'starved first: libxl: error: domain 3 console tty: timed out' end
ok "any other failure is one, and its suite goes on" is_said 'libxl: error: no memory' \
	'case first' 'not ok first' 'case second' 'ok second' end
tap_end
