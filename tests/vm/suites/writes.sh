#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How often a target is written, and a limit, for a claim that is met.
# about: lib/core/plan-* daemon/xen/target* daemon/manager/act*
# takes: 100
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

mib_available() { bd_mib .host.available_bytes; }

# Nobody else writes one: what balloond writes to xenstored is counted, and so is what it
# asks the hypervisor for.
follows() { is "$(bd_domain "$1" state)" steady && [ "$(guest_pages "$1")" -lt "$2" ]; } # NAME PAGES

# A write's path is followed by its value, a read's by the next message.
targets_written() {
	awk '/\/memory\/target/ { path = 1; next }
		path && /write\(/ { if ($0 ~ /, "[0-9]+", [0-9]+/) n++; path = 0 }
		END { print n + 0 }'
}

DROPIN=/run/systemd/system/balloond.service.d
limits_said() { # balloond says each that it sets
	mkdir -p "$DROPIN"
	printf '[Service]\nEnvironment=LD_PRELOAD=/usr/lib/balloond-vm/limits-said.so\n' >"$DROPIN/limits-said.conf"
	systemctl daemon-reload
	systemctl restart balloond
	wait_for 20 bd_answers
}
limits_unsaid() {
	rm -r "$DROPIN"
	systemctl daemon-reload
	systemctl restart balloond
}
limits_set() { journalctl -q -u balloond --since "@$CASE_START" | grep -c 'limit of domain [0-9]* is set' || true; }

few_writes() {
	local trace=$SUITE_TMP/trace pid tracer id available targets limits
	trap limits_unsaid EXIT
	limits_said
	guest_start w1 pv 300
	guest_start w2 pv 280
	guest_up w1
	guest_up w2
	wait_for 60 bd_domain_is w1 state steady
	wait_for 60 bd_domain_is w2 state steady
	balloonctl set w1 --min 200M
	balloonctl set w2 --min 200M
	available=$(mib_available)
	pid=$(systemctl show -P MainPID balloond)
	strace -f -qq -X raw -e trace=ioctl,write,sendmsg -s 200 -p "$pid" -o "$trace" &
	tracer=$!
	wait_for 20 traced "$pid"
	limits=$(limits_set)
	id=$(balloonctl claim $((available + 100))M --overhead 16M --wait 120s)
	wait_for 60 follows w1 $((300 * 256))
	wait_for 60 follows w2 $((280 * 256))
	kill -INT $tracer
	wait $tracer || true
	# A probe for each, as Linux announces no balloon, and what the claim needs of it.
	targets=$(targets_written <"$trace")
	echo "$targets targets written"
	grep -A1 '/memory/target' "$trace" | cut -c1-160
	limits=$(($(limits_set) - limits))
	echo "$limits limits set"
	balloonctl release "$id"
	[ "$targets" -ge 2 ] && [ "$targets" -le 4 ]
	[ "$limits" -ge 2 ] && [ "$limits" -le 4 ]
}
traced() { ! grep -L '^TracerPid:[[:space:]]*[1-9]' "/proc/$1"/task/*/status | grep -q .; }

case_ok "a claim met by two guests that follow: few targets are written, and few limits" few_writes
suite_end
