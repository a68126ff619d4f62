#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What libballoon shows to programs: its header alone, its symbols, and nothing
# of a library that ends or speaks for the program.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
header=$top_srcdir/lib/client/balloon.h
library=$top_builddir/.libs/libballoon.so.0

compiles() { # COMPILER LANGUAGE
	"$1" -x "$2" -Wall -Wextra -Wshadow -pedantic -Werror -fsyntax-only - <<<"
#include \"$header\"
#include \"$header\"
int use(void);
int use(void) { struct balloon_claim_request q = BALLOON_CLAIM_REQUEST_INIT; return q.node; }"
}

# The names between global: and local: of the map; those the header declares;
# those the library has.
of_map() {
	sed -n '/global:/,/local:/s/^[[:space:]]*\([a-z_]*\);$/\1/p' "$top_srcdir/lib/client/libballoon.map" | sort
}
of_header() { sed -n 's/^BALLOON_API .*\<\(balloon_[a-z_]*\)(.*/\1/p' "$header" | sort; }
of_library() { nm -D --defined-only "$library" | sed -n 's/^[0-9a-f]* T \([a-z_]*\)@@.*/\1/p' | sort; }

keeps_quiet() {
	nothing grep -E ' U (exit|_exit|abort|printf|fprintf|puts|fputs|perror|syslog|signal|sigaction|__(f)?printf_chk)@' \
		<(nm -D --undefined-only "$library")
}

ok "the header alone is C" compiles "${CC:-cc}" c
if command -v "${CXX:-c++}" >/dev/null; then
	ok "the header alone is C++" compiles "${CXX:-c++}" c++
else
	skip "the header alone is C++" "there is no C++ compiler"
fi
ok "the map lists what the header declares" diff <(of_map) <(of_header)
ok "the library exports what the map lists" diff <(of_map) <(of_library)
ok "its soname is libballoon.so.0" grep -q 'SONAME.*\[libballoon\.so\.0\]' <(readelf -d "$library")
ok "it does not end, print or handle signals for the program" keeps_quiet
tap_end
