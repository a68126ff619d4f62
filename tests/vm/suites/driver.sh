#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The driver for Linux guests, beside the one in the kernel.
# about: guest-driver/*
# takes: 600
# shellcheck source=tests/vm/driver-lib.sh
. "${0%/*}/../driver-lib.sh"
CYCLES=3 LOADS=25 ROUNDS=2

# What it says when it comes and goes, and what is left behind.
loads() { # NAME
	local total before
	unloaded "$1"
	total=$(now "$1" MemTotal)
	load "$1"
	has "$(guest_do "$1" 'dmesg | grep balloond_guest:')" 'owns memory/target (way watch), min '
	look "$1"
	is "$(seen "$1" way)" watch way
	is "$(seen "$1" target)" "$(target_of "$1")" target
	is "$(seen "$1" current)" "$(target_of "$1")" current
	is "$(seen "$1" max)" "$(xs_of "$1" memory/static-max)" max
	[ "$(seen "$1" min)" -gt $((100 * 1024)) ]
	before=$(pages_moved "$1")
	mem_set "$1" 384
	look "$1"
	is "$(seen "$1" target)" $((384 * 1024)) target
	is "$(seen "$1" current)" $((384 * 1024)) current
	is "$(($(pages_moved "$1") - before))" $((128 * 256)) "pages it moved"
	back "$1"
	is "$(now "$1" MemTotal)" "$total" MemTotal
	mem_set "$1" 384
	unload "$1"
	has "$(guest_do "$1" 'dmesg | grep balloond_guest:')" 'gave memory/target back'
	at_kib "$1" $((384 * 1024))
	mem_set "$1" 448 # the kernel's own acts again
	back "$1"
	is "$(now "$1" MemTotal)" "$total" MemTotal
	load "$1"
}

# The floor: held, and the host is told why.
floor() { # NAME
	unloaded "$1"
	load "$1" "min=$((400 * 1024))"
	xl mem-set "$1" 300
	at_kib "$1" $((400 * 1024))
	wait_for 15 report_is "$1" state 3
	report_is "$1" reason 1
	report_is "$1" target_kib $((400 * 1024))
	report_is "$1" min_kib $((400 * 1024))
	guest_do "$1" "echo $((350 * 1024)) >/proc/sys/xen/balloon/min"
	at_kib "$1" $((350 * 1024))
	wait_for 15 report_is "$1" min_kib $((350 * 1024))
	back "$1"
	wait_for 15 report_is "$1" state 0
	report_is "$1" reason 0
}

# What is out of bounds is EPERM, and changes nothing.
bounds() { # NAME
	local min max
	look "$1"
	min=$(seen "$1" min) max=$(seen "$1" max)
	is "$(guest_do "$1" "cd /proc/sys/xen/balloon;
		refuse() { (echo \$2 >\$1) 2>&1 | grep -q 'Operation not permitted' || echo \$1=\$2 is not refused; };
		refuse min $((32 * 1024)); refuse min $((max + 4));
		refuse target $((min - 4)); refuse target $((max + 4))")" ""
	look "$1"
	is "$(seen "$1" min)" "$min" min
	is "$(seen "$1" target)" "$(target_of "$1")" target
	guest_do "$1" "echo $((min + 4)) >/proc/sys/xen/balloon/min"
	is "$(now "$1" min)" $((min + 4)) min
}
sets_target() { # NAME: from within
	guest_do "$1" "echo $((450 * 1024)) >/proc/sys/xen/balloon/target"
	at_kib "$1" $((450 * 1024))
	again "$1"
	at_kib "$1" $((START_MIB * 1024))
}
max_follows() { # NAME
	mem_set "$1" 400
	xl mem-max "$1" 448
	wait_for 15 now_is "$1" max $((448 * 1024))
	xl mem-max "$1" $START_MIB
	wait_for 15 now_is "$1" max $((START_MIB * 1024))
	back "$1"
}
now_is() { is "$(now "$1" "$2")" "$3" "$2 of $1"; }

