#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests that are not to be touched, and why: `status` says it.
# about: daemon/xen/saving* daemon/xen/guest* lib/core/policy*
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

# Claims all that is available and 100 MiB more, which only the guest could
# give; the command is left waiting.
ask_for_more() {
	local size=$(($(bd_mib .host.available_bytes) + 100))M
	rm -f "$SUITE_TMP/asked"
	(status=0
		balloonctl claim "$size" --wait "$1" >"$SUITE_TMP/asked" 2>&1 || status=$?
		echo "status $status" >>"$SUITE_TMP/asked") &
	wait_for 20 is_asked
}
is_asked() { asked_ends || [ "$(bd_status '.claims | length')" -gt 0 ]; }
asked_ends() { grep -qs '^status' "$SUITE_TMP/asked"; }

# guest_untouched NAME SECONDS: nobody writes its target or its limit for so long.
guest_untouched() {
	local domid target max pages end
	domid=$(domid "$1") target=$(xs_of "$1" memory/target)
	max=$(domain_field "$domid" max_pages) pages=$(guest_pages "$1") end=$((SECONDS + $2))
	while [ $SECONDS -lt $end ]; do
		is "$(xs_of "$1" memory/target)" "$target" "target of $1"
		is "$(domain_field "$domid" max_pages)" "$max" "max_pages of $1"
		is "$(guest_pages "$1")" "$pages" "pages of $1"
		sleep 0.5
	done
}

withdrawn() { # what was asked for ends without a claim
	wait_for 90 asked_ends
	cat "$SUITE_TMP/asked"
	grep -q '^status [34]' "$SUITE_TMP/asked"
	bd_no_claim
}

no_driver() {
	guest_create deaf1 pv 500 "cmdline=initcall_blacklist=balloon_init"
	printf '[policy]\nboot-grace = 10s\n' >/etc/balloond/balloond.conf.d/grace.conf
	bd_start
	balloonctl set deaf1 --min 300M
	ask_for_more 40s
	withdrawn
	guest_has_pages deaf1 $((500 * 256))
	bd_domain_is deaf1 state incapable
	has "$(bd_domain deaf1 reason)" balloon
	# All that was ever asked of it is the probe, 40 MiB.
	[ "$(xs_of deaf1 memory/target)" -ge $((460 * 1024)) ]
	guest_alive deaf1
	xl destroy deaf1
	rm /etc/balloond/balloond.conf.d/grace.conf
	systemctl reload balloond
}

paused() {
	guest_create still1 pv 500
	wait_for 20 bd_domain still1 domid
	balloonctl set still1 --min 300M
	xl pause still1
	wait_for 20 bd_domain_is still1 state paused
	ask_for_more 15s
	guest_untouched still1 8
	withdrawn
	bd_domain_is still1 state paused
	has "$(bd_domain still1 reason)" pause
	xl unpause still1
	wait_for 20 bd_domain_is still1 state steady
	guest_alive still1
	xl destroy still1
}

# The pipe that takes the image is not read: the save hangs in the midst.
saved() {
	local pipe reader
	guest_create saved1 pv 500
	wait_for 20 bd_domain saved1 domid
	balloonctl set saved1 --min 300M
	rm -f "$SUITE_TMP/image" "$SUITE_TMP/saved"
	mkfifo "$SUITE_TMP/image"
	exec {pipe}<>"$SUITE_TMP/image"
	(xl save saved1 "$SUITE_TMP/image" && echo saved >"$SUITE_TMP/saved") &
	wait_for 20 pgrep -f 'save-helper --save-domain'
	ask_for_more 12s
	guest_untouched saved1 8
	bd_domain_is saved1 state migrating
	has "$(bd_domain saved1 reason)" sav
	withdrawn
	cat <&"$pipe" >/dev/null &
	reader=$!
	wait_for 90 guest_gone saved1
	wait_for 20 grep -q saved "$SUITE_TMP/saved"
	kill $reader
}

# A live copy marks nothing but the process list. The receiver is stopped once
# it has begun, so that the copy hangs while the guest still runs.
sent() {
	cat >"$SUITE_TMP/host" <<-'SCRIPT'
	#!/bin/bash
	shift
	exec "$@"
	SCRIPT
	chmod +x "$SUITE_TMP/host"
	guest_create sent1 pvh 500
	wait_for 20 bd_domain sent1 domid
	balloonctl set sent1 --min 300M
	local domid target pages
	domid=$(domid sent1)
	pages=$(guest_pages sent1)
	(xl migrate -s "$SUITE_TMP/host" sent1 here >"$SUITE_TMP/migrate" 2>&1 && echo sent >>"$SUITE_TMP/migrate") &
	wait_for 30 pgrep -f 'save-helper --save-domain'
	wait_for 30 pgrep -f 'save-helper --restore-domain'
	pkill -STOP -f 'save-helper --restore-domain'
	is "$(probe ".domains[] | select(.domid == $domid) | .shutdown | tostring")" false "shutdown of sent1"
	ask_for_more 12s
	target=$(xenstore-read "/local/domain/$domid/memory/target")
	sleep 6
	is "$(xenstore-read "/local/domain/$domid/memory/target")" "$target" "target of sent1"
	is "$(bd_status ".domains[] | select(.domid == $domid) | .state")" migrating
	is "$(domain_field "$domid" tot_pages)" "$pages" "pages of sent1"
	withdrawn
	pkill -CONT -f 'save-helper --restore-domain'
	wait_for 90 grep -qx sent "$SUITE_TMP/migrate"
	wait_for 20 bd_domain_is sent1 state steady
	guest_alive sent1--incoming # its console kept the name it was made with
	xl destroy sent1
}

by_hand() {
	guest_create hand1 pvh 500
	wait_for 20 bd_domain_is hand1 state steady
	balloonctl set hand1 --min 300M
	xl mem-set hand1 450
	wait_for 20 bd_domain_is hand1 state external
	wait_for 30 at_target hand1
	has "$(bd_domain hand1 reason)" "balloonctl set hand1 --mode auto"
	ask_for_more 10s
	guest_untouched hand1 5
	withdrawn
	# Over a restart, too.
	systemctl restart balloond
	wait_for 20 bd_answers
	bd_domain_is hand1 state external
	balloonctl set hand1 --mode auto
	wait_for 60 guest_at_start hand1 500
	wait_for 20 bd_domain_is hand1 state steady
}
at_target() { is "$(bd_domain "$1" current_bytes)" "$(bd_domain "$1" target_bytes)" "bytes of $1"; }
guest_at_start() { is $(($(guest_pages "$1") / 256)) "$2" "MiB of $1"; }

# The same value again is nobody's decision.
same_again() {
	xl mem-set hand1 500
	sleep 3
	bd_domain_is hand1 state steady
}

case_ok "a guest without a balloon driver keeps its pages, and status says why" no_driver
case_ok "a paused guest is not touched" paused
case_ok "a guest in the middle of xl save is not touched" saved
case_ok "a guest in the middle of a live migration is not touched" sent
case_ok "a target set with xl is left alone until --mode auto" by_hand
case_ok "xl mem-set to the size it has changes nothing" same_again
suite_end
