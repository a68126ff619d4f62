#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For suites that build domains on a host that is nearly full.
# shellcheck disable=SC2034 # those suites have them

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
