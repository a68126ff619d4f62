# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# TAP for test scripts. The make file gives top_srcdir and top_builddir.
set -uo pipefail
top_srcdir=${top_srcdir:?run by make}
top_builddir=${top_builddir:?run by make}
tap_n=0 tap_failed=0

# ok NAME COMMAND...: a case; what a failing command printed is shown.
ok() {
	local name=$1 out
	shift
	tap_n=$((tap_n + 1))
	if out=$("$@" 2>&1); then
		echo "ok $tap_n - $name"
	else
		echo "not ok $tap_n - $name"
		tap_failed=1
		[ -z "$out" ] || sed 's/^/# /' <<<"$out"
	fi
}

skip() { # NAME REASON
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

# nothing COMMAND...: it prints nothing (its status does not matter).
nothing() {
	local out
	out=$("$@" 2>&1)
	[ -z "$out" ] || { printf '%s\n' "$out"; return 1; }
}

tap_end() {
	echo "1..$tap_n"
	exit $tap_failed
}
