#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the package's scripts do to a host, with programs that stand for Xen's.
# The names of guests are hostile: what is destroyed is told by domid alone.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
postrm=$top_srcdir/debian/balloond.postrm
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

ours=ba11002d-c1a1-4111-8111-111111111111
guest=7e9dd3a2-5c5f-4b1f-9d5a-2f4c4d7a0001
marked=ba11002d-c1a1-4fff-8fff-ffffffffffff # a guest that somebody gave such a UUID

# A program that stands for another takes its name from the file.
stand_in() { # NAME: its text is read
	{ echo '#!/bin/bash'; cat; } >"$tmp/bin/$1"
	chmod +x "$tmp/bin/$1"
}

# new_host: dom0 of a host with no domain, where the package left its state.
new_host() {
	rm -rf "${tmp:?}"/*
	mkdir -p "$tmp"/{bin,domains,store/0} "$tmp"/root/{var/lib,run,etc}/balloond "$tmp/root/proc/xen" \
		"$tmp/root/var/lib/balloond/claims" "$tmp/root/etc/balloond/balloond.conf.d"
	touch "$tmp"/{called,store/0/{name,vm}}
	echo control_d >"$tmp/root/proc/xen/capabilities"
	export TMP_HOST=$tmp
	stand_in xl <<-'END'
	echo "xl $*" >>"$TMP_HOST/called"
	cd "$TMP_HOST/domains"
	case $* in
	vm-list)
		echo 'UUID                                  ID    name'
		for d in *; do
			[ -e "$d" ] && { read -r uuid; IFS= read -rd '' name; } <"$d"
			printf '%s  %d    %-30s\n' "$uuid" "$d" "$name"
		done ;;
	'list -v')
		echo 'Name                ID   Mem VCPUs	State	Time(s)   UUID          Reason-Code	Security Label'
		for d in *; do
			[ -e "$d" ] && { read -r uuid; IFS= read -rd '' name; } <"$d"
			printf '%-40s %5d %5d %5d     ------  %8.1f %s %s -\n' "$name" "$d" 256 1 1 "$uuid" -
		done ;;
	'destroy '*) rm "$2" ;;
	*) exit 2 ;;
	esac
	END
	stand_in xenstore-list <<-'END'
	cd "$TMP_HOST/store" 2>/dev/null || exit 1
	ls "${1#/local/domain/}" 2>/dev/null
	END
}

# domain DOMID UUID NAME KEY...: with these keys in xenstore
domain() {
	local domid=$1 key
	printf '%s\n%s' "$2" "$3" >"$tmp/domains/$domid"
	shift 3
	[ $# = 0 ] || mkdir "$tmp/store/$domid"
	for key; do touch "$tmp/store/$domid/$key"; done
}

run() { env PATH="$tmp/bin:$PATH" DPKG_ROOT="$tmp/root" sh "$postrm" "$@" 2>"$tmp/said"; }
left() { diff <(cd "$tmp/domains" && printf '%s\n' * | sort) <(printf '%s\n' "$@" | sort); } # DOMID...
said() { grep -q -- "$1" "$tmp/said" || { cat "$tmp/said"; return 1; }; }
gone() { [ ! -e "$tmp/root$1" ] && [ ! -L "$tmp/root$1" ]; }

drops_holders_alone() {
	new_host
	domain 3 "$ours" balloond-claim-1 name
	domain 4 "$guest" web name vm memory
	run purge && left 4 && gone /var/lib/balloond && gone /run/balloond && gone /etc/balloond
}

spares() { # NAME OF A GUEST, whose domid is 4; a holder is 3
	new_host
	domain 3 "$ours" balloond-claim-1 name
	domain 4 "$guest" "$1" name vm
	run purge && left 4
}

spares_marked() {
	new_host
	domain 4 "$marked" balloond-claim-2 name vm
	run purge && left 4 && said 'domain 4 is left alone'
}

# From here on the host has a holder that a purge cannot, or must not, drop.
host_with_holder() {
	new_host
	domain 3 "$ours" balloond-claim-1 name
}

goes_on_without() { # PROGRAM SAID: one that fails
	host_with_holder
	stand_in "$1" <<<'exit 1'
	run purge && left 3 && said "$2" && gone /var/lib/balloond
}

spares_without_entry() { # as one that is being built
	new_host
	domain 3 "$ours" ''
	run purge && left 3 && said 'domain 3 is left alone'
}

destroy_fails() {
	host_with_holder
	sed -i "s/^'destroy .*/'destroy '*) exit 1 ;;/" "$tmp/bin/xl"
	run purge && said 'domain 3, which holds a claim' && gone /var/lib/balloond
}

no_control_domain() {
	host_with_holder
	: >"$tmp/root/proc/xen/capabilities"
	run purge && left 3 && nothing cat "$tmp/called" && gone /var/lib/balloond
}

touches_nothing() { # ARGUMENT...
	host_with_holder
	run "$@" && left 3 && nothing cat "$tmp/called" && [ -d "$tmp/root/var/lib/balloond/claims" ]
}

purges_twice() {
	host_with_holder
	run purge && run purge && left '*'
}

keeps_what_is_not_its_own() {
	new_host
	mkdir "$tmp/elsewhere"
	touch "$tmp/elsewhere/file" "$tmp/root/etc/balloond/balloond.conf.d/mine.conf"
	ln -s "$tmp/elsewhere" "$tmp/root/var/lib/balloond/link"
	rm -r "$tmp/root/run/balloond"
	ln -s "$tmp/elsewhere" "$tmp/root/run/balloond"
	run purge && gone /var/lib/balloond && gone /run/balloond && [ -e "$tmp/elsewhere/file" ] &&
		[ -e "$tmp/root/etc/balloond/balloond.conf.d/mine.conf" ]
}

folder_stays() {
	host_with_holder
	stand_in rm <<<'case $* in *var/lib/balloond) exit 1 ;; esac; exec /bin/rm "$@"'
	run purge && said 'not all of /var/lib/balloond' && gone /run/balloond
}

ok "a purge destroys holders and no guest" drops_holders_alone
for name in "$ours" "x 4 $ours" "a 4 4 4 $ours b" "$ours  4    x" "ID $ours" '* ? [a' -n \
	$'x\n'"$ours  4    x" $'\n'"$ours 4" $'x\n'"$ours 04" $'x\n'"$ours 0" $'x\n'"$ours 4;reboot" \
	$'x\n'"$ours -1" $'x\n'"$ours * x" $'\xff\e[2J'"$ours 4" "$(printf 'x%.0s' {1..5000}) 4 $ours"; do
	quoted=$(printf %q "$name")
	ok "a guest lives whose name is ${quoted:0:70}" spares "$name"
done
ok "a guest lives whose UUID begins as those of holders do" spares_marked
ok "a purge without xl's answer says so, and goes on" goes_on_without xl 'claims stay'
ok "a purge without xenstored's answer says so, and goes on" goes_on_without xenstore-list 'domain 3 is left alone'
ok "a domain that xenstore does not know lives" spares_without_entry
ok "a holder that cannot be destroyed is named" destroy_fails
ok "where this is no control domain nobody asks Xen" no_control_domain
for arguments in remove upgrade failed-upgrade abort-install abort-upgrade disappear '' 'purged x' 'remove purge'; do
	# shellcheck disable=SC2086 # words
	ok "with '$arguments' nothing is touched" touches_nothing $arguments
done
ok "a second purge does no harm" purges_twice
ok "files elsewhere and the administrator's own stay" keeps_what_is_not_its_own
ok "a folder that cannot be removed is named, and the purge goes on" folder_stays
tap_end
