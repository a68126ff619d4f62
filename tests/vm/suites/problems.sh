#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What works against balloond is said at the start, and in status while it does.
# about: daemon/xen/conflicts* daemon/manager/problems.c daemon/config/*
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

said() { # TEXT: by status, and by the journal since the case began
	has "$(bd_status '.daemon.problems[]')" "$1" problems
	is "$(bd_status .daemon.health)" degraded
	wait_for 20 bd_journal_has "$1"
}
silent() { is "$(bd_status '.daemon.problems | length')" 0 problems; }

restarted() { systemctl stop balloond.socket balloond.service; bd_start; }

none() {
	bd_start
	silent
}

autoballoon() {
	echo 'autoballoon="on"' >>/etc/xen/xl.conf
	restarted
	said 'autoballoon="off" is missing'
	sed -i '/^autoballoon=/d' /etc/xen/xl.conf
	restarted
	silent
}

balancer() {
	cp "$(command -v sleep)" "$SUITE_TMP/squeezed"
	"$SUITE_TMP/squeezed" 600 &
	local pid=$!
	restarted
	said 'another balancer runs, squeezed'
	kill $pid
	restarted
	silent
}

reserve() {
	printf '[host]\nreserve = 1M\n' >/etc/balloond/balloond.conf.d/reserve.conf
	restarted
	said 'the reserve of 1 MiB is less than'
	rm /etc/balloond/balloond.conf.d/reserve.conf
	restarted
	silent
}

written() {
	guest_create pv1 pv 300
	wait_for 60 bd_domain_is pv1 state steady
	balloonctl set pv1 --min 200M
	wait_for 20 silent
	xl mem-set pv1 250
	wait_for 20 bd_domain_is pv1 state external
	has "$(bd_status '.daemon.problems[]')" 'somebody else writes the target of pv1'
	balloonctl set pv1 --mode auto
	wait_for 20 silent
}

case_ok "a host as it should be: no problem" none
case_ok "xl shrinks dom0 by itself" autoballoon
case_ok "another balancer runs" balancer
case_ok "a reserve the hypervisor cannot make a domain with" reserve
case_ok "somebody else writes a target" written
suite_end
