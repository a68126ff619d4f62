#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The daemon is killed: claims stand, holders are adopted, nothing is staked twice.
# about: daemon/state/* daemon/manager/records.c daemon/manager/written.c daemon/base/atomic-file* daemon/xen/holder.c daemon/xen/lock.c daemon/app*
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

outstanding_is() { is "$(xl_info outstanding_claims)" "$1" "outstanding MiB"; }
main_pid() { systemctl show -p MainPID --value balloond; }
kill_daemon() { # and wait for the next, which systemd starts
	local pid
	pid=$(main_pid)
	kill -KILL "$pid"
	wait_for 20 another_than "$pid"
	wait_for 20 bd_answers
}
another_than() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ]; }

guests() {
	guest_start pv1 pv 700
	guest_start pvh1 pvh 700
	guest_up pv1
	guest_up pvh1
	bd_start
	balloonctl set pv1 --min 250M
	balloonctl set pvh1 --min 250M
}

while_holding() {
	local id holder
	id=$(balloonctl claim 200M --ttl 5m)
	holder=$(bd_claim "$id" 'holder_domid // "pool"')
	kill_daemon
	bd_claim_is "$id" state held
	bd_claim_is "$id" 'holder_domid // "pool"' "$holder"
	outstanding_is 200
	wait_for 10 holders_are 1
	balloonctl release "$id"
	outstanding_is 0
}

# Several times, so that it is hit here and there.
while_making_room() {
	local id round available
	for round in 1 2 3; do
		available=$(bd_mib .host.available_bytes)
		id=$(balloonctl claim $((available + 600))M --overhead 16M --no-wait)
		sleep 0.$((round * 3))
		kill_daemon
		wait_for 60 bd_claim_is "$id" state held
		outstanding_is $((available + 600))
		wait_for 10 holders_are 1
		is "$(bd_status '.claims | length')" 1 "number of claims"
		kill_daemon
		bd_claim_is "$id" state held
		outstanding_is $((available + 600))
		wait_for 10 holders_are 1
		[ "$(guest_pages pv1)" -ge $((250 * 256)) ]
		[ "$(guest_pages pvh1)" -ge $((250 * 256)) ]
		balloonctl release "$id"
		outstanding_is 0
		wait_for 90 bd_domain_is pv1 current_bytes $((700 * 1048576))
		wait_for 90 bd_domain_is pvh1 state steady
		# In the hypervisor's terms a PVH guest has a little more than it was given.
		is $(($(bd_domain pvh1 current_bytes) / 1048576)) 700 "MiB of pvh1"
	done
	guest_alive pv1
	guest_alive pvh1
}

# The same id again is the same claim, not a second one.
asked_again() {
	local id=11111111-2222-4333-8444-555555555555
	balloonctl claim 100M --id $id
	kill_daemon
	is "$(balloonctl claim 100M --id $id)" $id
	outstanding_is 100
	balloonctl release $id
}

lease_meanwhile() {
	local id
	id=$(balloonctl claim 100M --ttl 6s)
	systemctl stop balloond.socket
	kill -KILL "$(main_pid)"
	systemctl stop balloond
	outstanding_is 100
	sleep 6
	outstanding_is 100
	systemctl start balloond.socket
	bd_start
	wait_for 10 bd_no_claim
	outstanding_is 0
	wait_for 10 holders_are 0
	bd_journal_has "$id.*expired"
}

# A stop is no end for a claim.
stopped() {
	local id
	id=$(balloonctl claim 100M)
	systemctl stop balloond.socket balloond
	outstanding_is 100
	bd_start
	bd_claim_is "$id" state held
	balloonctl release "$id"
}

# What somebody took out of the pool meanwhile is held again.
emptied_meanwhile() {
	local id
	id=$(balloonctl claim 100M)
	systemctl stop balloond.socket balloond
	xenclaims empty
	systemctl start balloond.socket
	bd_start
	wait_for 30 outstanding_is 100
	wait_for 10 bd_claim_is "$id" state held
	balloonctl release "$id"
}

# One destroyed while nobody looked has failed, and is not made again in silence.
holder_gone_meanwhile() {
	local id
	id=$(balloonctl claim 100M)
	systemctl stop balloond.socket balloond
	xl destroy "balloond-claim-$id"
	systemctl start balloond.socket
	bd_start
	wait_for 20 bd_no_claim
	outstanding_is 0
	bd_journal_has "$id.*failed"
}

case_ok "a PV and a PVH guest" guests
case_ok "SIGKILL while holding: the same claim, the same holder" while_holding
case_ok "SIGKILL while making room: the claim is held in the end, once" while_making_room
case_ok "the same --id after a SIGKILL is the same claim" asked_again
case_ok "a lease that ran out meanwhile is given back" lease_meanwhile
case_ok "a stop and a start keep a claim" stopped
if pooled; then
	case_ok "a pool that was emptied meanwhile is filled again" emptied_meanwhile
else
	case_ok "a holder destroyed meanwhile fails its claim" holder_gone_meanwhile
fi
suite_end
