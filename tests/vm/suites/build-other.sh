#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Domains that others than xl create build, or that xl builds by other ways than
# those of suite build: restores, a migration, a program of its own, the host's start.
# about: lib/hook/* daemon/manager/handoff.c daemon/manager/claim-move.c daemon/xen/saving* cli/run* conf/* tests/vm/build-lib.sh
# takes: 400
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=tests/vm/build-lib.sh
. "${0%/*}/../build-lib.sh"

# The hook alone: room is made when the build claims.
hook_alone() {
	local mib
	claim_mode 1
	mib=$(($(bd_mib .host.available_bytes) + 200))
	GUEST_XL=("${HOOKED[@]}")
	guest_create late pvh $mib
	wait_for 20 nothing_left
	guest_over late
}

# A claim for a name goes to that domain, and not to a larger one meanwhile.
named() {
	local id mib
	id=$(balloonctl claim 300M --name db --wait 60s)
	mib=$(($(bd_mib .host.available_bytes) + 100))
	GUEST_XL=("${HOOKED[@]}")
	guest_start other pv $mib
	bd_claim_is "$id" state held
	guest_create db pv 300
	wait_for 20 nothing_left
	bd_journal_has "claim $id .*: done"
	xl destroy other
	guest_over db
}

# What was saved comes back in room that is made for it: claimed before xl starts,
# or by the hook alone, in the helper that fills the domain.
restored() { # TYPE
	local image=/var/tmp/saved1.img hog way
	guest_create saved1 "$1" 150
	xl save saved1 "$image" >/dev/null
	wait_for 60 guest_gone saved1
	for way in RUN HOOKED; do
		local -n xl_words=$way
		hog=$(balloonctl claim $(($(bd_mib .host.available_bytes) - 50))M --overhead 1M)
		"${xl_words[@]}" restore "$image" >/dev/null
		guest_alive saved1
		wait_for 20 bd_staked_for_holders_alone
		bd_journal_has "building: moved to domain $(domid saved1)"
		[ $way = HOOKED ] || xl save saved1 "$image" >/dev/null
		[ $way = RUN ] || xl destroy saved1
		wait_for 60 guest_gone saved1
		balloonctl release "$hog"
		wait_for 120 all_back
	done
	refuses_restore "$image"
	rm "$image"
}
bd_staked_for_holders_alone() {
	bd_status '[.claims[] | select(.state != "held")] == [] and
		.host.outstanding_bytes == ([.claims[].held_bytes] | add)'
}
refuses_restore() { # IMAGE
	local hog before
	before=$(cksum <"$1")
	hog=$(balloonctl claim $(($(bd_mib .host.available_bytes) + $(bd_mib .host.reclaimable_bytes) - 100))M --wait 60s)
	status_is 125 "${RUN[@]}" restore "$1"
	has "$(cat "$SUITE_TMP/err")" "not enough memory"
	is "$(cksum <"$1")" "$before" "saved state"
	balloonctl release "$hog"
	wait_for 120 all_back
}

# What comes in from another host (here this one) is built with the hook, too. Debian's
# Xen cannot send PV guests while they run.
comes_in() {
	local before
	cat >"$SUITE_TMP/host" <<-SCRIPT
	#!/bin/bash
	shift
	LD_PRELOAD=$HOOK exec "\$@"
	SCRIPT
	chmod +x "$SUITE_TMP/host"
	guest_create moved1 pvh 150
	before=$(domid moved1)
	[ "$(bd_mib .host.available_bytes)" -lt 150 ]
	xl migrate -s "$SUITE_TMP/host" moved1 here >/dev/null
	[ "$(domid moved1)" != "$before" ]
	guest_alive moved1--incoming # its console kept the name it was made with
	wait_for 20 nothing_left
	is "$(balloonctl explain moved1 --json | gojq -r .limits.base_from)" restored "reason of its base"
	bd_journal_has "building: moved to domain $(domid moved1),"
	guest_over moved1
}

# Anything that builds with libxenguest; this one has no name and no xenstore.
not_xl() {
	local mib id
	mib=$(($(bd_mib .host.available_bytes) + 200))
	status_is 3 xenbuild "$GUEST_FILES/guest-vmlinux" "$GUEST_FILES/guest-initrd" $mib
	id=$(LD_PRELOAD=$HOOK xenbuild "$GUEST_FILES/guest-vmlinux" "$GUEST_FILES/guest-initrd" $mib)
	is "$(domain_field "$id" tot_pages)" $((mib * 256)) "pages of domain $id"
	bd_journal_has "building: moved to domain $id,"
	wait_for 20 nothing_claimed
	xl destroy "$id"
	wait_for 20 nothing_left
	wait_for 120 all_back
}

no_daemon() {
	systemctl stop balloond.socket balloond.service
	guest_config alone pv 128
	LD_PRELOAD=$HOOK xl create -q "$SUITE_TMP/alone.cfg" 2>"$SUITE_TMP/said"
	is "$(grep -c libballoon-claim "$SUITE_TMP/said")" 1 "warnings"
	xl destroy alone
	balloonctl run -- xl create -q "$SUITE_TMP/alone.cfg"
	xl destroy alone
}

# What the host starts at boot, through the drop-in of the examples.
by_xendomains() {
	local dropin=/etc/systemd/system/xendomains.service.d/balloond.conf
	guest_destroy_all
	mkdir -p "${dropin%/*}" /etc/xen/auto
	cp "$(dpkg -L balloonctl | grep /hook.conf)" "$dropin"
	systemctl unmask xendomains
	systemctl daemon-reload
	bd_start
	guest_create pv1 pv $(($(xl_info free_memory) - 200))
	balloonctl set pv1 --min 200M
	wait_for 60 bd_domain_is pv1 state steady
	guest_config auto1 pv 400
	ln -s "$SUITE_TMP/auto1.cfg" /etc/xen/auto/
	systemctl start xendomains
	rm -r "${dropin%/*}" /etc/xen/auto/auto1.cfg
	guest_up auto1
	bd_journal_has "building: moved to domain $(domid auto1),"
	guest_destroy_all
	systemctl stop xendomains
	systemctl mask xendomains
}

case_ok "a PV and a PVH guest" guests
case_ok "the hook alone does, when xl claims" hook_alone
case_ok "when xl does not claim, a PVH guest leaves the reserve whole" asks_first pvh 0
case_ok "when xl does not claim, an HVM guest with populate on demand leaves the reserve whole" asks_first hvm 100
case_ok "a claim for a name is for the domain of that name" named
case_ok "a PV guest is restored in room that balloons make" restored pv
case_ok "a PVH guest is restored in room that balloons make" restored pvh
case_ok "a PVH guest that is migrated here gets room that balloons make" comes_in
case_ok "a program that is not xl builds in room that balloons make" not_xl
case_ok "without a daemon xl builds as ever, with one warning" no_daemon
case_ok "what xendomains starts is built so, with the drop-in" by_xendomains
suite_end
