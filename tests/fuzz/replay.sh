#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs every fuzz target over its corpus: what a fuzzer once found stays found.
# TAP: one line a target. $1.. or $FUZZ_TARGETS: the targets.
set -u
top_srcdir=${top_srcdir:?run by make}
top_builddir=${top_builddir:?run by make}
read -ra targets <<<"${*:-${FUZZ_TARGETS-}}"
echo "1..${#targets[@]}"
n=0 failed=0
for t in "${targets[@]}"; do
	n=$((n + 1))
	corpus=$top_srcdir/tests/fuzz/corpus/$(basename "$t")
	if [ ! -d "$corpus" ]; then
		echo "not ok $n - ${t##*/}: no corpus"
		failed=1
	elif out=$("$top_builddir/$t" "$corpus" 2>&1); then
		echo "ok $n - ${t##*/}: $(grep -c '^ok ' <<<"$out") inputs"
	else
		echo "not ok $n - ${t##*/}"
		grep -v '^ok ' <<<"$out" | sed 's/^/# /'
		failed=1
	fi
done
exit "$failed"
