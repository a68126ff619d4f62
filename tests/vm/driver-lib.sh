# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the suites of the guest driver: guests that have it and guests that have
# not, side by side, and the cases of which a suite chooses the counts.
# shellcheck source=tests/vm/lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

MODULE=/lib/balloond_guest.ko
START_MIB=512
NEW=(pv_new pvh_new) OLD=(pv_old pvh_old)

# As in lib.sh, but xl, which takes its time, is asked only when the guest is another.
domid() {
	local id name
	id=$(cat "$SUITE_TMP/$1.domid" 2>/dev/null) &&
		name=$(xenstore-read "/local/domain/$id/name" 2>/dev/null) &&
		[ "$name" = "$1" ] || id=$(xl domid "$1" 2>/dev/null) || return
	echo "$id" >"$SUITE_TMP/$1.domid"
	echo "$id"
}

# each FUNCTION NAME…: FUNCTION NAME for all names at once; all must succeed.
each() {
	local name pids=() bad=0 i
	local what=$1
	shift
	for name; do
		($what "$name") >"$SUITE_TMP/each.$name" 2>&1 &
		pids+=($!)
	done
	for i in "${!pids[@]}"; do
		wait "${pids[i]}" || bad=1
	done
	for name; do sed "s/^/$name: /" "$SUITE_TMP/each.$name"; done
	return $bad
}

# --- targets. They are written as a toolstack does: xl takes the limit along,
# which takes away what is given up; the store alone leaves it to the guest.

target_of() { xs_of "$1" memory/target; } # NAME: KiB
ask() { xenstore-write "/local/domain/$(domid "$1")/memory/target" "$2"; } # NAME KIB
again() { ask "$1" "$(target_of "$1")"; } # NAME: the same target

# remember NAME: its pages and its target, while it has just what it was given.
remember() { echo "$(guest_pages "$1") $(target_of "$1")" >"$SUITE_TMP/$1.start"; }
# pages_at NAME KIB: how many pages it has when it is at that target.
pages_at() {
	local pages target
	read -r pages target <"$SUITE_TMP/$1.start"
	echo $((pages - (target - $2) / 4))
}
# at_kib NAME KIB [SECONDS]: until it has just that.
at_kib() { xenprobe until "$(domid "$1")" "$(pages_at "$1" "$2")" "${3:-60}" >/dev/null; }
mem_set() { # NAME MIB: and wait for it
	xl mem-set "$1" "$2"
	at_kib "$1" "$(target_of "$1")"
}
back() { mem_set "$1" $START_MIB; } # NAME

# --- in the guest

load() { guest_do "$1" "insmod $MODULE ${2-}"; } # NAME [PARAMETERS]
unload() { guest_do "$1" 'rmmod balloond_guest'; } # NAME
loaded() { guest_do "$1" 'test -d /sys/module/balloond_guest'; } # NAME
unloaded() { ! loaded "$1" || unload "$1"; } # NAME

# look NAME: its sysctls (current, min, max, target), the driver's counters, MemTotal,
# MemFree, PerCpuFree (which is in no MemFree, and tens of MiB since Linux 6.7),
# MemAvailable, oom_kill and uptime, all at once: each command costs a second.
# shellcheck disable=SC2016 # for the guest's shell
look() {
	guest_do "$1" 'cd /proc/sys/xen/balloon 2>/dev/null && grep "" current min max target | tr : " ";
		cat /sys/kernel/debug/balloond_guest/stats 2>/dev/null;
		sed -n "s/^\(Mem[A-Za-z]*\): *\([0-9]*\).*/\1 \2/p;/^oom_kill /p" /proc/meminfo /proc/vmstat;
		awk "/^ *count:/ { n += \$2 } END { print \"PerCpuFree\", n * 4 }" /proc/zoneinfo;
		read -r up _ </proc/uptime; echo uptime ${up%.*}' >"$SUITE_TMP/$1.look"
}
seen() { sed -n "s/^$2 //p" "$SUITE_TMP/$1.look"; } # NAME KEY: at the last look
seen_free() { echo $(($(seen "$1" MemFree) + $(seen "$1" PerCpuFree))); } # NAME
now() { look "$1" && seen "$1" "$2"; }              # NAME KEY
# By its hands, not by those of the kernel's own driver.
pages_moved() { echo $((512 * $(seen "$1" extents_out) + $(seen "$1" pages_out))); } # NAME
uptime_past() { [ "$(now "$1" uptime)" -ge "$2" ]; } # NAME SECONDS

# report NAME KEY: of what it told the host last.
report() { xs_of "$1" data/balloond/stat | tr ' ' '\n' | sed -n "s/^$2=//p"; }
report_is() { # NAME KEY VALUE…: one of these
	local value word
	value=$(report "$1" "$2")
	for word in "${@:3}"; do [ "$value" != "$word" ] || return 0; done
	fail "$2 of $1 is '$value', none of: ${*:3}"
}

