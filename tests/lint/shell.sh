#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
cd "$top_srcdir" || exit 1

if ! command -v shellcheck >/dev/null; then
	skip "shellcheck" "shellcheck is not installed"
	tap_end
fi
while read -r f; do
	first=""
	IFS= read -r first <"$f" 2>/dev/null
	case $first in
	'#!'*sh) ;;
	*) case $f in *.sh | *.bash) ;; *) continue ;; esac ;;
	esac
	ok "shellcheck $f" shellcheck -x "$f"
done < <(find . \( -name .git -o -name build -o -name build-aux -o -name autom4te.cache \) -prune \
	-o -type f -size -200k ! -name configure ! -path './debian/*/*' -print | sed 's|^\./||' | sort)
tap_end
