#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Killed in the middle of a build that is hooked: balloond at each hypercall and
# each write of the handoff, xl at steps of its own, the domain itself. The build
# ends well or fails cleanly, and nothing stays staked that nobody owns.
# about: lib/hook/* daemon/manager/handoff.c daemon/manager/claim-move.c daemon/manager/stake.c
# takes: 400
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

HOOK=$(dpkg -L balloonctl | grep libballoon-claim)
GUEST_XL=(env "LD_PRELOAD=$HOOK" xl)

ready() {
	# No tick but those that the handoff makes.
	printf '[host]\ntick = 10m\n' >/etc/balloond/balloond.conf.d/tick.conf
	bd_start
}

nothing_left() {
	bd_no_claim
	is "$(probe .host.outstanding_pages)" 0 outstanding_pages
}

tracer_on() { grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$1/status"; }

# The daemon dies when it enters the N-th of those calls, whichever thread.
doomed() { # CALLS N
	local pid
	systemctl reset-failed balloond
	wait_for 20 bd_answers
	pid=$(systemctl show -P MainPID balloond)
	strace -f -qq -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" -p "$pid" &
	wait_for 20 tracer_on "$pid"
	echo "$pid" >"$SUITE_TMP/doomed"
}

killed_at() { # CALLS MOST
	local n died=0 built=0 pid status types=(pv pvh)
	for ((n = 1; n <= $2; n++)); do
		guest_config kill1 "${types[n % 2]}" 300
		doomed "$1" $n
		pid=$(cat "$SUITE_TMP/doomed")
		status=0
		guest_again kill1 >"$SUITE_TMP/said" 2>&1 || status=$?
		if ! kill -0 "$pid" 2>/dev/null; then died=$((died + 1)); fi
		pkill -INT strace || true
		echo "$1 $n: xl ended with $status: $(tr '\n' ' ' <"$SUITE_TMP/said")"
		wait_for 30 bd_answers
		case $status in
		0)
			[ "$(guest_pages kill1)" -ge $((300 * 256)) ]
			xl destroy kill1
			built=$((built + 1))
			;;
		3) ;;
		*) fail "xl create ended with $status" ;;
		esac
		wait_for 60 guest_gone kill1
		wait_for 60 nothing_left
	done
	echo "# $1: killed $died times of $2, $built built, $(($2 - built)) failed cleanly" |
		tee -a "$SUITE_TMP/told"
	[ $died -ge 3 ]
}

# At one hypercall or ioctl after another, until it lives to its end.
xl_killed() {
	local n killed=0 status types=(pv pvh)
	for ((n = 6; n < 300; n += 6)); do
		guest_config kill1 "${types[n / 6 % 2]}" 300
		rm -f "$GUEST_LOGS/guest-kill1.log"
		status=0
		strace -f -qq -o /dev/null -e trace=ioctl -e "inject=ioctl:signal=KILL:when=$n" \
			"${GUEST_XL[@]}" create -e -q "$SUITE_TMP/kill1.cfg" >/dev/null 2>&1 || status=$?
		wait_for 30 nothing_claimed
		if domid kill1 >/dev/null; then xl destroy kill1; fi
		wait_for 60 guest_gone kill1
		wait_for 60 nothing_left
		[ $status != 0 ] || break
		killed=$((killed + 1))
	done
	is $status 0 "the last one's status"
	echo "# xl: killed $killed times" | tee -a "$SUITE_TMP/told"
	[ $killed -ge 8 ]
}

# xl destroy empties xenstore, then destroys: an xl create that ends its build in
# between writes all it has to say of the domain once more, and nobody removes it.
no_remains() { ! xenstore-exists "/local/domain/$1/cpu" || xenstore-rm "/local/domain/$1"; } # DOMID

destroyed() {
	local pid id
	guest_config kill2 pv 900
	"${GUEST_XL[@]}" create -q "$SUITE_TMP/kill2.cfg" >/dev/null 2>&1 &
	pid=$!
	wait_for 20 bd_journal_has 'building: moved to domain'
	id=$(domid kill2)
	xl destroy kill2
	wait $pid || true
	no_remains "$id"
	wait_for 60 guest_gone kill2
	wait_for 60 nothing_left
}

case_ok "balloond, and a guest to build" ready
case_ok "balloond is killed at each hypercall of a handoff" killed_at ioctl 9
case_ok "balloond is killed at each write of a handoff" killed_at write,renameat,unlinkat 8
case_ok "xl is killed at every sixth of its hypercalls" xl_killed
case_ok "the domain is destroyed in the middle of its build" destroyed
cat "$SUITE_TMP/told"
suite_end