# Whatever its kernel logged since log_clear as a warning or worse, but for what it says
# of slow clocks and of a processor that comes.
log_clear() { guest_do "$1" 'dmesg -c >/dev/null'; } # NAME
log_warnings() { # NAME
	guest_do "$1" "dmesg -r | awk -F'[<>]' '\$2 % 8 <= 4' |
		grep -vE 'hrtimer: interrupt took|clocksource|TSC|tsc|spinlock event irq' || true"
}
log_is_clean() { is "$(log_warnings "$1")" "" "warnings of $1"; } # NAME

# --- the host

# ballast NAME KEEP: a domain that never runs and has all memory but KEEP MiB.
ballast() {
	local mib
	mib=$(($(xl_info free_memory) - $2 - 6)) # its own needs are about that
	guest_config "$1" pv $mib
	until xl create -p -q "$SUITE_TMP/$1.cfg" 2>/dev/null; do
		mib=$((mib - 2))
		sed -i "s/^\(memory\|maxmem\)=.*/\1=$mib/" "$SUITE_TMP/$1.cfg"
	done
}
ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

suite_diagnose_host=$(declare -f suite_diagnose)
eval "host_$suite_diagnose_host"
suite_diagnose() {
	local name
	host_suite_diagnose
	for name in "${NEW[@]}"; do
		domid "$name" >/dev/null || continue
		echo "--- $name"
		xs_of "$name" data/balloond/stat
		GUEST_LIMIT=10 guest_do "$name" 'dmesg | tail -n 12; cat /sys/kernel/debug/balloond_guest/stats'
	done
}

# --- cases

guests() {
	local name
	for name in "${NEW[@]}"; do guest_start "$name" "${name%_*}" $START_MIB driver=yes; done
	for name in "${OLD[@]}"; do guest_start "$name" "${name%_*}" $START_MIB driver=yes; done
	for name in "${NEW[@]}" "${OLD[@]}"; do
		guest_up "$name"
		remember "$name"
	done
}

# --- cases with counts: ROUNDS, CYCLES and LOADS are the suite's

# wander NAME [FROM TO]: others write it targets between so many MiB, until `stays` or the
# end of the case.
wander() {
	local target from=${2:-300} to=${3:-$START_MIB}
	target=/local/domain/$(domid "$1")/memory/target
	(while sleep 0.3; do xenstore-write "$target" $(((from + RANDOM % (to - from)) * 1024)); done) &
	WANDERS=$!
	trap 'kill $WANDERS 2>/dev/null || true' EXIT
}
stays() {
	kill "$WANDERS"
	wait "$WANDERS" || true
}

# Loaded and unloaded while others write targets: nothing leaks, nobody warns.
comes_and_goes() { # NAME
	local total free after
	# What the first time costs (the kernel's own caches) is no leak.
	unloaded "$1"
	load "$1"
	mem_set "$1" 300
	back "$1"
	unload "$1"
	look "$1"
	total=$(seen "$1" MemTotal) free=$(seen_free "$1")
	log_clear "$1"
	wander "$1"
	GUEST_LIMIT=$((60 + LOADS * 6)) guest_do "$1" "i=0; while [ \$i -lt $LOADS ]; do insmod $MODULE || exit 1;
		usleep \$((i % 7 * 50000)); rmmod balloond_guest || exit 1; i=\$((i + 1)); done"
	stays
	load "$1"
	back "$1"
	log_is_clean "$1"
	unload "$1"
	look "$1"
	is "$(seen "$1" MemTotal)" "$total" MemTotal
	after=$(seen_free "$1")
	[ "$after" -gt $((free - 8 * 1024)) ] || fail "free were $free KiB, are $after"
	load "$1"
	# The look at the log can fail.
	guest_do "$1" 'echo "<4>a warning" >/dev/kmsg'
	has "$(log_warnings "$1")" "a warning"
	log_clear "$1"
}

# bulk NAME MIB: in files, which go when they are removed. Faults of a process take
# minutes for as much.
bulk() { guest_do "$1" "dd if=/dev/zero of=/mnt/bulk bs=1M count=$2 2>/dev/null"; }
# hog NAME MIB [WORD…]: in the background of the guest; how it ended is in its /mnt/hog.
hog() {
	guest_do "$1" "rm -f /mnt/hog; (guesthog ${*:2}; echo \$? >/mnt/hog) >/dev/console 2>&1 &"
}
hog_ended() { guest_do "$1" 'cat /mnt/hog'; } # NAME: its status; fails while it runs

