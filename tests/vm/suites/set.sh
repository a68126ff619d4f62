#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Targets set by hand: the pages end exactly where they were told, whatever the
# type of the guest and its offset.
# about: daemon/xen/target* daemon/xen/offset* daemon/manager/set.c daemon/manager/act* lib/core/plan-act*
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

guests() {
	guest_start pv1 pv 260 400
	guest_start pvh1 pvh 260
	guest_start hvm1 hvm 260
	guest_up pv1
	guest_up pvh1
	guest_up hvm1
	bd_start
	local guest
	for guest in pv1 pvh1 hvm1; do
		wait_for 60 bd_domain_is $guest state steady
		offset $guest >"$SUITE_TMP/offset.$guest"
	done
	is "$(cat "$SUITE_TMP/offset.pv1")" 0 "offset of pv1"
}
offset() { echo $(($(guest_pages "$1") - $(xs_of "$1" memory/target) / 4)); }

exactly() { # GUEST MIB
	balloonctl set "$1" "$2M"
	wait_for 60 guest_has_pages "$1" $(($2 * 256))
	is "$(offset "$1")" "$(cat "$SUITE_TMP/offset.$1")" "offset of $1"
	wait_for 20 bd_domain_is "$1" state steady
	bd_domain_is "$1" current_bytes $(($2 * 1048576))
	bd_domain_is "$1" mode manual
	guest_alive "$1"
	guest_has_pages "$1" $(($2 * 256))
}

down_and_up() {
	exactly "$1" 230
	exactly "$1" 255
	exactly "$1" 231
}

above_start() { exactly pv1 390; }

back_to_auto() {
	balloonctl set pvh1 --mode auto
	# Nobody asks for anything: it gets its size back.
	wait_for 60 bd_domain_is pvh1 current_bytes $((260 * 1048576 + $(cat "$SUITE_TMP/offset.pvh1") * 4096))
}

outside() {
	status_is 2 balloonctl set pv1 500M
	has "$(cat "$SUITE_TMP/err")" "400 MiB"
	status_is 5 balloonctl set nobody 200M
	exactly pv1 250
}

# What others find: maxmem as `xl mem-set` would have left it, give or take nothing.
as_xl_would() {
	xl mem-set pv1 240
	wait_for 60 guest_has_pages pv1 $((240 * 256))
	domain_field "$(domid pv1)" max_pages >"$SUITE_TMP/max"
	balloonctl set pv1 --mode auto
	exactly pv1 300
	exactly pv1 240
	is "$(domain_field "$(domid pv1)" max_pages)" "$(cat "$SUITE_TMP/max")" "max_pages"
}

# dom0 has no target before the first `xl mem-set 0`.
dom0_outside() {
	local mib
	! xenstore-exists /local/domain/0/memory/target || echo "dom0 has a target already"
	mib=$(($(domain_field 0 tot_pages) / 256))
	xl mem-set 0 $((mib - 8))
	wait_for 20 bd_domain_is Domain-0 state external
	bd_journal_has 'Domain-0.*external'
	xl mem-set 0 $mib
	balloonctl forget 0
	wait_for 20 bd_domain_is Domain-0 state steady
}

case_ok "a PV, a PVH and an HVM guest" guests
# First: under emulation Xen ends an idle HVM guest with a triple fault once in
# half an hour or so, with or without balloond.
case_ok "an HVM guest has what it was told, down and up" down_and_up hvm1
case_ok "a PV guest has what it was told, down and up" down_and_up pv1
case_ok "a PVH guest has what it was told, down and up" down_and_up pvh1
case_ok "a PV guest above what it was started with" above_start
case_ok "--mode auto gives it back to balloond" back_to_auto
case_ok "beyond its allocation is refused" outside
case_ok "its limit in the hypervisor is the one xl sets" as_xl_would
case_ok "the first xl mem-set of dom0 is seen" dom0_outside
suite_end
