#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is remembered of a guest that is started again, and a guest beside what is left of it.
# about: daemon/manager/guests.c daemon/manager/records.c daemon/xen/build.c lib/core/settings* lib/core/policy*
# takes: 160
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

# Started again with less on purpose: that is its base from then on.
another_size() {
	bd_start
	guest_config other1 pv 400 'uuid="00000000-0000-4000-8000-0000000000a1"'
	guest_again other1
	guest_up other1
	wait_for 60 bd_domain_is other1 state steady
	base_is other1 400 started
	balloonctl set other1 --weight 150
	xl shutdown -F other1
	wait_for 60 guest_gone other1
	sed -i 's/^memory=.*/memory=320/' "$SUITE_TMP/other1.cfg"
	guest_again other1
	guest_up other1
	wait_for 60 bd_domain_is other1 state steady
	base_is other1 320 started
	bd_domain_is other1 weight 150
	guest_has_pages other1 $((320 * 256))
}

# One that was shrunk, is saved, and restored at that.
saved() { # HOW: seen, or unseen by balloond
	local image=/var/tmp/image record=/var/lib/balloond/domains/00000000-0000-4000-8000-0000000000a1
	balloonctl set other1 250M
	wait_for 60 bd_domain_is other1 current_bytes $((250 * 1048576))
	xl save other1 $image >/dev/null
	wait_for 20 grep -q '"end":"saved"' $record
	if [ "$1" = unseen ]; then
		# As one that ended here, and comes from another host now.
		systemctl stop balloond.service
		sed -i 's/"end":"saved"/"end":"over"/' $record
		bd_start
	fi
	xl restore $image >/dev/null
	rm $image
	wait_for 60 bd_domain_is other1 state steady
	bd_domain_is other1 current_bytes $((250 * 1048576))
	base_is other1 320 restored
}

forgotten() {
	balloonctl forget other1
	wait_for 20 base_is other1 250 started
	bd_domain_is other1 weight 100
	xl destroy other1
	wait_for 60 guest_gone other1
	balloonctl forget 00000000-0000-4000-8000-0000000000a1
	status_is 5 balloonctl forget 00000000-0000-4000-8000-0000000000a1
}

is_held() { grep -q held "$SUITE_TMP/held"; }
is_steady() { is "$(bd_status ".domains[] | select(.domid == $1) | .state")" steady "state of $1"; }
is_no_domain() { ! probe ".domains[] | select(.domid == $1)" >/dev/null; }

# A domain that cannot go, since somebody maps its pages, and the one after it.
remains() {
	local old new holder uuid=00000000-0000-4000-8000-0000000000a2
	guest_config left1 pvh 200 "uuid=\"$uuid\""
	xl create -p -q "$SUITE_TMP/left1.cfg"
	old=$(domid left1)
	xenprobe hold "$old" 0x2000 25600 >"$SUITE_TMP/held" &
	holder=$!
	trap 'kill $holder || true' EXIT # or the host cannot be made clean
	wait_for 20 is_held
	xl destroy left1
	guest_create left1 pv 200 "uuid=\"$uuid\""
	new=$(domid left1)
	[ "$(domain_field "$old" tot_pages)" -ge 25600 ]
	wait_for 60 is_steady "$new"
	is "$(balloonctl explain left1 --json | gojq .domain.domid)" "$new" "domid of left1"
	is "$(balloonctl explain $uuid --json | gojq .domain.domid)" "$new" "domid of its UUID"
	is "$(balloonctl explain "$old" --json | gojq -r .domain.state)" dying "state of what is left"
	has "$(balloonctl explain left1)" "domain $old, of the same"
	has "$(balloonctl explain left1)" "is dying and still keeps"
	balloonctl set left1 180M
	wait_for 60 guest_has_pages left1 $((180 * 256))
	status_is 1 balloonctl set "$old" --weight 5
	kill $holder
	trap - EXIT
	wait_for 30 is_no_domain "$old"
	xl destroy left1
	wait_for 60 guest_gone left1
}

case_ok "one that is started with less has that as its base, and its limits" another_size
case_ok "one that is saved and restored keeps its base" saved seen
case_ok "so does one that comes from elsewhere" saved unseen
case_ok "what is remembered of one is forgotten" forgotten
case_ok "a name and a UUID are the guest that lives, not what is left of it" remains
suite_end