# Other needs meet a target that drops below what is in use. ROUNDS of it.
pressure() {
	local i
	rm -f "$SUITE_TMP/kills"
	each unloaded "${NEW[@]}"
	each load "${NEW[@]}"
	for ((i = 0; i < ROUNDS; i++)); do
		each squeezed "${NEW[@]}" "${OLD[@]}"
	done
	cat "$SUITE_TMP/kills"
	is "$(grep -c new "$SUITE_TMP/kills" || true)" 0 "kills beside the driver"
	grep -q old "$SUITE_TMP/kills" # else it was no pressure
}
squeezed() { # NAME
	local kills
	kills=$(now "$1" oom_kill)
	GUEST_LIMIT=180 bulk "$1" 160
	hog "$1" 40 busy
	wait_for 180 hog_has "$1" 40
	ask "$1" $((200 * 1024))
	case $1 in
	*_new) keeps_what_it_needs "$1" ;;
	*_old)
		local lost=no
		(loses_what_it_needs "$1") &
		wait $! || lost=yes
		if [ $lost = yes ] || guest_gone "$1"; then made_again "$1"; return; fi
		;;
	esac
	[ "$(now "$1" oom_kill)" = "$kills" ] || echo "$1" >>"$SUITE_TMP/kills"
	refilled "$1"
}
ONE_MORE='guesthog 40 seconds=1 || echo "ended with $?"'
# shellcheck disable=SC2016 # for the guest's shell
NEED_ENDS='rm -f /mnt/bulk; kill $(pidof guesthog) 2>/dev/null || true'
keeps_what_it_needs() { # NAME
	wait_for 60 report_is "$1" state 3
	report_is "$1" reason 2 5
	GUEST_LIMIT=120 guest_do "$1" "$ONE_MORE"
	guest_do "$1" "$NEED_ENDS"
	wait_for 30 hog_ended "$1"
	at_kib "$1" $((200 * 1024))
	wait_for 15 report_is "$1" state 0
}
# Where nothing is left, a command may not even be answered until there is more again.
loses_what_it_needs() { # NAME
	wait_for 180 is_short "$1"
	GUEST_LIMIT=10 guest_do "$1" "$ONE_MORE" || true
	refilled "$1"
	guest_do "$1" "$NEED_ENDS"
}
# A kernel that finds nothing more to kill panics; one may also never come round again.
made_again() { # NAME
	local id
	echo "$1" >>"$SUITE_TMP/kills"
	id=$(cat "$SUITE_TMP/$1.domid")
	guest_gone "$1" || xl destroy "$1"
	wait_for 60 guest_gone "$1"
	xenstore-rm "/local/domain/$id" 2>/dev/null || true # written to by us when it was gone
	guest_again "$1"
	guest_up "$1"
	remember "$1"
}
refilled() { # NAME: by two values, for the kernel's own
	ask "$1" $((START_MIB * 1024 - 4))
	at_kib "$1" $((START_MIB * 1024 - 4))
	ask "$1" $((START_MIB * 1024))
	at_kib "$1" $((START_MIB * 1024))
}
hog_has() { tail -n 20 "$(guest_log "$1")" | grep -aq "guesthog: has $2 MiB"; } # NAME MIB
is_short() { [ "$(guest_value "$1" MemAvailable)" -lt $((30 * 1024)) ]; }          # NAME
tell_kills() { sort "$SUITE_TMP/kills" | uniq -c | sed "s/\$/: rounds of $ROUNDS in which a process was killed/;s/^/#/"; }

# cycle NAME KIB: so much less and again all; prints the milliseconds.
cycle() {
	local id=0 target start low full
	id=$(domid "$1") full=$((START_MIB * 1024))
	low=$(pages_at "$1" $((full - $2)))
	target=/local/domain/$id/memory/target
	start=$(ms)
	xenstore-write "$target" $((full - $2))
	xenprobe until "$id" "$low" 120 >/dev/null
	xenstore-write "$target" $full
	xenprobe until "$id" "$(pages_at "$1" $full)" 120 >/dev/null
	echo $(($(ms) - start))
}
# Full cycles of both in turns, and such as move next to nothing.
speed() {
	local i name
	for ((i = 0; i < CYCLES; i++)); do
		for name in pv_old pv_new pvh_old pvh_new; do
			cycle $name $((256 * 1024)) >>"$SUITE_TMP/$name.full"
			cycle $name 1024 >>"$SUITE_TMP/$name.empty"
		done
	done
}
median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
moves() { echo $(($(median "$SUITE_TMP/$1.full") - $(median "$SUITE_TMP/$1.empty"))); } # NAME: ms
tell_speed() {
	local type
	for type in PVH PV; do
		awk -v type=$type -v old="$(moves ${type,,}_old)" -v new="$(moves ${type,,}_new)" \
			'BEGIN { printf "# %s: %.2f times as fast as the driver in the kernel (256 MiB down and up: %d ms, %d ms)\n",
				type, old / new, new, old }'
	done
}

# As many 2 MiB mappings as before a full cycle. The kernel's own breaks them: it can be seen.
stays_whole() {
	local name
	each unloaded "${NEW[@]}"
	each load "${NEW[@]}"
	for name in pvh_old pvh_new; do
		xenprobe tables "$(domid $name)" >"$SUITE_TMP/$name.before"
		cycle $name $((256 * 1024))
		xenprobe tables "$(domid $name)" >"$SUITE_TMP/$name.after"
	done
	[ "$(<"$SUITE_TMP/pvh_old.after")" -gt $(($(<"$SUITE_TMP/pvh_old.before") + 64)) ]
	[ "$(<"$SUITE_TMP/pvh_new.after")" -le "$(<"$SUITE_TMP/pvh_new.before")" ]
}
tell_whole() {
	local name
	for name in pvh_old pvh_new; do
		echo "# tables that map $name: $(<"$SUITE_TMP/$name.before") pages, after the cycle $(<"$SUITE_TMP/$name.after")"
	done
}
