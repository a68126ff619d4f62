#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The package and its units: sandbox, reload, watchdog, upgrade, removal, purge.
# The runner's release of the packages is in /var/tmp/debs.
# about: systemd/* debian/* conf/* configure.ac daemon/control/listen* daemon/notify* daemon/config/setup*
# shellcheck source=tests/vm/lib.sh
. "${0%/*}/../lib.sh"

main_pid() { systemctl show -P MainPID balloond; }
install_again() { dpkg -i /var/tmp/debs/balloond_*.deb && wait_for 20 bd_answers; }
held_for() { is "$(bd_claim "$1" state)" held "state of $1"; }
in_cgroup() { # COMMAND: under the device rules of the service
	bash -c 'echo $$ >"/sys/fs/cgroup$(cut -d: -f3 "/proc/$1/cgroup")/cgroup.procs"; shift; exec "$@"' \
		sh "$(main_pid)" "$@"
}
its_root() { echo "/proc/$(main_pid)/root"; } # the file system as the service has it

no_privilege() {
	bd_start
	local status
	status=$(cat "/proc/$(main_pid)/status")
	has "$status" "CapEff:	0000000000000000"
	has "$status" "CapBnd:	0000000000000000"
	has "$status" "NoNewPrivs:	1"
	has "$status" "Seccomp:	2"
	is "$(stat -c %a /run/balloond/control.sock)" 666 "mode of the socket"
	is "$(stat -c %a /var/lib/balloond)" 700 "mode of the state folder"
}

devices() {
	in_cgroup head -c 0 /dev/xen/privcmd
	in_cgroup sh -c ': </dev/xen/xenbus'
	! in_cgroup head -c 1 /dev/vda || fail "it may read a disk"
	! in_cgroup head -c 1 /dev/mem || fail "it may read memory"
	local dev name
	dev=$(its_root)/dev
	[ -c "$dev/xen/privcmd" ]
	[ -c "$dev/xen/xenbus" ]
	[ -b /dev/vda ]
	for name in vda mem hvc0 xen/gntdev xen/evtchn; do
		[ ! -e "$dev/$name" ] || fail "its /dev has $name"
	done
}

files() {
	local path root
	root=$(its_root)
	touch "$root/var/lib/balloond/t" "$root/run/balloond/t"
	rm "$root/var/lib/balloond/t" "$root/run/balloond/t"
	for path in usr usr/lib usr/sbin etc boot var run run/systemd dev/xen sys/fs/cgroup; do
		[ -d "$root/$path" ]
		! touch "$root/$path/t" 2>/dev/null || fail "it may write /$path"
	done
	mkdir -p /root/secret
	! ls "$root/root/secret" 2>/dev/null || fail "it sees /root"
	is "$(ls "$root/tmp")" "" "its /tmp"
	! sh -c 'echo 1 >"$1/proc/sys/vm/drop_caches"' sh "$root" 2>/dev/null || fail "it may tune the kernel"
	is "$(nsenter -t "$(main_pid)" -n ip -br link | wc -l)" 1 "its network interfaces"
}

# What it could start, whom it could ask to act for it, what it could leave behind.
no_other_program() {
	local path root
	root=$(its_root)
	"$root/usr/sbin/balloond" --version
	/usr/bin/true
	! "$root/usr/bin/true" 2>/dev/null || fail "it may start programs"
	! "$root/usr/sbin/xl" 2>/dev/null || fail "it may start xl"
	for path in var/lib/balloond run/balloond tmp var/tmp dev/shm; do
		cp /usr/bin/true "$root/$path/true"
		! "$root/$path/true" 2>/dev/null || fail "it may start what it wrote to /$path"
		rm "$root/$path/true"
	done
}

no_other_socket() {
	local path root
	root=$(its_root)
	for path in run/dbus/system_bus_socket run/systemd/private; do
		[ -S "/$path" ]
		! [ "/$path" -ef "$root/$path" ] || fail "it reaches /$path"
	done
	mkdir -p /run/xen
	touch /run/xen/t
	[ ! -e "$root/run/xen/t" ] || fail "it reaches /run/xen"
	rm /run/xen/t
	for path in run/systemd/notify run/systemd/journal/socket run/xenstored/socket; do
		[ "/$path" -ef "$root/$path" ]
	done
}

