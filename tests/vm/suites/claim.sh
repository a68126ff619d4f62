#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Claims on a real host: with room, without, and how they end.
# about: daemon/manager/claim-* daemon/manager/stake.c daemon/manager/pool-check.c daemon/xen/holder.c daemon/xen/pool.c lib/core/plan* lib/core/ledger* lib/core/wait*
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

outstanding_is() { is "$(xl_info outstanding_claims)" "$1" "outstanding MiB"; }

room_held() {
	local id free
	bd_start
	free=$(bd_mib .host.available_bytes)
	# All but 300 MiB of what there is to have.
	id=$(balloonctl claim $((free - 300))M --name big --overhead 16M)
	outstanding_is $((free - 300))
	bd_claim_is "$id" state held
	bd_claim_is "$id" held_bytes $(((free - 300) * 1048576))
	holders_are 1
	pooled || xl list | grep -q "balloond-claim-$id"
	is "$(bd_status .host.outstanding_bytes)" $(((free - 300) * 1048576))
	echo "$id" >"$SUITE_TMP/id"
}

# xl returns 3, and what it had begun is gone again.
room_defended() {
	status_is 3 guest_start thief1 pv 700
	guest_gone thief1
	bd_claim_is "$(cat "$SUITE_TMP/id")" state held
}

room_released() {
	local id
	id=$(cat "$SUITE_TMP/id")
	balloonctl release "$id"
	outstanding_is 0
	bd_no_claim
	holders_are 0
	guest_create thief1 pv 700
	guest_alive thief1
	xl destroy thief1
}

# Exit 3 at once, and nothing is left of it.
never() {
	status_is 3 balloonctl claim 64G
	has "$(cat "$SUITE_TMP/err")" "could ever be had here"
	status_is 3 balloonctl claim $(($(bd_mib .host.available_bytes) + 50))M --now
	bd_no_claim
	outstanding_is 0
}

guests() {
	guest_start pv1 pv 600
	guest_start pvh1 pvh 600
	guest_up pv1
	guest_up pvh1
	balloonctl set pv1 --min 300M
	balloonctl set pvh1 --min 300M
}

