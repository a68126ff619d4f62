#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What public reports tell of other hosts: grants that nobody takes, and domains that do
# not die.
# about: lib/core/plan* lib/core/track* lib/core/progress* daemon/xen/snapshot*
# takes: 100
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

WHO=6f9f1a3e-4c55-4e0a-9a43-0d7f1c9b2a01

# --- a grant that is never taken

mib_available() { bd_mib .host.available_bytes; }
lapsed() { is "$(bd_status .host.growing_bytes)" 0 growing_bytes; }

untaken() {
	local before id
	guest_create nodrv pv 260 900 cmdline=initcall_blacklist=balloon_init
	bd_start
	wait_for 60 bd_domain_is nodrv current_bytes $((260 * 1048576))
	before=$(mib_available)
	[ "$before" -gt 400 ]
	xl mem-set nodrv 900
	wait_for 20 bd_domain_is nodrv state external
	wait_for 60 lapsed
	id=$(balloonctl claim $((before - 40))M --overhead 16M)
	is "$(guest_pages nodrv)" $((260 * 256)) "pages of nodrv"
	has "$(bd_domain nodrv reason)" "it stopped at 260 MiB"
	balloonctl release "$id"
	# nor is it after a restart, nor when balloond is to take over
	systemctl restart balloond
	wait_for 20 bd_answers
	wait_for 60 lapsed
	balloonctl set nodrv --mode auto
	wait_for 60 lapsed
	balloonctl release "$(balloonctl claim $((before - 80))M --overhead 16M)"
	xl destroy nodrv
}

# --- a domain that is dead and stays

undead_is() { # FIELD VALUE, of the domain that dies
	is "$(bd_status ".domains[] | select(.state == \"dying\") | .$1")" "$2" "$1"
}
undead_for_long() { [ "$(bd_status '[.domains[] | .dying_seconds // 0] | max | floor')" -ge "$1" ]; }

undead() {
	local id mapper
	guest_create web pvh 200 "uuid=\"$WHO\""
	id=$(domid web)
	xenprobe hold "$id" 4096 256 >"$SUITE_TMP/held" &
	mapper=$!
	echo $mapper >"$SUITE_TMP/mapper"
	wait_for 20 grep -q held "$SUITE_TMP/held"
	xl destroy web
	wait_for 60 undead_is domid "$id"
	wait_for 60 undead_for_long 7
	undead_is current_bytes 1048576
	has "$(bd_status '.daemon.problems[]')" "(domid $id): dying for"
	has "$(balloonctl ping --json | gojq -r '.daemon.problems[]')" "(domid $id): dying for"
	is "$(bd_status .daemon.health)" degraded health
	echo "$id" >"$SUITE_TMP/undead"
}

gone() { ! xenprobe | gojq -e ".domains[] | select(.domid == $(cat "$SUITE_TMP/undead"))"; }
buried() {
	kill "$(cat "$SUITE_TMP/mapper")"
	wait_for 60 gone
	wait_for 60 is_healthy
}
is_healthy() { is "$(bd_status .daemon.health)" ok health; }

case_ok "a grant that a guest never takes is kept from no claim" untaken
case_ok "a domain that is dead and stays is named, with what it keeps and for how long" undead
case_ok "once nothing keeps it, the dead domain is gone and the problem with it" buried
suite_end