# A host that is full for a minute. The kernel's own tries after 2, 4 and 8 s.
full_host() {
	local name up
	each unloaded "${NEW[@]}"
	each load "${NEW[@]}"
	for name in "${NEW[@]}" "${OLD[@]}"; do xl mem-set "$name" 384; done
	for name in "${NEW[@]}" "${OLD[@]}"; do at_kib "$name" $((384 * 1024)); done
	ballast crumb $(($(xl_info free_memory) - 600))
	ballast ballast 0
	up=$(now pv_old uptime)
	for name in "${NEW[@]}" "${OLD[@]}"; do xl mem-set "$name" $START_MIB; done
	each tries "${NEW[@]}"
	wait_for 120 uptime_past pv_old $((up + 60))
	for name in "${NEW[@]}"; do
		report_is "$name" state 1
		report_is "$name" reason 4
	done
	each acts_again "${NEW[@]}"
}
tries() { wait_for 30 tries_on "$1" "$(now "$1" steps)"; } # NAME
tries_on() { [ "$(now "$1" steps)" -gt "$2" ]; } # NAME STEPS
# The same target again is tried at once: more often than by its clock alone, every 3 s.
acts_again() { # NAME
	local steps up target i
	target=/local/domain/$(domid "$1")/memory/target
	tries "$1"
	up=$(seen "$1" uptime) steps=$(seen "$1" steps)
	for ((i = 0; i < 10; i++)); do
		xenstore-write "$target" $((START_MIB * 1024))
		sleep 0.7
	done
	look "$1"
	up=$(($(seen "$1" uptime) - up)) steps=$(($(seen "$1" steps) - steps))
	[ $steps -ge 10 ] || fail "$steps steps in $up s"
	[ $steps -gt $((up / 5 + 1)) ] || fail "$steps steps in $up s"
}

then_room() {
	local name start old=()
	for name in "${OLD[@]}"; do old+=("$(guest_pages "$name")"); done
	for name in "${NEW[@]}"; do
		xenprobe until "$(domid "$name")" "$(pages_at "$name" $((START_MIB * 1024)))" 60 \
			>"$SUITE_TMP/$name.arrived" &
	done
	xl destroy crumb
	start=$(ms)
	wait
	for name in "${NEW[@]}"; do
		[ -s "$SUITE_TMP/$name.arrived" ]
		echo "$name $(($(<"$SUITE_TMP/$name.arrived") - start))" | tee -a "$SUITE_TMP/room"
	done
	for name in "${OLD[@]}"; do again "$name"; done
	start=$(now pv_old uptime)
	wait_for 60 uptime_past pv_old $((start + 5))
	for name in "${!OLD[@]}"; do guest_has_pages "${OLD[name]}" "${old[name]}"; done
	xl destroy ballast
	# Another value wakes them.
	for name in "${OLD[@]}"; do
		mem_set "$name" $((START_MIB - 1))
		back "$name"
	done
}
tell_room() { sed 's/^\(.*\) \(.*\)/# \1: there \2 ms after the room/' "$SUITE_TMP/room"; }

# Nothing happens at rest but a report every 10 s.
idles() { # NAME
	local up steps reports seconds
	wait_for 30 report_is "$1" state 0
	look "$1"
	up=$(seen "$1" uptime) steps=$(seen "$1" steps) reports=$(seen "$1" reports)
	wait_for 90 uptime_past "$1" $((up + 22))
	seconds=$(($(seen "$1" uptime) - up)) reports=$(($(seen "$1" reports) - reports))
	is "$(seen "$1" steps)" "$steps" steps
	[ $reports -le $((seconds / 10 + 1)) ] || fail "$reports reports in $seconds s"
	[ $reports -ge $((seconds / 10 - 1)) ] || fail "$reports reports in $seconds s"
}

# The other way to own the target.
diverts() { # NAME
	unloaded "$1"
	load "$1" patch_only=1
	mem_set "$1" 400
	look "$1"
	is "$(seen "$1" way)" ftrace way
	is "$(pages_moved "$1")" $((112 * 256)) "pages it moved"
	back "$1"
	unload "$1"
	mem_set "$1" 448
	back "$1"
	load "$1"
}

# Saved on the way to a target that the hypervisor does not let it reach yet.
half_way() {
	local name
	each gets_some "${NEW[@]}"
	each saved_and_restored "${NEW[@]}"
	for name in "${NEW[@]}"; do xl mem-set "$name" $START_MIB; done
	each is_whole "${NEW[@]}"
}
gets_some() { # NAME
	mem_set "$1" 300
	xl mem-set "$1" 400 # the limit goes along
	ask "$1" $((START_MIB * 1024))
	wait_for 30 report_is "$1" reason 4
	[ "$(guest_pages "$1")" -gt $((390 * 256)) ]
	[ "$(guest_pages "$1")" -lt "$(pages_at "$1" $((START_MIB * 1024)))" ]
}
is_whole() { # NAME
	at_kib "$1" $((START_MIB * 1024))
	wait_for 15 report_is "$1" state 0
	log_is_clean "$1"
	guest_alive "$1"
}
saved_and_restored() { # NAME
	local image=/var/tmp/$1.img
	log_clear "$1"
	xl save "$1" "$image" >/dev/null
	wait_for 60 guest_gone "$1"
	xl restore "$image" >/dev/null
	rm "$image"
	guest_alive "$1"
	wait_for 15 xs_of "$1" data/balloond/stat
	is "$(target_of "$1")" $((START_MIB * 1024)) target
}
checkpointed() { # NAME
	log_clear "$1"
	xl mem-set "$1" 400
	xl save -c "$1" /dev/null >/dev/null
	guest_alive "$1"
	at_kib "$1" $((400 * 1024))
	back "$1"
	log_is_clean "$1"
}
# To this very host: Debian's Xen cannot send PV guests while they run.
migrated() { # NAME
	local before
	printf '#!/bin/bash\nshift\nexec "$@"\n' >"$SUITE_TMP/host"
	chmod +x "$SUITE_TMP/host"
	before=$(domid "$1")
	log_clear "$1"
	mem_set "$1" 400
	xl migrate -s "$SUITE_TMP/host" "$1" here >/dev/null
	[ "$(domid "$1")" != "$before" ]
	wait_for 30 xs_of "$1" data/balloond/stat
	back "$1"
	is_whole "$1"
}

