#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The emulated host itself: what every other suite takes for granted.
# about: tests/vm/image tests/vm/dom0/* tests/vm/guest-init tests/vm/host.sh
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

asked_xenstored() {
	local asked=oxenstored
	! grep -q 'vm.xenstored=c' /proc/cmdline || asked=xenstored
	pgrep -x "$asked"
	is "$(pgrep -cx 'o?xenstored')" 1 "number of xenstoreds"
}

nothing_failed() { is "$(systemctl --failed --plain --no-legend)" "" "failed units"; }

one_truth() {
	is "$(probe '.host.free_pages / 256 | floor')" "$(xl_info free_memory)" "free MiB"
	is "$(probe '.host.outstanding_pages')" 0 "outstanding pages"
	is "$(xl_info outstanding_claims)" 0 "outstanding claims"
	is "$(domain_field 0 tot_pages)" 262144 "pages of dom0"
}

every_type() {
	guest_start pv1 pv 192 256
	guest_start pvh1 pvh 192 256
	guest_start hvm1 hvm 192 256
	local guest
	for guest in pv1 pvh1 hvm1; do
		guest_up "$guest"
		guest_alive "$guest"
	done
	is "$(guest_pages pv1)" 49152 "pages of pv1"
	probe '.domains | length == 4'
}

mem_set_moves() {
	xl mem-set pv1 176
	wait_for 60 guest_has_pages pv1 45056
	guest_alive pv1
	xl mem-set pv1 200
	wait_for 60 guest_has_pages pv1 51200
	guest_alive pv1
}

without_driver() {
	guest_create deaf1 pv 192 "cmdline=initcall_blacklist=balloon_init"
	guest_create pv2 pv 192
	xl mem-set deaf1 176
	xl mem-set pv2 176
	wait_for 60 guest_has_pages pv2 45056
	# The one with a driver has had the time; the deaf one has not moved.
	guest_has_pages deaf1 49152
	guest_alive deaf1
}

with_a_meal() {
	guest_create fat1 pv 256 "cmdline=eat=60"
	guest_create lean1 pv 256
	guest_alive fat1
	guest_alive lean1
	local difference=$(($(guest_value lean1 MemAvailable) - $(guest_value fat1 MemAvailable)))
	[ $difference -ge 50000 ] || fail "eats only $difference KiB"
}

stored_claim_mode() {
	xl create -n -q "$SUITE_TMP/pv1.cfg" >"$SUITE_TMP/json"
	is "$(gojq .b_info.max_memkb "$SUITE_TMP/json")" 262144
}

nothing_left() {
	host_clean
	is "$(xl list | wc -l)" 2 "lines of xl list"
}

case_ok "the xenstored that was asked for runs, alone" asked_xenstored
case_ok "no unit failed" nothing_failed
case_ok "xl and the hypervisor say the same" one_truth
case_ok "a PV, a PVH and an HVM guest come up and answer" every_type
case_ok "xl mem-set moves a PV guest, to the page" mem_set_moves
case_ok "a guest without a balloon driver does not move" without_driver
case_ok "a guest eats the memory it was told to" with_a_meal
case_ok "xl parses a configuration without building" stored_claim_mode
case_ok "cleaning leaves no guest behind" nothing_left
suite_end
