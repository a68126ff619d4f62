#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The host switches itself off in normal time with claims held.
# about: systemd/*release-holders* daemon/app* daemon/xen/lock.c
# shellcheck source=tests/vm/host.sh
. "${0%/*}/../host.sh"
# shellcheck source=tests/vm/cases.sh
. "${0%/*}/../cases.sh"

: "${VM_RUN:?}"
in_dom0() { dom0 "$VM_RUN" ". /usr/lib/balloond-vm/tests/lib.sh; set -e; $*" </dev/null; }

# shellcheck disable=SC2016 # for dom0's shell
# The small unit that is for the end of the host: nobody stops it by hand, so
# the test lifts that, and the sandbox stays as it is.
holders_dropped() {
	in_dom0 'bd_start; balloonctl claim 100M; balloonctl claim 200M --name x
		systemctl stop balloond.socket balloond
		is "$(xl_info outstanding_claims)" 300
		is "$(systemctl is-active balloond-release-holders)" active
		guest_start left1 pv 192
		status_is 4 systemctl stop balloond-release-holders
		mkdir -p /run/systemd/system/balloond-release-holders.service.d
		printf "[Unit]\nRefuseManualStop=no\n" \
			>/run/systemd/system/balloond-release-holders.service.d/test.conf
		systemctl daemon-reload
		systemctl stop balloond-release-holders
		is "$(xl_info outstanding_claims)" 0
		is "$(xl list | grep -c balloond-claim || true)" 0
		domid left1'
}

switch_off() {
	in_dom0 'systemctl start balloond-release-holders balloond.socket; bd_start
		guest_up left1; balloonctl claim 100M; balloonctl claim 200M
		systemctl poweroff --no-block'
	host_ends "$VM_RUN" 90
}

case_ok "the unit of the host's end drops holders, and nothing else" holders_dropped
case_ok "the host switches off with claims held" switch_off
suite_end
