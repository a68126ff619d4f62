#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a guest that reboots gave back is there when it comes again.
# about: daemon/manager/reboot.c daemon/manager/guests.c
# takes: 250
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

# All the memory there is in one guest that could give some of it back.
full_house() {
	bd_start
	guest_create keeps1 pv $(($(xl_info free_memory) - 700))
	wait_for 60 bd_domain_is keeps1 state steady
	balloonctl set keeps1 --min 300M
}

# One of 300 MiB more than there is, while balloond asks nobody for anything.
claim_waits() {
	local id
	balloonctl pause
	id=$(balloonctl claim $(($(bd_mib .host.available_bytes) + 300))M --no-wait --overhead 1M)
	bd_claim_is "$id" state reclaiming
	echo "$id" >"$SUITE_TMP/waits"
}

other_domid() { [ "$(domid "$1")" != "$2" ]; }

reboots() { # TYPE WAY…
	local type=$1 before id
	shift
	guest_config again1 "$type" 400
	sed -i 's/^on_reboot=.*/on_reboot="restart"/' "$SUITE_TMP/again1.cfg"
	GUEST_XL=("$@")
	guest_again again1
	guest_up again1
	wait_for 60 bd_domain_is again1 state steady
	balloonctl set again1 350M
	wait_for 60 bd_domain_is again1 current_bytes $((350 * 1048576))
	claim_waits
	before=$(domid again1)
	id=$(cat "$SUITE_TMP/waits")
	: >"$GUEST_LOGS/guest-again1.log"
	xl reboot -F again1
	wait_for 60 other_domid again1 "$before"
	wait_for 300 guest_said again1 '^guest up'
	[ "$(guest_pages again1)" -ge $((349 * 256)) ]
	[ "$type" = pvh ] || base_is again1 400 rebooted
	bd_claim_is "$id" state reclaiming
	balloonctl release "$id"
	balloonctl resume
	wait_for 30 bd_no_claim
	xl destroy again1
	wait_for 60 guest_gone again1
}

# It does not come back, and its pages go to whoever waits.
ends() { # [KEY=VALUE]
	local id
	guest_create ends1 pv 400 "$@"
	wait_for 60 bd_domain_is ends1 state steady
	claim_waits
	id=$(cat "$SUITE_TMP/waits")
	xl shutdown -F ends1
	wait_for 60 bd_claim_is "$id" state held
	is "$(bd_status '.claims | length')" 1 claims
	[ $# = 0 ] || guest_said ends1 'Kernel panic'
	balloonctl release "$id"
	balloonctl resume
}

case_ok "a host that is full" full_house
case_ok "a PV guest that reboots comes back at its last size, past a claim that waits" reboots pv xl
# Its xl still has the name of the claim in its environment that it was built on.
case_ok "the same of a PVH guest that was built under balloonctl run" reboots pvh balloonctl run -- xl
case_ok "the memory of one that shuts down goes to the claim that waits" ends
case_ok "so does that of one that crashes" ends cmdline=crash
suite_end
