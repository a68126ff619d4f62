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
tap_end
