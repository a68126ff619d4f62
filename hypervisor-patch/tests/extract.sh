#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# extract.sh SERIES OUT: the code of a series that can be compiled without Xen,
# as the series leaves it: claims.h, claim-ctl.c without its includes, and abi.h,
# what it adds to public/memory.h. Needs neither Xen's source nor a network.
set -euo pipefail
series=$1 out=$2
mkdir -p "$out"
tmp=$(mktemp -d "$out/tmp.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# section PATCH FILE: what a patch does to one file.
section() { awk -v file="$2" '/^diff --git / { on = $3 == "a/" file } /^-- $/ { on = 0 } on' "$1"; }

# With the context of the first patch to a file that was there before: what
# later ones change can be found in it.
after_first() {
	awk '/^@@/ { on = 1; next } /^diff --git / { on = 0 } on && /^[+ ]/ { print substr($0, 2) }'
}

# replay FILE: into $tmp/FILE's name, by all patches in turn.
replay() {
	local file=$1 to patch
	to=$tmp/${1##*/}
	for patch in "$series"/[0-9]*.patch; do
		section "$patch" "$file" >"$tmp/section"
		if [ ! -s "$tmp/section" ]; then
			continue
		elif [ ! -e "$to" ] && ! grep -q '^new file mode' "$tmp/section"; then
			after_first <"$tmp/section" >"$to"
		else
			patch -s --no-backup-if-mismatch "$to" "$tmp/section"
		fi
	done
	[ -s "$to" ] || { echo "$series: nothing about $file" >&2; exit 1; }
}

replay xen/common/claims.h
replay xen/common/claim-ctl.c
replay xen/include/public/memory.h
grep -v '^#include' "$tmp/claim-ctl.c" >"$tmp/ctl"
awk '/^#define XENMEM_claim_ctl/ { on = 1 } on
	/^DEFINE_XEN_GUEST_HANDLE\(xen_memory_claim_ctl_t\)/ { on = 0 }' "$tmp/memory.h" >"$tmp/abi.h"

# What is as it was keeps its time: nothing is compiled again for it.
keep() { # FROM TO
	[ -s "$1" ]
	cmp -s "$1" "$2" || mv "$1" "$2"
}
keep "$tmp/abi.h" "$out/abi.h"
keep "$tmp/ctl" "$out/claim-ctl.c"
keep "$tmp/claims.h" "$out/claims.h"
