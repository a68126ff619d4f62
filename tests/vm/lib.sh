# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For suites in dom0: guests, readers of the hypervisor, a clean host.
# shellcheck source=tests/vm/cases.sh
. "${BASH_SOURCE[0]%/*}/cases.sh"

GUEST_LOGS=/var/log/guests
GUEST_FILES=/usr/lib/balloond-vm

# --- the hypervisor, as seen by others than balloond

xl_info() { xl info | awk -v key="$1" '$1 == key { print $3 }'; } # FIELD
domid() { xl domid "$1" 2>/dev/null; }                            # NAME
# Not jq: its version 1.6 reads a library of its own at each start, for two seconds here.
probe() { xenprobe | gojq -er "$1"; }                             # EXPRESSION

# domain_field DOMID FIELD: tot_pages, max_pages, outstanding_pages, handle, …
domain_field() { probe ".domains[] | select(.domid == $1) | .$2"; }
guest_pages() { domain_field "$(domid "$1")" tot_pages; } # NAME
guest_has_pages() { is "$(guest_pages "$1")" "$2" "pages of $1"; }
# Where room comes back bit by bit, the balance leaves less than its threshold alone.
guest_has_back() { [ "$(guest_pages "$1")" -gt $((($2 - 16) * 256)) ]; } # NAME MIB
xs_of() { xenstore-read "/local/domain/$(domid "$1")/$2"; } # NAME KEY

# --- guests

# guest_config NAME TYPE MIB [MAXMIB] [KEY=VALUE…]: write $SUITE_TMP/NAME.cfg.
# TYPE is pv, pvh or hvm. KEY=VALUE are lines of its configuration; the key
# cmdline adds words to its kernel's command line (eat=MIB, or
# initcall_blacklist=balloon_init for a guest without a balloon driver); driver=yes
# puts balloond's driver and guesthog into its initrd.
guest_config() {
	local name=$1 type=$2 mib=$3 max=$3 kernel=vmlinux line extra="" lines=()
	local initrd=$GUEST_FILES/guest-initrd
	shift 3
	case ${1-} in
	'' | *=*) ;;
	*) max=$1; shift ;;
	esac
	for line; do
		case $line in
		cmdline=*) extra=${line#*=} ;;
		driver=yes) driver_initrd; initrd=$DRIVER_INITRD ;;
		*) lines+=("$line") ;;
		esac
	done
	# Linux would first read all of PCI's 65,536 places, each through the device
	# model: minutes where all is emulated.
	[ "$type" != hvm ] || { kernel=vmlinuz; lines+=('vga="none"'); extra="pci=noearly $extra"; }
	cat >"$SUITE_TMP/$name.cfg" <<-CONFIG
	name="$name"
	type="$type"
	kernel="$GUEST_FILES/guest-$kernel"
	ramdisk="$initrd"
	extra="console=hvc0 quiet $extra"
	memory=$mib
	maxmem=$max
	vcpus=1
	cpus="1"
	on_reboot="destroy"
	on_crash="destroy"
	CONFIG
	for line in "${lines[@]}"; do
		sed -i "/^${line%%=*}=/d" "$SUITE_TMP/$name.cfg"
		echo "$line" >>"$SUITE_TMP/$name.cfg"
	done
}

# guest_start NAME TYPE …: as guest_config, and create it; do not wait.
guest_start() {
	guest_config "$@"
	guest_again "$1"
}

# guest_again NAME: from the configuration that guest_config wrote, by what is in
# GUEST_XL (xl).
GUEST_XL=(xl)
guest_again() {
	rm -f "$GUEST_LOGS/guest-$1.log" "$GUEST_LOGS/guest-$1--incoming.log"
	"${GUEST_XL[@]}" create -q "$SUITE_TMP/$1.cfg"
}

# --- archives for a guest's kernel, which unpacks one after another

