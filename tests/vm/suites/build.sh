#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Domains built through claims: the hook, balloonctl run, and builds without.
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

HOOK=$(dpkg -L balloonctl | grep libballoon-claim)

RUN=(balloonctl run -- xl)
HOOKED=(env "LD_PRELOAD=$HOOK" xl)

# Nothing of it stays: no claim, nothing staked, for anybody.
nothing_left() {
	bd_no_claim
	is "$(probe .host.outstanding_pages)" 0 outstanding_pages
}

# Two that are idle, and one that never runs and has nearly all else: what is built
# then is small, and soon up.
guests() {
	guest_start pv1 pv 900
	guest_start pvh1 pvh 900
	guest_up pv1
	guest_up pvh1
	guest_config ballast pvh $(($(xl_info free_memory) - 300))
	xl create -p -q "$SUITE_TMP/ballast.cfg"
	systemctl stop balloond.socket balloond.service # whom it finds there has no boot-grace
	bd_start
	balloonctl set pv1 --min 200M
	balloonctl set pvh1 --min 200M
	wait_for 60 bd_domain_is pv1 state steady
	wait_for 60 bd_domain_is pvh1 state steady
}

all_back() { guest_has_back pv1 900 && guest_has_back pvh1 900; }
guest_over() { # NAME: gone, and the others have what they had
	xl destroy "$1"
	wait_for 60 guest_gone "$1"
	wait_for 120 all_back
}

# There is not enough: xl alone fails, and has begun to build.
built() { # TYPE
	local mib
	mib=$(($(bd_mib .host.available_bytes) + 300))
	status_is 3 guest_start "new$1" "$1" $mib
	GUEST_XL=("${RUN[@]}")
	guest_create "new$1" "$1" $mib
	wait_for 20 nothing_left
	[ "$(guest_pages "new$1")" -ge $(((mib - 17) * 256)) ]
	bd_journal_has "domain $(domid "new$1") new$1 with .*: appeared"
	bd_journal_has "for new$1 of .* building: moved to domain"
	guest_over "new$1"
}

# The hook alone: room is made when the build claims, or when it populates first.
hook_alone() { # CLAIM_MODE
	local mib
	echo "claim_mode=$1" >>/etc/xen/xl.conf
	mib=$(($(bd_mib .host.available_bytes) + 200))
	GUEST_XL=("${HOOKED[@]}")
	guest_create late pvh $mib
	sed -i '/^claim_mode=/d' /etc/xen/xl.conf
	wait_for 20 nothing_left
	guest_over late
}

# A refusal comes before the hypervisor has seen anything.
refused() {
	local before
	guest_config huge pv 8000
	before=$(xl create -n -q "$SUITE_TMP/huge.cfg" | jq -r .c_info.name)
	is "$before" huge
	before=$(xenprobe | jq -c '[.domains[].handle]')
	status_is 125 balloonctl run -- xl create -q "$SUITE_TMP/huge.cfg"
	has "$(cat "$SUITE_TMP/err")" "could ever be had here"
	is "$(xenprobe | jq -c '[.domains[].handle]')" "$before" domains
	status_is 1 bd_journal_has " huge with .*appeared"
	bd_no_claim
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

# It does not fit twice, and its builder knows of no claim: xl asks for memory 40 ms after
# the domain appears.
unhooked() {
	local id mib
	mib=$(($(bd_mib .host.available_bytes) + 300))
	id=$(balloonctl claim ${mib}M --name plain --overhead 8M --wait 60s)
	bd_claim_is "$id" state held
	guest_create plain pv $mib
	wait_for 20 nothing_left
	bd_journal_has "is built without balloond's hook"
	guest_over plain
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
	bd_journal_has "building: moved to domain $(domid moved1),"
	guest_over moved1
}

# Killed in the middle, xl leaves half a domain, and nothing is staked for it.
xl_killed() {
	local mib pid
	mib=$(($(bd_mib .host.available_bytes) + 300))
	guest_config half pv $mib
	"${HOOKED[@]}" create -q "$SUITE_TMP/half.cfg" &
	pid=$!
	wait_for 20 bd_journal_has "building: moved to domain"
	kill -KILL $pid
	wait_for 20 nothing_claimed
	[ -z "$(domid half)" ] || xl destroy half
	wait_for 20 nothing_left
	wait_for 120 all_back
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
case_ok "a PV guest is built in room that balloons make, under balloonctl run" built pv
case_ok "a PVH guest is built in room that balloons make, under balloonctl run" built pvh
case_ok "an HVM guest is built in room that balloons make, under balloonctl run" built hvm
case_ok "the hook alone does, when xl claims" hook_alone 1
case_ok "the hook alone does, when xl does not claim" hook_alone 0
case_ok "what does not fit is refused before anything is built" refused
case_ok "a claim for a name is for the domain of that name" named
case_ok "a build without the hook gets the claim that names it" unhooked
case_ok "a PV guest is restored in room that balloons make" restored pv
case_ok "a PVH guest is restored in room that balloons make" restored pvh
case_ok "a PVH guest that is migrated here gets room that balloons make" comes_in
case_ok "xl is killed in the middle: nothing stays staked" xl_killed
case_ok "a program that is not xl builds in room that balloons make" not_xl
case_ok "without a daemon xl builds as ever, with one warning" no_daemon
case_ok "what xendomains starts is built so, with the drop-in" by_xendomains
suite_end
