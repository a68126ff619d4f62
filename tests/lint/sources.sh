#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Habits of the sources that a machine can see.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
cd "$top_srcdir" || exit 1

files() { # PATTERN...: of the project, build folders left out
	local args=() p
	for p; do args+=(-o -name "$p"); done
	find . \( -name .git -o -name build -o -name autom4te.cache -o -name build-aux -o -name m4 \) -prune \
		-o -type f ! -name configure ! -name '*~' ! -name '*.mod.c' \( "${args[@]:1}" \) -print | sed 's|^\./||' | sort
}
code() { files '*.c' '*.h'; }
scripts() {
	files '*' | while read -r f; do
		IFS= read -r first <"$f" 2>/dev/null || continue
		case $first in
		'#!'*sh) echo "$f" ;;
		*) [[ $f != *.sh ]] || echo "$f" ;;
		esac
	done
}

no_spdx() {
	local f want
	for f in $(code) $(scripts) $(files '*.py' '*.am' '*.ac' '*.in' '*.[14578]' '*.map') \
		guest-driver/{Kbuild,Makefile,*.conf,*.service}; do
		case $f in
		*config.h.in | Makefile.in | debian/*) continue ;;
		guest-driver/* | hypervisor-patch/*) want=GPL-2.0-only ;;
		lib/*) want=LGPL-2.1-or-later ;;
		*) want=GPL-2.0-or-later ;;
		esac
		head -n 3 "$f" | grep -qE "SPDX-License-Identifier: $want( |\$)" || echo "$f: not $want"
	done
}
ok "every file says its licence" nothing no_spdx

# A file missing in the make file misses in the tarball.
unlisted() {
	code | grep -vE '^tests/(vm|lint)/' | while read -r f; do
		case $f in
		tests/*.c)
			grep -qE "(^|[[:space:]])${f%.c}([[:space:]]|\$)" Makefile.am && continue ;;
		esac
		grep -qF "$f" Makefile.am || echo "$f is in no list of Makefile.am"
	done
}
ok "every source is in a list" nothing unlisted

headers_without_guard() {
	files '*.h' | while read -r f; do
		grep -qE '^#ifndef [A-Z0-9_]+_H$|^#pragma once' "$f" || echo "$f"
	done
}
ok "every header has its guard" nothing headers_without_guard

unfinished() {
	{ code; scripts; } | grep -vx tests/lint/sources.sh | xargs grep -nE '\b(TODO|FIXME|XXX)\b'
}
ok "nothing is marked as unfinished" nothing unfinished

# Said in pieces, so that this file is not found by itself.
foreign_paths() {
	local dir="/wo""rk" farm="/fa""rm"
	files '*' | xargs -d '\n' grep -InE "$dir/(main|shared|brief|build|\.)|$farm/"
}
ok "no path of a developer's machine" nothing foreign_paths

blanks() { { code; scripts; } | xargs grep -nE '[[:blank:]]+$'; }
ok "no blanks at the end of a line" nothing blanks

# Long files are told of; far too long ones are refused.
LIMIT=600
long_files() { code | xargs wc -l | awk -v n="$LIMIT" '$2 != "total" && $1 > n'; }
ok "no source has more than $LIMIT lines" nothing long_files
code | grep -v '^tests/' | xargs wc -l | sort -rn | awk '$2 != "total" && $1 > 400 { print "# long: " $0 }'
code | xargs wc -l | tail -n 1 | sed 's/^/# lines in all:/'
tap_end
