#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Domains built through claims: the hook, balloonctl run, and builds without.
# limit: 2100
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

# claim_mode MODE: for the rest of this case. libxl's own default is 0, xl's is 1.
claim_mode() {
	trap "sed -i '/^claim_mode=/d' /etc/xen/xl.conf" EXIT
	echo "claim_mode=$1" >>/etc/xen/xl.conf
}

# There is not enough: xl alone fails, and has begun to build.
built() { # TYPE CLAIM_MODE
	local mib
	claim_mode "$2"
	mib=$(($(bd_mib .host.available_bytes) / 2 * 2 + 300))
	status_is 3 guest_start "new$1" "$1" $mib
	GUEST_XL=("${RUN[@]}")
	guest_create "new$1" "$1" $mib
	wait_for 20 nothing_left
	[ "$(guest_pages "new$1")" -ge $(((mib - 17) * 256)) ]
	bd_journal_has "domain $(domid "new$1") new$1 with .*: appeared"
	bd_journal_has "for new$1 of .* building: moved to domain"
	guest_over "new$1"
}

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

# What nobody has claimed, in MiB: a build that does not ask can have it, the reserve too.
unclaimed_mib() { probe '(.host.free_pages - .host.outstanding_pages) / 256 | floor'; }
# An even size that would fit if the reserve did not count, with 30 MiB for what else a
# domain takes.
size_within_reserve() {
	local mib reserve
	reserve=$(bd_mib .host.reserve_bytes)
	mib=$((($(bd_mib .host.available_bytes) + reserve - 30) / 2 * 2))
	[ $mib -gt $(($(bd_mib .host.available_bytes) + 20)) ]
	[ $mib -le $(($(unclaimed_mib) - 20)) ]
	echo $mib
}
reserve_is_whole() {
	local left reserve
	left=$(unclaimed_mib) reserve=$(bd_mib .host.reserve_bytes)
	[ "$left" -ge "$reserve" ] || fail "$left MiB are left, the reserve is $reserve MiB"
}

# xl does not claim, and the hook is all there is. What is built here never runs.
asks_first() { # TYPE MORE-MAXMEM
	local mib
	claim_mode 0
	mib=$(size_within_reserve)
	guest_config "first$1" "$1" "$mib" $((mib + $2))
	"${HOOKED[@]}" create -p -q "$SUITE_TMP/first$1.cfg"
	bd_journal_has "building: moved to domain $(domid "first$1"),"
	[ "$(guest_pages "first$1")" -ge $(((mib - 17) * 256)) ]
	wait_for 20 nothing_left
	reserve_is_whole
	guest_over "first$1"
}

# Nobody gives anything: the reserve alone would do, and is not had.
refused_first() {
	local mib type before
	claim_mode 0
	balloonctl set pv1 --min 900M
	balloonctl set pvh1 --min 900M
	mib=$(size_within_reserve)
	before=$(xenprobe | jq -c '[.domains[].handle]')
	for type in pv pvh; do
		guest_config "no$type" "$type" "$mib"
		status_is 3 "${HOOKED[@]}" create -p -q "$SUITE_TMP/no$type.cfg"
		is "$(grep -c '^libballoon-claim: domain .* could ever be had here' "$SUITE_TMP/err")" 1 "refusals"
		wait_for 20 guest_gone "no$type"
		is "$(xenprobe | jq -c '[.domains[].handle]')" "$before" domains
		status_is 1 bd_journal_has "building: moved to domain"
		wait_for 20 nothing_left
		reserve_is_whole
	done
	balloonctl set pv1 --min 200M
	balloonctl set pvh1 --min 200M
	wait_for 120 all_back
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
	is "$(balloonctl explain moved1 --json | jq -r .limits.base_from)" restored "reason of its base"
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
case_ok "a PV guest is built in room that balloons make, under balloonctl run, when xl does not claim" built pv 0
case_ok "a PVH guest is built in room that balloons make, under balloonctl run" built pvh 1
case_ok "an HVM guest is built in room that balloons make, under balloonctl run, when xl does not claim" built hvm 0
case_ok "the hook alone does, when xl claims" hook_alone
case_ok "when xl does not claim, a PV guest of even MiB leaves the reserve whole" asks_first pv 0
case_ok "when xl does not claim, a PVH guest leaves the reserve whole" asks_first pvh 0
case_ok "when xl does not claim, an HVM guest with populate on demand leaves the reserve whole" asks_first hvm 100
case_ok "when xl does not claim, what only the reserve could hold is refused" refused_first
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
