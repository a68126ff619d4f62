#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What the two series have in common, and the layout of what callers see.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
here=$top_srcdir/hypervisor-patch
tmp=$(mktemp -d "$top_builddir/series.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT

extract() { "$here/tests/extract.sh" "$here/$1" "$tmp/$1"; }
ok "the code comes out of the series for 4.17" extract 4.17
ok "the code comes out of the series for 4.20" extract 4.20

# 4.18 gave the lock of a domain's pages a type of its own.
same_claims() {
	diff "$tmp/4.17/claims.h" <(sed -E 's/\<nr(spin_(un)?lock\(&d->page_alloc_lock\))/\1/' "$tmp/4.20/claims.h")
}
ok "claims.h is the same but for the name of a lock" same_claims
ok "claim-ctl.c is the same" diff "$tmp/4.17/claim-ctl.c" "$tmp/4.20/claim-ctl.c"
ok "the interface is the same" diff "$tmp/4.17/abi.h" "$tmp/4.20/abi.h"

layout() { # FLAG...
	# shellcheck disable=SC2086 # the compiler may be several words
	${CC:-cc} "$@" -std=gnu17 -Wall -Wextra -Werror -ffreestanding -fsyntax-only \
		-I"$tmp/4.20" "$here/tests/layout.c"
}
ok "its layout, as this machine compiles it" layout
echo 'int here;' >"$tmp/try.c"
if ${CC:-cc} -m32 -fsyntax-only "$tmp/try.c" 2>/dev/null; then
	ok "its layout for 32-bit callers" layout -m32
else
	skip "its layout for 32-bit callers" "the compiler makes no 32-bit code"
fi
tap_end
