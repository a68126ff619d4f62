#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `pause` in the midst of making room, and `resume`.
# about: daemon/manager/pause.c daemon/manager/act* lib/core/plan-act*
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

targets() { echo "$(xs_of pv1 memory/target) $(xs_of pvh1 memory/target)"; }

guests() {
	guest_start pv1 pv 900
	guest_start pvh1 pvh 900
	guest_up pv1
	guest_up pvh1
	bd_start
	balloonctl set pv1 --min 250M
	balloonctl set pvh1 --min 250M
}

moving() { [ "$(targets)" != "$1" ]; }
# targets_stay TARGETS SECONDS
targets_stay() {
	local end=$((SECONDS + $2))
	while [ $SECONDS -lt $end ]; do
		is "$(targets)" "$1" "targets"
		sleep 0.5
	done
}

# What the guests were already told to give still comes, and may be enough.
paused_midway() {
	local id before
	before=$(targets)
	id=$(balloonctl claim $(($(bd_mib .host.available_bytes) + 1200))M --overhead 16M --no-wait)
	wait_for 20 moving "$before"
	balloonctl pause
	is "$(bd_status .daemon.paused)" true
	targets_stay "$(targets)" 8
	balloonctl resume
	wait_for 120 bd_claim_is "$id" state held
	balloonctl release "$id"
	wait_for 120 bd_domain_is pv1 current_bytes $((900 * 1048576))
	wait_for 120 bd_domain_is pvh1 state steady
	guest_alive pv1
	guest_alive pvh1
}

asked_while_paused() {
	local id
	balloonctl pause
	id=$(balloonctl claim $(($(bd_mib .host.available_bytes) + 600))M --overhead 16M --no-wait)
	echo "$id" >"$SUITE_TMP/id"
	targets_stay "$(targets)" 8
	bd_claim_is "$id" state reclaiming
	has "$(bd_claim "$id" reason)" paused
	# What is free is nobody's to give but the claim's.
	id=$(balloonctl claim 10M --wait 2s) && fail "an older claim was overtaken"
	return 0
}

over_restart() {
	local before
	before=$(targets)
	systemctl restart balloond
	wait_for 20 bd_answers
	is "$(bd_status .daemon.paused)" true
	targets_stay "$before" 4
	bd_claim_is "$(cat "$SUITE_TMP/id")" state reclaiming
}

resumed() {
	balloonctl resume
	wait_for 120 bd_claim_is "$(cat "$SUITE_TMP/id")" state held
	guest_alive pv1
	guest_alive pvh1
}

# What is held stays held.
paused_holding() {
	balloonctl pause
	local before
	before=$(targets)
	bd_claim_is "$(cat "$SUITE_TMP/id")" state held
	balloonctl release "$(cat "$SUITE_TMP/id")"
	targets_stay "$before" 4
	balloonctl resume
	wait_for 90 bd_domain_is pv1 current_bytes $((900 * 1048576))
}

case_ok "a PV and a PVH guest" guests
case_ok "pause in the midst of making room: no target moves any more; resume goes on" paused_midway
case_ok "a claim asked for while it is paused waits" asked_while_paused
case_ok "nor after a restart" over_restart
case_ok "resume: the claim is held in the end" resumed
case_ok "a claim held stays held, and what it gives back is not given out" paused_holding
suite_end