# Counted by the kernel: what the daemon asks of the hypervisor (the number of
# IOCTL_PRIVCMD_HYPERCALL) and of xenstored, where every message has a path.
# libxenstore of 4.17 writes it, that of 4.20 sends it. No tick comes in between; but
# what a guest may report or a toolstack may change later is looked for every half
# minute, at whatever look is next.
SELDOM='/local/domain/[0-9]+/(data/|memory/(meminfo|static-max|dynamic-min)|control/feature-balloon)'
cheap() {
	local trace=$SUITE_TMP/trace pid tracer id calls messages least=1
	printf '[host]\ntick = 10m\n' >/etc/balloond/balloond.conf.d/tick.conf
	systemctl reload balloond
	pid=$(systemctl show -P MainPID balloond)
	strace -f -qq -X raw -e trace=ioctl,write,sendmsg -s 200 -p "$pid" -o "$trace" &
	tracer=$!
	wait_for 20 traced "$pid"
	id=$(balloonctl claim 64M)
	# A holder's name is all that xenstored hears of.
	if pooled; then least=0; else wait_for 20 domid "balloond-claim-$id"; fi
	kill -INT $tracer
	wait $tracer || true
	calls=$(grep -c 'ioctl(.*, 0x305000,' "$trace")
	messages=$(grep -E '(iov_base=|write\([0-9a-fx]+, )"/' "$trace" | grep -cvE "$SELDOM" || true)
	echo "$calls hypercalls, $messages messages to xenstored"
	balloonctl release "$id"
	rm /etc/balloond/balloond.conf.d/tick.conf
	systemctl reload balloond
	[ "$calls" -ge 3 ] && [ "$calls" -le 6 ]
	[ "$messages" -ge $least ] && [ "$messages" -le 3 ]
}
traced() { ! grep -L '^TracerPid:[[:space:]]*[1-9]' "/proc/$1"/task/*/status | grep -q .; }

# A minimum of 300 MiB each, so 600 MiB can be had from both.
no_room_made() {
	local id available
	available=$(bd_mib .host.available_bytes)
	id=$(balloonctl claim $((available + 400))M --overhead 16M --wait 120s)
	outstanding_is $((available + 400))
	bd_claim_is "$id" state held
	echo "$id" >"$SUITE_TMP/id"
	[ "$(guest_pages pv1)" -lt $((600 * 256)) ]
	[ "$(guest_pages pvh1)" -lt $((600 * 256)) ]
	[ "$(guest_pages pv1)" -ge $((300 * 256)) ]
	[ "$(guest_pages pvh1)" -ge $((300 * 256)) ]
	# Both alike; the faster one may have been asked for what the other still owed.
	local difference=$(($(guest_pages pv1) - $(guest_pages pvh1)))
	[ ${difference#-} -le 8192 ] || fail "they differ by $difference pages"
	guest_alive pv1
	guest_alive pvh1
}

# What they gave, no guest takes back while it is claimed.
no_room_kept() {
	local guest before
	for guest in pv1 pvh1; do
		before=$(guest_pages $guest)
		xl mem-max $guest 600 || true
		xenstore-write "/local/domain/$(domid $guest)/memory/target" $((600 * 1024))
		sleep 5
		# Not a page of what is claimed; the little that is nobody's may go.
		[ "$(guest_pages $guest)" -lt $((before + 200 * 256)) ]
	done
	bd_claim_is "$(cat "$SUITE_TMP/id")" state held
	outstanding_is $(($(bd_claim "$(cat "$SUITE_TMP/id")" held_bytes) / 1048576))
}

given_back() {
	balloonctl release "$(cat "$SUITE_TMP/id")"
	balloonctl set pv1 --mode auto
	balloonctl set pvh1 --mode auto
	wait_for 60 guest_has_pages pv1 $((600 * 256))
	wait_for 60 bd_domain_is pvh1 state steady
	guest_alive pv1
	guest_alive pvh1
}

too_much_for_limits() {
	local available
	balloonctl set pv1 --min 550M
	available=$(bd_mib .host.available_bytes)
	status_is 3 balloonctl claim $((available + 700))M
	has "$(cat "$SUITE_TMP/err")" "balloonctl set pv1 --min 300M"
	bd_no_claim
}

destroyed_holder() {
	local id
	id=$(balloonctl claim 100M)
	xl destroy "balloond-claim-$id"
	wait_for 20 bd_no_claim
	wait_for 10 bd_journal_has "$id.*failed.*gone"
	outstanding_is 0
}

shut_down_holder() {
	local id
	id=$(balloonctl claim 100M)
	xl shutdown "balloond-claim-$id"
	wait_for 20 bd_no_claim
	wait_for 10 bd_journal_has "$id.*released"
	holders_are 0
	outstanding_is 0
}

# Nobody else may; what is short is made room for again.
emptied_pool() {
	local id
	id=$(balloonctl claim 100M)
	outstanding_is 100
	xenclaims empty
	wait_for 30 outstanding_is 100
	wait_for 10 bd_claim_is "$id" state held
	balloonctl release "$id"
	outstanding_is 0
}

# Another domain that only looks like a holder is not ours to destroy.
not_ours() {
	local id
	id=$(balloonctl claim 100M)
	xl rename pv1 balloond-claim-x
	systemctl restart balloond
	wait_for 20 bd_answers
	bd_claim_is "$id" state held
	balloonctl release "$id"
	xl rename balloond-claim-x pv1
	guest_alive pv1
	wait_for 40 bd_domain pv1 domid
}

lease() {
	local id
	id=$(balloonctl claim 100M --ttl 3s)
	bd_claim_is "$id" state held
	wait_for 30 bd_no_claim
	outstanding_is 0
}

case_ok "a claim with room is held at once, and shows in xl info and xl list" room_held
case_ok "another domain that would eat it fails" room_defended
case_ok "after its release that domain is built" room_released
case_ok "what cannot be is refused at once" never
case_ok "a PV and a PVH guest with Debian's own driver" guests
case_ok "a claim with room costs 6 hypercalls at most, and no scan of xenstore" cheap
case_ok "a claim without room is held once both have shrunk, within their limits" no_room_made
case_ok "what they gave they cannot take back" no_room_kept
case_ok "after the release they get it back" given_back
case_ok "beyond their limits it is refused, and says which" too_much_for_limits
if pooled; then
	case_ok "what somebody took out of the pool is held again" emptied_pool
else
	case_ok "xl destroy of a holder fails the claim, which says why" destroyed_holder
	case_ok "xl shutdown of a holder is a release" shut_down_holder
fi
case_ok "a guest that only has a holder's name is left alone" not_ours
case_ok "a lease that runs out gives the memory back" lease
suite_end