# Processors go and come while it moves, in guests that have two.
hotplug() {
	guest_start pv_cpus pv 300 driver=yes vcpus=2
	guest_start pvh_cpus pvh 300 driver=yes vcpus=2
	guest_up pv_cpus
	guest_up pvh_cpus
	each unplugs pv_cpus pvh_cpus
	xl destroy pv_cpus
	xl destroy pvh_cpus
}
unplugs() { # NAME
	local full i
	remember "$1"
	full=$(target_of "$1")
	# What the kernel itself warns of when one comes (PV, with DEBUG_VM), it says once.
	processors_become "$1" 0 0
	processors_become "$1" 1 0-1
	load "$1"
	log_clear "$1"
	wander "$1" 200 300
	for ((i = 0; i < 3; i++)); do
		processors_become "$1" 0 0
		processors_become "$1" 1 0-1
	done
	stays
	ask "$1" "$full"
	at_kib "$1" "$full"
	log_is_clean "$1"
}
processors_become() { # NAME 0|1 LIST: the second is on, or not
	guest_do "$1" "echo $2 >/sys/devices/system/cpu/cpu1/online"
	is "$(guest_do "$1" 'cat /sys/devices/system/cpu/online')" "$3" "processors of $1"
}
more_memory() { # NAME
	local total
	total=$(now "$1" MemTotal)
	xl mem-max "$1" $((START_MIB + 256))
	xl mem-set "$1" $((START_MIB + 256))
	wait_for 120 comes_online "$1"
	wait_for 15 report_is "$1" state 0
	[ "$(now "$1" MemTotal)" -gt $((total + 240 * 1024)) ]
	mem_set "$1" 400
	mem_set "$1" $((START_MIB + 256))
	xl mem-set "$1" $START_MIB
	at_kib "$1" $((START_MIB * 1024))
	xl mem-max "$1" $START_MIB
}
comes_online() { # NAME: by itself, or told to
	# shellcheck disable=SC2016 # for the guest's shell
	guest_do "$1" 'for m in /sys/devices/system/memory/memory*; do
		grep -q offline $m/state && echo online >$m/state; done' || true
	at_kib "$1" $(((START_MIB + 256) * 1024)) 2
}

case_ok "PV and PVH guests with the driver, and others without" guests
case_ok "256 MiB down and up: the host maps a PVH guest with as many 2 MiB pages as before" stays_whole
tell_whole
case_ok "the same in turns with the driver in the kernel" speed
tell_speed
case_ok "the driver takes the target over, and gives it and all memory back" each loads "${NEW[@]}"
case_ok "a target below the floor is held at the floor, and the host is told" each floor "${NEW[@]}"
case_ok "sysctl refuses what is out of bounds, with EPERM" each bounds "${NEW[@]}"
case_ok "sysctl sets a target, until the host's is written again" each sets_target "${NEW[@]}"
case_ok "max follows xl mem-max" each max_follows "${NEW[@]}"
case_ok "while the host is full for a minute it goes on trying, and acts on the same target again" full_host
case_ok "room appears: it is taken at once; the kernel's own stays where it is" then_room
tell_room
case_ok "what is in use is kept, and given when it is free: no process is killed" pressure
tell_kills
case_ok "it comes and goes $LOADS times while targets change: nothing leaks, nobody warns" each comes_and_goes "${NEW[@]}"
case_ok "it owns the target by ftrace, too" each diverts "${NEW[@]}"
case_ok "at rest it does nothing but report every 10 s" each idles "${NEW[@]}"
case_ok "a guest saved half way to its target reaches it after it is restored" half_way
case_ok "a guest goes on after a checkpoint" each checkpointed "${NEW[@]}"
case_ok "a PVH guest goes on after a live migration" migrated pvh_new
case_ok "processors go and come while it moves" hotplug
case_ok "memory beyond that of the boot is plugged, used, and given back" each more_memory "${NEW[@]}"
suite_end
