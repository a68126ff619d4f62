#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The emulated host switches itself off as a real one does, guests and all.
# shellcheck source=tests/vm/host.sh
. "${0%/*}/../host.sh"
# shellcheck source=tests/vm/cases.sh
. "${0%/*}/../cases.sh"

: "${VM_RUN:?}"
in_dom0() { dom0 "$VM_RUN" ". /usr/lib/balloond-vm/tests/lib.sh; set -e; $*" </dev/null; }

switch_off() {
	in_dom0 guest_create left1 pv 192
	in_dom0 'systemctl poweroff --no-block'
	host_ends "$VM_RUN" 90
}

case_ok "the host switches off with a guest running" switch_off
suite_end
