#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Three times as many domains as there is room for are created at once, by xl as
# it is and under balloonctl run. Whom xl lets down half way, and who sits on
# memory meanwhile, is shown; of the other nobody may be let down.
# about: daemon/manager/claim-admit.c daemon/manager/handoff.c lib/core/plan-admit*
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

AT_ONCE=9 # room for three, once the guests have shrunk
[ -n "${RACE_SEEDS-}" ] || RACE_SEEDS=(1)

guests() {
	guest_start pv1 pv 1000
	guest_start pvh1 pvh 1000
	guest_up pv1
	guest_up pvh1
}

# sizes SEED: mixed, the same for both ways.
sizes() {
	local i
	RANDOM=$1
	for ((i = 1; i <= AT_ONCE; i++)); do
		echo $((600 + RANDOM % 250))
	done
}

# at_once SEED WORD…: create them all, WORD… before `create`; the exit status of
# each in $SUITE_TMP/race.N.
at_once() {
	local i=0 mib seed=$1 types=(pv pvh)
	shift
	for mib in $(sizes "$seed"); do
		i=$((i + 1))
		guest_config "race$i" "${types[i % 2]}" "$mib"
		(
			local status=0
			"$@" create -q "$SUITE_TMP/race$i.cfg" >"$SUITE_TMP/race$i.out" 2>&1 </dev/null || status=$?
			echo "$status $mib" >"$SUITE_TMP/race.$i"
		) &
	done
	wait
}

count() { # STATUS: how many ended so
	cat "$SUITE_TMP"/race.* | awk -v s="$1" '$1 == s { n++ } END { print n + 0 }'
}

# What is free, and what the guests have above what they were told is enough.
idle_mib() {
	local guest mib=0
	for guest in pv1 pvh1; do
		mib=$((mib + $(guest_pages $guest) / 256 - 200))
	done
	echo $((mib + $(xl_info free_memory)))
}

clear_away() {
	local i
	for ((i = 1; i <= AT_ONCE; i++)); do
		if domid "race$i" >/dev/null; then xl destroy "race$i"; fi
	done
	rm -f "$SUITE_TMP"/race.*
	wait_for 60 nothing_claimed
}

tell() { # NAME STARTED FAILED REFUSED
	printf '# %-26s %d of %d started, %d failed once begun, %d refused before, %d MiB idle\n' \
		"$1:" "$2" $AT_ONCE "$3" "$4" "$(idle_mib)"
}

plain() { # SEED
	local started
	at_once "$1" xl
	started=$(count 0)
	tell "xl" "$started" $((AT_ONCE - started)) 0 >"$SUITE_TMP/told.plain"
	clear_away
}

hooked() { # SEED
	local started refused smallest
	bd_start
	balloonctl set pv1 --min 200M
	balloonctl set pvh1 --min 200M
	wait_for 60 bd_domain_is pv1 state steady
	wait_for 60 bd_domain_is pvh1 state steady
	at_once "$1" balloonctl run -- xl
	started=$(count 0) refused=$(count 125)
	tell "balloonctl run -- xl" "$started" $((AT_ONCE - started - refused)) "$refused" >"$SUITE_TMP/told.run"
	cat "$SUITE_TMP"/told.*
	is $((AT_ONCE - started - refused)) 0 "failed once begun"
	[ "$started" -ge 3 ]
	# Who was refused would not fit in what is left, its overhead counted.
	smallest=$(awk '$1 == 125 { print $2 }' "$SUITE_TMP"/race.* | sort -n | head -n 1)
	[ "$(($(bd_mib .host.available_bytes) + $(bd_mib .host.reclaimable_bytes)))" -lt $((smallest + 16)) ]
	clear_away
	bd_no_claim
	wait_for 120 guest_has_back pv1 1000
	wait_for 120 guest_has_back pvh1 1000
}

case_ok "two guests that hold most of the host" guests
for seed in "${RACE_SEEDS[@]}"; do
	systemctl stop balloond.socket balloond.service
	case_ok "seed $seed, xl as it is: who comes first" plain "$seed"
	case_ok "seed $seed, balloonctl run: nobody is let down once begun, nobody refused who would fit" hooked "$seed"
	cat "$SUITE_TMP"/told.* 2>/dev/null || true
	rm -f "$SUITE_TMP"/told.*
done
suite_end
