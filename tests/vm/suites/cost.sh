#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the hook costs a build, in turns in one run: printed, not judged.
# about: lib/hook/*
# long
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

ROUNDS=${COST_ROUNDS:-15}
HOOK=$(dpkg -L balloonctl | grep libballoon-claim)

build_ms() { # WORD…: how long `xl create` takes when called so
	local start=$EPOCHREALTIME
	"$@" xl create -p -q "$SUITE_TMP/cost1.cfg" 2>/dev/null
	echo $(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	xl destroy cost1
	wait_for 60 guest_gone cost1
}

# In the order of the ratios; every other round the other way round.
turns() {
	local i
	bd_start
	guest_config cost1 pv 200
	for ((i = 0; i < ROUNDS; i++)); do
		build_ms env >>"$SUITE_TMP/plain"
		if ((i % 2)); then without; with; else with; without; fi
	done
	bd_no_claim
	bd_journal_has "building: moved to domain"
}
without() { build_ms env "LD_PRELOAD=$HOOK" BALLOOND_SOCKET=/nowhere >>"$SUITE_TMP/without"; }
with() { build_ms env "LD_PRELOAD=$HOOK" >>"$SUITE_TMP/with"; }

tell() { # FILE TEXT: the median of its ratios to the plain build of the same round
	paste "$SUITE_TMP/$1" "$SUITE_TMP/plain" | awk '{ print $1 / $2 }' | sort -n |
		awk -v text="$2" '{ r[NR] = $1 } END { printf "# %s: %.3f of plain xl (%.3f to %.3f, %d pairs)\n",
			text, r[int((NR + 1) / 2)], r[1], r[NR], NR }'
}

case_ok "builds by plain xl, with the hook and no daemon, and with both" turns
tell without "the hook without a daemon"
tell with "the hook with balloond, room free"
suite_end
