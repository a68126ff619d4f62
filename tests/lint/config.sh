#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The configuration file that is installed: as it is, and with every key taken
# out of its comment, the daemon takes it.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
tmp=$(mktemp -d "$top_builddir/lint-config.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT

check() { "$top_builddir/balloond" --check-config --config "$1"; }
ok "the installed configuration is taken" check "$top_srcdir/conf/balloond.conf"
sed -e 's/^#\([a-z0-9-]* = \)/\1/' -e 's/^#\(\[domain\)/\1/' "$top_srcdir/conf/balloond.conf" >"$tmp/all.conf"
ok "and with every key said" check "$tmp/all.conf"
sed 's/^tick = .*/tick = sometimes/' "$tmp/all.conf" >"$tmp/bad.conf"
bad() {
	local said line
	line=$(grep -n '^tick' "$tmp/bad.conf" | cut -d: -f1)
	said=$(check "$tmp/bad.conf" 2>&1) && return 1
	echo "$said"
	[[ $said == *"bad.conf:$line: tick:"* ]]
}
ok "a bad value is refused with its file and line" bad
tap_end