no_dump() {
	local pid
	pid=$(main_pid)
	has "$(tr -s ' ' <"/proc/$pid/limits")" "Max core file size 0 0"
	[ "$(readlink "/proc/$pid/ns/ipc")" != "$(readlink /proc/self/ns/ipc)" ]
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# The list of processes tells of `xl save`, and of another balancer, which is looked for at
# the start.
balancer_named() { bd_status '.daemon.problems | join(" ")' | grep -q squeezed; }
sees_processes() {
	cp /usr/bin/sleep "$SUITE_TMP/squeezed"
	"$SUITE_TMP/squeezed" 600 &
	systemctl restart balloond
	wait_for 20 balancer_named
	kill $!
	systemctl restart balloond
	wait_for 20 bd_answers
}

reload_checks() {
	printf '[host]\ntick = 7s\n' >/etc/balloond/balloond.conf.d/t.conf
	systemctl reload balloond
	printf '[host]\ntick = sometimes\n' >/etc/balloond/balloond.conf.d/t.conf
	! systemctl reload balloond 2>/dev/null || fail "a bad file was taken"
	wait_for 10 bd_journal_has 't.conf:2: tick'
	balloonctl ping
	! systemctl restart balloond 2>/dev/null || fail "it starts with a bad file"
	rm /etc/balloond/balloond.conf.d/t.conf
	systemctl reset-failed balloond
	bd_start
}

not_in_a_guest() { # where the file is there and empty
	systemctl stop balloond
	mount --bind /dev/null /proc/xen/capabilities
	systemctl start balloond || true
	local state
	state=$(systemctl is-active balloond || true)
	umount /proc/xen/capabilities
	is "$state" inactive "without control_d"
	systemctl reset-failed balloond.socket balloond || true
	systemctl start balloond.socket
	bd_start
}

new_pid() { [ "$(main_pid)" != "$1" ] && [ "$(main_pid)" != 0 ]; }
watchdog() {
	local id pid
	id=$(balloonctl claim 32M | head -n 1)
	pid=$(main_pid)
	kill -STOP "$pid"
	wait_for 90 new_pid "$pid"
	wait_for 20 bd_answers
	bd_journal_has 'atchdog'
	held_for "$id"
	holders_are 1
	balloonctl release "$id"
}

upgrade() {
	local id pid socket
	id=$(balloonctl claim 64M | head -n 1)
	echo "# mine" >>/etc/balloond/balloond.conf
	pid=$(main_pid)
	socket=$(systemctl show -P ActiveEnterTimestamp balloond.socket)
	install_again
	new_pid "$pid"
	is "$(systemctl show -P ActiveEnterTimestamp balloond.socket)" "$socket" "when the socket was opened"
	is "$(systemctl is-active balloond-release-holders)" active
	held_for "$id"
	holders_are 1
	is "$(tail -n 1 /etc/balloond/balloond.conf)" "# mine" "the edited configuration"
}

removal_keeps() {
	local id
	id=$(bd_status '.claims[0].id')
	dpkg -r balloond
	holders_are 1
	is "$(xl_info outstanding_claims)" 64 "outstanding MiB"
	! pgrep -x balloond || fail "it still runs"
	install_again
	held_for "$id"
	holders_are 1
}

purge_drops() {
	dpkg -P balloond
	holders_are 0
	is "$(xl_info outstanding_claims)" 0 "outstanding MiB"
	local path
	for path in /etc/balloond /var/lib/balloond /run/balloond; do
		[ ! -e $path ] || fail "$path is left: $(find $path)"
	done
	install_again
	bd_no_claim
	getent group balloond
}

# No daemon is there to have an opinion of guests with such names, and such a UUID.
purge_spares() {
	local ours=ba11002d-c1a1-4111-8111-111111111111 first second third domid
	balloonctl claim 64M
	dpkg -r balloond
	guest_config first pv 160
	guest_config second pv 160
	guest_config third pv 160 "uuid=\"$ours\""
	for domid in first second third; do xl create -q -p "$SUITE_TMP/$domid.cfg"; done
	first=$(domid first) second=$(domid second) third=$(domid third)
	xl rename first "x $second $ours"
	xl rename second $'x\n'"$ours  $first    x"
	dpkg -P balloond
	for domid in "$first" "$second" "$third"; do
		[ "$(domain_field "$domid" tot_pages)" -gt 0 ]
		xl destroy "$domid"
	done
	holders_are 0
	is "$(xl_info outstanding_claims)" 0 "outstanding MiB"
	install_again
}

case_ok "it runs without a capability" no_privilege
case_ok "it may open Xen's devices and no others" devices
case_ok "it may write its two folders and nothing else, and has no network" files
case_ok "it may start no other program" no_other_program
case_ok "it reaches neither the bus nor systemd, but xenstored and the journal" no_other_socket
case_ok "it leaves no dump, and shares no memory" no_dump
case_ok "it sees the processes of others" sees_processes
case_ok "a reload takes good files and refuses bad ones" reload_checks
case_ok "it does not start where this is no control domain" not_in_a_guest
case_ok "the watchdog restarts one that hangs, claims stand" watchdog
case_ok "an upgrade keeps the socket, the claims, the configuration" upgrade
case_ok "a removed package leaves what is held, a new one adopts it" removal_keeps
case_ok "a purge gives everything back" purge_drops
case_ok "a purge spares guests, whatever their names and UUIDs" purge_spares
suite_end
