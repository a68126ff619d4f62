#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# balloond and what its driver in the guests tells it.
# about: daemon/xen/telemetry* lib/core/telemetry* guest-driver/report* guest-driver/pressure* lib/core/policy*
# takes: 250
# shellcheck source=tests/vm/driver-lib.sh
. "${0%/*}/../driver-lib.sh"

IDLE_MIB=700 NEEDS_MIB=300

# A host that is full: what one guest gets is what another gives.
begin() {
	guest_start idle pv $IDLE_MIB driver=yes
	guest_start needs pvh $NEEDS_MIB 700 driver=yes
	guest_up idle
	guest_up needs
	remember idle
	remember needs
	load idle
	load needs
	systemctl stop balloond.socket balloond.service # it may have been started by its package
	cat >/etc/balloond/balloond.conf.d/reports.conf <<-CONF
	[host]
	reserve = 16M
	tick = 1s
	[policy]
	boot-grace = 1s
	telemetry-stale-after = 15s
	[defaults]
	min-with-driver = 30%
	CONF
	ballast ballast 32
	bd_start
	balloonctl set ballast --mode ignore
	wait_for 60 bd_domain_is idle state steady
	wait_for 60 bd_domain_is needs state steady
}

fresh() { # NAME
	wait_for 30 bd_domain_is "$1" telemetry.fresh true
	# In pages of the domain: what it has is known in both terms.
	is "$(bd_domain "$1" telemetry.min_bytes)" \
		$(($(guest_pages "$1") * 4096 - ($(now "$1" current) - $(now "$1" min)) * 1024)) min_bytes
	[ "$(bd_domain "$1" telemetry.available_bytes)" -gt $((50 * 1048576)) ]
}

# One begins to need 300 MiB more than it has, faster than reports come: it gets
# them, and then they go back.
moves() {
	local before watcher
	: >"$SUITE_TMP/moved"
	before=$(guest_pages idle)
	lag &
	watcher=$!
	hog needs 380 rate=20 busy
	wait_for 120 hog_has needs 380
	wait $watcher
	[ "$(guest_pages needs)" -gt $((400 * 256)) ]
	shrank_to idle $((before - 20 * 256))
	unhurt needs
	unhurt idle
	guest_alive idle
}
# From the report that says nothing is left until pages come; they may come before.
lag() {
	local before short="" end=$((SECONDS + 90))
	before=$(guest_pages needs)
	until [ "$(guest_pages needs)" -gt $((before + 1024)) ]; do
		[ $SECONDS -lt $end ]
		[ -n "$short" ] || ! is_out needs || short=$(ms)
		sleep 0.3
	done
	if [ -n "$short" ]; then
		echo "# needs got more $(($(ms) - short)) ms after it reported that nothing was left"
	else
		echo "# needs got more before it reported that nothing was left"
	fi >"$SUITE_TMP/moved"
}
is_out() { [ "$(report "$1" avail_kib)" -lt $((20 * 1024)) ]; } # NAME
shrank_to() { [ "$(guest_pages "$1")" -le "$2" ]; } # NAME PAGES
unhurt() {                                         # NAME: nothing was killed, nothing swapped
	is "$(report "$1" swap_kib)" 0 swap_kib
	is "$(now "$1" oom_kill)" 0 oom_kill
}
tell_moves() { cat "$SUITE_TMP/moved"; }
comes_back() {
	local before
	before=$(guest_pages needs)
	# shellcheck disable=SC2016 # for the guest's shell
	guest_do needs 'kill $(pidof guesthog)'
	wait_for 30 hog_ended needs
	is "$(guest_do needs 'cat /mnt/hog')" 0 "status of what took memory"
	# Now the other needs it.
	hog idle 480 rate=40
	wait_for 90 hog_has idle 480
	[ "$(guest_pages needs)" -lt $((before - 100 * 256)) ]
	unhurt needs
	unhurt idle
	# shellcheck disable=SC2016 # for the guest's shell
	guest_do idle 'kill $(pidof guesthog)'
	wait_for 30 hog_ended idle
}

# A target below the floor of the guest: kept, shown, explained.
explained() {
	local mib=$(($(guest_pages needs) / 256)) floor
	balloonctl set needs ${mib}M # nobody else moves it now
	wait_for 30 guest_has_pages needs $((mib * 256))
	floor=$(($(now needs current) - 8 * 1024))
	guest_do needs "echo $floor >/proc/sys/xen/balloon/min"
	balloonctl set needs $((mib - 40))M
	wait_for 60 bd_domain_is needs telemetry.refused min
	has "$(balloonctl explain needs)" "its own driver keeps it at"
	has "$(balloonctl explain needs)" "xen.balloon.min"
	guest_has_pages needs $(((mib - 8) * 256))
	bd_domain_is needs state steady # not stuck
	balloonctl set needs --mode auto
}

# Whose reports end has no need that is known: it keeps what it has.
falls_silent() {
	local pages up presses
	unload needs
	pages=$(guest_pages needs)
	up=$(now needs uptime)
	presses=$(($(report idle avail_kib) / 1024 - 24)) # nearly all it can have
	hog idle "$presses" rate=40
	wait_for 90 hog_has idle "$presses"
	wait_for 30 silent needs
	wait_for 60 uptime_past needs $((up + 25))
	[ "$(guest_pages needs)" -ge "$pages" ]
	guest_alive needs
	is "$(now needs oom_kill)" 0 oom_kill
}

silent() { [ "$(bd_domain "$1" telemetry.fresh)" != true ]; } # NAME

case_ok "a PV and a PVH guest with the driver, on a host that is full" begin
case_ok "status shows what their drivers report" each fresh idle needs
case_ok "memory moves from an idle guest to one that starts to need it" moves
tell_moves
case_ok "it comes back when the need ends; nothing is killed, nothing swapped" comes_back
case_ok "a target below the guest's floor is explained" explained
case_ok "a guest whose driver is unloaded keeps what it has" falls_silent
suite_end