# cpio_entry NAME MODE FILE: one file, in the format newc.
cpio_entry() {
	local size
	size=$(stat -c %s "$3")
	printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\0' \
		0 "$2" 0 0 1 0 "$size" 0 0 0 0 $((${#1} + 1)) 0 "$1"
	zeros $(((4 - (110 + ${#1} + 1) % 4) % 4))
	cat "$3"
	zeros $(((4 - size % 4) % 4))
}
zeros() { head -c "$1" /dev/zero; }

# driver_initrd: the guests' initrd, and what driver=yes adds to it.
DRIVER_INITRD=/var/tmp/guest-initrd-driver
driver_initrd() {
	local from=$GUEST_FILES to=$DRIVER_INITRD folder=$((8#40755))
	if [ -e "$to" ] && ! [ "$from/balloond_guest.ko" -nt "$to" ] &&
		! [ "$from/guesthog" -nt "$to" ] && ! [ "$from/guest-initrd" -nt "$to" ]; then return; fi
	{
		zcat "$from/guest-initrd"
		cpio_entry lib $folder /dev/null
		cpio_entry lib/balloond_guest.ko $((8#100644)) "$from/balloond_guest.ko"
		cpio_entry bin/guesthog $((8#100755)) "$from/guesthog"
		cpio_entry 'TRAILER!!!' 0 /dev/null
	} >"$to.new"
	mv "$to.new" "$to"
}

# --- what a guest says, and does

# guest_log NAME: one that was migrated has its console under another name.
guest_log() {
	local log=$GUEST_LOGS/guest-$1.log incoming=$GUEST_LOGS/guest-$1--incoming.log
	[ ! -e "$incoming" ] || log=$incoming
	echo "$log"
}

# guest_do NAME COMMAND: run it (as one line) in the guest, and end as it ends there; what it
# prints is printed. GUEST_LIMIT: seconds it may take (60). No process is started
# for a look at the log: that costs more than the command.
guest_do() {
	local number=${EPOCHREALTIME/./}$BASHPID line part="" log never said tty
	local end=$((SECONDS + ${GUEST_LIMIT:-60}))
	tty=$(xs_of "$1" console/tty)
	exec {log}<"$(guest_log "$1")" {never}<> <(:)
	cat <&"$log" >/dev/null
	echo "$number ${2//$'\n'/ }" >"$tty"
	while :; do
		if ! IFS= read -r line <&"$log"; then
			part+=$line
			[ $SECONDS -lt $end ] || break
			read -r -t 0.1 _ <&"$never" || true
			continue
		fi
		line=$part${line%$'\r'} part=""
		case $line in
		"guest says $number "*) echo "${line#"guest says $number "}" ;;
		"guest did $number "*) said=${line##* }; break ;;
		esac
	done
	exec {log}<&- {never}<&-
	[ -n "${said-}" ] || fail "$1 does not answer to: $2" || return 255
	return "$said"
}

guest_said() { grep -aqs "$2" "$GUEST_LOGS/guest-$1.log"; } # NAME PATTERN
guest_gone() { ! domid "$1" >/dev/null; }
guest_said_or_gone() { guest_said "$1" "$2" || guest_gone "$1"; }

# guest_up NAME: until it says so on its console. Under emulation a PVH guest
# is now and then reset before its first line: that one is made again, and
# nothing later is forgiven.
guest_up() {
	local try
	for try in 1 2 3 4 5 6; do
		wait_for 600 guest_said_or_gone "$1" '^guest up'
		guest_said "$1" '^guest up' && return
		echo "$1 was reset before its first line (try $try)"
		guest_again "$1"
	done
	fail "$1 does not come up"
}

guest_create() { guest_start "$@" && guest_up "$1"; }

guest_lines() { grep -ac '^guest alive' "$(guest_log "$1")" || true; }
guest_said_more() { [ "$(guest_lines "$1")" -gt "$2" ]; }
guest_alive() { wait_for 60 guest_said_more "$1" "$(guest_lines "$1")"; } # NAME

# guest_value NAME WORD: MemTotal or MemAvailable in KiB, from its last line.
guest_value() {
	grep -a '^guest alive' "$(guest_log "$1")" | tail -n 1 |
		sed -n "s/.* $2 \([0-9]*\).*/\1/p"
}

no_domain_but_0() { [ "$(xenprobe | gojq '.domains | length')" = 1 ]; }
guest_destroy_all() {
	local id
	for id in $(xenprobe | gojq '.domains[].domid'); do
		[ "$id" = 0 ] || xl destroy "$id" || true
	done
	wait_for 60 no_domain_but_0
}

# --- the host

# host_clean: as after installation: no guest, no daemon, none of its state.
host_clean() {
	pkill -CONT xenstored || true
	pkill -CONT oxenstored || true
	systemctl stop balloond.socket balloond.service 2>/dev/null || true
	systemctl reset-failed 2>/dev/null || true
	guest_destroy_all
	rm -rf /var/lib/balloond/* /run/balloond/* /etc/balloond/balloond.conf.d/* "${GUEST_LOGS:?}"/*
	find "$SUITE_TMP" -mindepth 1 ! -name output -delete # of the case that calls this
	! pooled || xenclaims empty
	wait_for 20 nothing_claimed
	no_ghosts
}
# Whoever writes to a domain that is gone makes one in xenstore that nobody removes.
# balloond writes below memory alone; xenconsoled, its console/tty, now and then too late.
no_ghosts() {
	local id ghosts=""
	for id in $(xenstore-list /local/domain | sed '/^0$/d'); do
		! xenstore-exists "/local/domain/$id/memory" || ghosts+=" $id"
		xenstore-ls "/local/domain/$id"
		xenstore-rm "/local/domain/$id"
	done
	is "$ghosts" "" "domains that are only in xenstore"
}
nothing_claimed() { is "$(probe .host.outstanding_pages)" 0 outstanding_pages; }

suite_diagnose() {
	echo "--- balloond's journal"
	journalctl -q --no-pager -o short-precise -u balloond.service -u balloond.socket \
		--since "@${CASE_START:-0}" | tail -n 80
	echo "--- xl list"
	timeout 10 xl list
	echo "--- xenprobe"
	timeout 10 xenprobe | gojq -c '.host, .domains[]'
	echo "--- xl dmesg"
	timeout 10 xl dmesg | tail -n 60
	echo "--- last lines of guests"
	tail -n 3 "$GUEST_LOGS"/*.log 2>/dev/null
}

# --- balloond

# On the patched hypervisor claims stand in its pool.
pooled() { xenclaims which | grep -q 'is patched'; }
# holders_are N: so many claims are held by domains; none is where they stand in the pool.
holders_are() {
	local n=$1
	! pooled || n=0
	is "$(xenprobe | gojq '[.domains[] | select(.handle | test("^ba11002d-?c1a1"))] | length')" "$n" "holders"
	is "$(xl list | grep -c balloond-claim || true)" "$n" "holders in xl list"
}
bd_answers() { balloonctl ping >/dev/null; }
bd_start() { systemctl start balloond && wait_for 20 bd_answers; }
bd_status() { balloonctl status --json | gojq -er "$1"; }                     # EXPRESSION
bd_domain() { bd_status ".domains[] | select(.name == \"$1\") | .$2"; }   # NAME FIELD
bd_domain_is() { is "$(bd_domain "$1" "$2")" "$3" "$2 of $1"; }           # NAME FIELD VALUE
# NAME MIB [WHY]: the size it was started with, and why that is remembered.
base_is() {
	local base
	base=$(balloonctl explain "$1" --json | gojq -r '.limits | "\(.base_bytes) \(.base_from)"')
	is "${base% *}" $(($2 * 1048576)) "base of $1"
	[ -z "${3-}" ] || is "${base#* }" "$3" "reason of the base of $1"
}
bd_claim() { bd_status ".claims[] | select(.id == \"$1\") | .$2"; }       # ID FIELD
bd_claim_is() { is "$(bd_claim "$1" "$2")" "$3" "$2 of claim $1"; }       # ID FIELD VALUE
bd_no_claim() { is "$(bd_status '.claims | length')" 0 "number of claims"; }
bd_mib() { echo $(($(bd_status "$1") / 1048576)); }                       # EXPRESSION, rounded down
# Of the events kept since the daemon started, the last of a type about a claim or a domain.
bd_journal_has() { journalctl -q -u balloond --since "@$CASE_START" | grep -q -- "$1"; } # PATTERN
