#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The service as systemd judges it, and units of measure as the compiler does.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"

if command -v systemd-analyze >/dev/null; then
	for unit in balloond balloond-release-holders; do
		ok "systemd-analyze security $unit: 1.0 or better" \
			systemd-analyze security --no-pager --offline=yes --threshold=10 \
			"$top_builddir/systemd/$unit.service"
	done
else
	skip "systemd-analyze security" "systemd is not installed"
fi

bounded() {
	local key
	for key in MemoryMax TasksMax LimitNOFILE; do
		grep -qE "^$key=[0-9]+[MG]?\$" "$top_builddir/systemd/balloond.service" || return 1
	done
}
ok "what the service may take of the host is bounded" bounded

# compiles STATEMENT
compiles() {
	printf '#include "lib/core/units.h"\nvoid f(bl_pages p, bl_kib k, bl_bytes b, bl_ms m);\n%s\n' \
		"void f(bl_pages p, bl_kib k, bl_bytes b, bl_ms m) { (void)p; (void)k; (void)b; (void)m; $1 }" |
		${CC:-cc} -x c -std=gnu17 -fsyntax-only -I"$top_srcdir" -
}
refused() { ! compiles "$1" 2>/dev/null; }
ok "one unit assigned to itself compiles" compiles 'bl_pages q = p; (void)q;'
for statement in 'p = b;' 'p = k;' 'k = p;' 'b = p;' 'b = k;' 'm = p;' 'p = 4096;' 'b = 4096;' \
	'p = p + p;' 'uint64_t n = p; (void)n;' 'if (p < p) {}' 'if (p.n < b) {}' 'if (bl_pages_lt(p, m)) {}' \
	'if (bl_ms_ge(m, p)) {}'; do
	ok "refused by the compiler: $statement" refused "$statement"
done
tap_end
