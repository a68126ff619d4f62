#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the hypervisor does with claims, Debian's own and the one with the series, on two
# hosts of two nodes at a time.
# about: hypervisor-patch/*
# own hosts
# patched alone
# shellcheck source=tests/vm/host.sh
. "${0%/*}/../host.sh"
# shellcheck source=tests/vm/cases.sh
. "${0%/*}/../cases.sh"

: "${VM_RELEASE:?}" "${VM_XEN:?}"
RACE=${RACE:-15} # seconds
check_release "$VM_RELEASE"
export VM_NODES=2
trap 'for host in "$SUITE_TMP"/stock "$SUITE_TMP"/patched; do host_stop "$host"; done' EXIT

# The faults each has: the rest is gone.
declare -A STOCK=([4.17]='1 2 3 4 5 6' [4.20]='3 5 6')

start() { # stock|patched
	[ "$1" = patched ] || local VM_XEN=stock
	rm -rf "${SUITE_TMP:?}/$1"
	host_boot "$SUITE_TMP/$1" "$VM_RELEASE" ocaml 1200
	host_push "$SUITE_TMP/$1" "$VM_DIR/tools-$VM_RELEASE/xenclaims" /usr/local/bin
}
hosts() {
	local pids=() pid
	for host in stock patched; do
		start $host &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
}

try() { # HOST WHAT…: its output is shown, and kept
	dom0 "$SUITE_TMP/$1" "xenclaims ${*:2}" </dev/null | tee "$SUITE_TMP/$1.$2"
	has "$(<"$SUITE_TMP/$1.$2")" "this Xen is $1"
}
# shellcheck disable=SC2086 # numbers
faults_are() { # HOST NUMBER…: these are seen, the others are gone
	local host=$1 n want
	shift
	try "$host" faults
	for n in 1 2 3 4 5 6; do
		want=gone
		[[ " $* " != *" $n "* ]] || want=seen
		grep -q "^fault $n $want: " "$SUITE_TMP/$host.faults" || fail "fault $n is not $want"
	done
}
tell_faults() {
	local host
	for host in stock patched; do sed -n "s/^fault/# $host: fault/p" "$SUITE_TMP/$host.faults"; done
}
# Claims and pages that others got while a claim moved.
race() { # HOST
	try "$1" races "$RACE"
	read -r moves tries claims pages < <(sed -n \
		's/^race: \([0-9]*\) moves.* \([0-9]*\) tries of others got \([0-9]*\) claims and \([0-9]*\) pages/\1 \2 \3 \4/p' \
		"$SUITE_TMP/$1.races")
	[ "$moves" -gt 1000 ]
	[ "$tries" -gt 1000 ]
}
nobody_gets_in() {
	race patched
	is "$claims" 0 "claims of others"
	is "$pages" 0 "pages of others"
}
others_get_in() {
	race stock
	[ $((claims + pages)) -gt 0 ]
}
tell_races() {
	local host
	for host in stock patched; do sed -n "s/^race/# $host: race/p" "$SUITE_TMP/$host.races"; done
}

# Its policy lets nobody take pages off-line, so the faults are for the others.
enforced() { is "$(dom0 "$SUITE_TMP/patched" 'xl getenforce || true' </dev/null)" Enforcing FLASK; }
faults() {
	# shellcheck disable=SC2086 # numbers
	case_ok "the faults of Debian's own are seen" faults_are stock ${STOCK[$XEN_VERSION]}
	case_ok "none of them is seen with the series" faults_are patched
	tell_faults
}

case_ok "two hosts of two nodes, one with the series" hosts
if [ "$VM_XEN" = flask ]; then case_ok "FLASK is enforced" enforced; else faults; fi
case_ok "Debian's own says ENOSYS" try stock errors
case_ok "each operation of XENMEM_claim_ctl, and each error" try patched errors
case_ok "a claim that moves without the series: others get in" others_get_in
case_ok "with it nobody does" nobody_gets_in
tell_races
suite_end
