#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first start on a fresh dom0, and whether it says what others say.
# about: daemon/app* daemon/xen/snapshot* daemon/xen/offset* daemon/manager/look.c systemd/*
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

first_start() {
	rm -rf /var/lib/balloond
	bd_start
	is "$(systemctl is-active balloond)" active
	is "$(bd_status .daemon.backend)" xen
	is "$(bd_status .daemon.backend_version)" "Xen $(xl_info xen_version)"
	is "$(bd_status .daemon.health)" ok
	is "$(bd_status '.domains | length')" 1 "number of domains"
	bd_domain_is Domain-0 mode ignore
	is "$(journalctl -q -u balloond --since "@$CASE_START" -p warning)" "" "warnings"
}

by_socket() {
	systemctl stop balloond
	is "$(systemctl is-active balloond.socket)" active "socket"
	balloonctl ping
	is "$(systemctl is-active balloond)" active
}

host_agrees() { # bytes against the hypervisor's pages
	is "$(bd_status .host.total_bytes)" $(($(probe .host.total_pages) * 4096)) "total bytes"
	is "$(bd_status .host.free_bytes)" $(($(probe .host.free_pages) * 4096)) "free bytes"
	is "$(bd_status .host.outstanding_bytes)" $(($(probe .host.outstanding_pages) * 4096)) "outstanding bytes"
	is "$(bd_status '(.host.free_bytes - .host.outstanding_bytes) / 1048576 | floor')" \
		"$(xl_info free_memory)" "free MiB of xl info"
	is "$(bd_status '.host.outstanding_bytes / 1048576 | floor')" \
		"$(xl_info outstanding_claims)" "outstanding MiB of xl info"
}

domains_agree() {
	probe '[.domains[] | {domid, bytes: (.tot_pages * 4096), claimed: (.outstanding_pages * 4096)}] | sort_by(.domid)' \
		>"$SUITE_TMP/probe"
	# Holders of claims are no domains of the administrator's.
	bd_status '[.domains[] | {domid, bytes: .current_bytes, claimed: .claimed_bytes}] | sort_by(.domid)' \
		>"$SUITE_TMP/status"
	# shellcheck disable=SC2016 # gojq's variables
	gojq --slurpfile known "$SUITE_TMP/status" \
		'[.[] | select(.domid as $d | $known[0] | any(.domid == $d))]' "$SUITE_TMP/probe" >"$SUITE_TMP/same"
	diff "$SUITE_TMP/same" "$SUITE_TMP/status"
	xl list | awk 'NR > 1 { print $1, $2, $3 }' | while read -r name id mib; do
		case $name in
		balloond-claim-*) is "$(bd_status ".claims[] | select(.holder_domid == $id) | .held_bytes / 1048576")" "$mib" "MiB of $name" ;;
		*) is "$(bd_status ".domains[] | select(.domid == $id) | (.current_bytes + .claimed_bytes) / 1048576 | floor")" "$mib" "MiB of $name" ;;
		esac
	done
}

types_and_names() {
	guest_start pv1 pv 200 300
	guest_start pvh1 pvh 200
	guest_start hvm1 hvm 200
	guest_up pv1
	guest_up pvh1
	bd_domain_is pv1 type pv
	bd_domain_is pvh1 type pvh
	bd_domain_is hvm1 type hvm
	bd_domain_is pv1 max_bytes $((300 * 1048576))
	local guest
	for guest in pv1 pvh1 hvm1; do
		wait_for 30 bd_domain_is $guest state steady
		bd_domain_is $guest uuid "$(xl domid $guest | xargs -I ID xenstore-read /local/domain/ID/vm | cut -d/ -f3)"
		# In the terms of the hypervisor, whatever the guest's own offset.
		is "$(bd_domain $guest target_bytes)" "$(bd_domain $guest current_bytes)" "target of $guest"
	done
	# Not one moment: what is still booting may move between two looks.
	wait_for 30 all_agree
}
all_agree() { (set -e; host_agrees; domains_agree); }

with_claim() {
	balloonctl claim 123M
	wait_for 30 all_agree
}

came_and_went() {
	xl destroy pv1
	wait_for 20 gone_from_status pv1
	wait_for 30 all_agree
}
gone_from_status() { is "$(bd_status "[.domains[] | select(.name == \"$1\")] | length")" 0 "rows of $1"; }

renamed() {
	xl rename pvh1 other1
	wait_for 20 bd_domain other1 domid
	xl rename other1 pvh1
}

sandboxed() {
	systemd-analyze security balloond.service --no-pager | tail -n 1
	systemd-analyze security --threshold=25 balloond.service >/dev/null
}

case_ok "systemctl start balloond on a fresh dom0" first_start
case_ok "the socket starts it, too" by_socket
case_ok "status agrees with the hypervisor and xl info, to the page" host_agrees
case_ok "PV, PVH and HVM guests, to the page" types_and_names
case_ok "and with a claim" with_claim
case_ok "a domain that goes is gone" came_and_went
case_ok "a domain that is renamed has its new name" renamed
case_ok "its exposure is 2.5 or better" sandboxed
suite_end
