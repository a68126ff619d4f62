#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A xenstored that hangs for 20 s takes nothing but its own answers away.
# about: daemon/xen/store/* daemon/base/aside* daemon/base/thread*
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

restarts() { systemctl show -p NRestarts --value balloond; }
# The pattern is anchored: it must not match this very command.
signal_store() { pkill "-$1" -x 'o?xenstored'; }
answers_quickly() { # each within seconds, for dom0 is slow
	local start=$SECONDS
	balloonctl status --json >"$SUITE_TMP/status"
	[ $((SECONDS - start)) -le 3 ] || fail "status took $((SECONDS - start)) s"
}
says_stalled() { answers_quickly && gojq -e '.daemon.problems | map(test("xenstored")) | any' "$SUITE_TMP/status"; }
says_ok() { is "$(bd_status .daemon.health)" ok health; }

begin() {
	guest_start pv1 pv 500
	guest_start pvh1 pvh 500
	guest_up pv1
	guest_up pvh1
	bd_start
	balloonctl set pv1 --min 250M
	balloonctl set pvh1 --min 250M
	balloonctl claim 100M >"$SUITE_TMP/first"
}

stalled() {
	local end=$((SECONDS + 20)) id
	restarts >"$SUITE_TMP/restarts"
	signal_store STOP
	trap 'signal_store CONT' EXIT
	wait_for 15 says_stalled
	# What needs the hypervisor alone still works.
	id=$(balloonctl claim 50M)
	is "$(probe .host.outstanding_pages)" $((150 * 256)) "outstanding pages"
	balloonctl release "$id"
	is "$(probe .host.outstanding_pages)" $((100 * 256)) "outstanding pages"
	while [ $SECONDS -lt $end ]; do
		answers_quickly
		is "$(gojq -r .daemon.health "$SUITE_TMP/status")" degraded
		is "$(gojq -r '.domains | length' "$SUITE_TMP/status")" 3 "rows"
		is "$(gojq -r '.domains[1].name' "$SUITE_TMP/status")" pv1
		sleep 1
	done
}

well_after() {
	wait_for 15 says_ok
	is "$(restarts)" "$(cat "$SUITE_TMP/restarts")" "restarts"
	is "$(bd_status '.claims | length')" 1 "number of claims"
	local id
	id=$(balloonctl claim $(($(bd_mib .host.available_bytes) + 200))M --wait 90s --overhead 16M)
	bd_claim_is "$id" state held
	guest_alive pv1
	guest_alive pvh1
	balloonctl release "$id"
	wait_for 60 bd_domain_is pv1 current_bytes $((500 * 1048576))
}

# While room is made: it goes on afterwards.
stalled_midway() {
	local id
	id=$(balloonctl claim $(($(bd_mib .host.available_bytes) + 350))M --overhead 16M --no-wait)
	signal_store STOP
	trap 'signal_store CONT' EXIT
	sleep 8
	answers_quickly
	signal_store CONT
	wait_for 90 bd_claim_is "$id" state held
	is "$(restarts)" "$(cat "$SUITE_TMP/restarts")" "restarts"
	is "$(bd_status '[.domains[] | select(.state == "external")] | length')" 0 "external domains"
	balloonctl release "$id"
}

# A stop does not wait for xenstored: systemd need not kill it.
stop_while_stalled() {
	signal_store STOP
	trap 'signal_store CONT' EXIT
	sleep 3
	systemctl stop balloond.socket balloond
	is "$(systemctl show -p Result --value balloond)" success
	signal_store CONT
	systemctl start balloond.socket
	bd_start
	bd_claim_is "$(cat "$SUITE_TMP/first")" state held
}

case_ok "guests, and a claim that is held" begin
case_ok "for 20 s status answers, and says so; claims come and go" stalled
case_ok "all is well afterwards" well_after
case_ok "while room is made" stalled_midway
case_ok "while it is stopped itself" stop_while_stalled
suite_end
