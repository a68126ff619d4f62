#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Domains that xl create builds: with the hook, under balloonctl run, and without.
# about: lib/hook/* daemon/manager/handoff.c daemon/manager/claim-give.c daemon/manager/claim-move.c cli/run* cli/xl* tests/vm/build-lib.sh
# takes: 350
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"
# shellcheck source=tests/vm/build-lib.sh
. "${0%/*}/../build-lib.sh"

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

# Nobody gives anything: the reserve alone would do, and is not had.
refused_first() {
	local mib type before
	claim_mode 0
	balloonctl set pv1 --min 900M
	balloonctl set pvh1 --min 900M
	mib=$(size_within_reserve)
	before=$(xenprobe | gojq -c '[.domains[].handle]')
	for type in pv pvh; do
		guest_config "no$type" "$type" "$mib"
		status_is 3 "${HOOKED[@]}" create -p -q "$SUITE_TMP/no$type.cfg"
		is "$(grep -c '^libballoon-claim: domain .* could ever be had here' "$SUITE_TMP/err")" 1 "refusals"
		wait_for 20 guest_gone "no$type"
		is "$(xenprobe | gojq -c '[.domains[].handle]')" "$before" domains
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
	before=$(xl create -n -q "$SUITE_TMP/huge.cfg" | gojq -r .c_info.name)
	is "$before" huge
	before=$(xenprobe | gojq -c '[.domains[].handle]')
	status_is 125 balloonctl run -- xl create -q "$SUITE_TMP/huge.cfg"
	has "$(cat "$SUITE_TMP/err")" "could ever be had here"
	is "$(xenprobe | gojq -c '[.domains[].handle]')" "$before" domains
	status_is 1 bd_journal_has " huge with .*appeared"
	bd_no_claim
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

case_ok "a PV and a PVH guest" guests
case_ok "a PV guest is built in room that balloons make, under balloonctl run, when xl does not claim" built pv 0
case_ok "a PVH guest is built in room that balloons make, under balloonctl run" built pvh 1
case_ok "an HVM guest is built in room that balloons make, under balloonctl run, when xl does not claim" built hvm 0
case_ok "when xl does not claim, a PV guest of even MiB leaves the reserve whole" asks_first pv 0
case_ok "when xl does not claim, what only the reserve could hold is refused" refused_first
case_ok "what does not fit is refused before anything is built" refused
case_ok "a build without the hook gets the claim that names it" unhooked
case_ok "xl is killed in the middle: nothing stays staked" xl_killed
suite_end
