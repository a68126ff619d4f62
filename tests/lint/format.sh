#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The sources are as 'make format' leaves them.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
cd "$top_srcdir" || exit 1

unformatted() {
	local dirs=(cli daemon guest-driver hypervisor-patch lib tests)
	find "${dirs[@]}" -name '*.[ch]' ! -name '*.mod.c' -print0 |
		xargs -0 clang-format-19 --dry-run -Werror 2>&1 |
		sed -n 's/^\([^:]*\):\([0-9]*\):.*-Wclang-format-violations.*/\1:\2: see make format/p'
}
if command -v clang-format-19 >/dev/null; then
	ok "the sources are as make format leaves them" nothing unformatted
else
	skip "the sources are as make format leaves them" "clang-format-19 is not installed"
fi
tap_end
