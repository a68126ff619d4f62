#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The driver for Linux guests, beside the one in the kernel.
# main
# limit: 1200
# shellcheck source=tests/vm/driver-lib.sh
. "${0%/*}/../driver-lib.sh"
CYCLES=3 LOADS=25 ROUNDS=2

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
case_ok "room appears: it is there within 5 s; the kernel's own stays where it is" then_room
tell_room
case_ok "what is in use is kept, and given when it is free: no process is killed" pressure
tell_kills
case_ok "it comes and goes $LOADS times while targets change: nothing leaks, nobody warns" each comes_and_goes "${NEW[@]}"
case_ok "it owns the target by ftrace, too" each diverts "${NEW[@]}"
case_ok "at rest it does nothing but report every 10 s" each idles "${NEW[@]}"
case_ok "a guest saved half way to its target reaches it after it is restored" half_way
case_ok "a guest goes on after a checkpoint" each checkpointed "${NEW[@]}"
case_ok "a PVH guest goes on after a live migration" migrated pvh_new
case_ok "processors go and come while it moves" each hotplug "${NEW[@]}"
case_ok "memory beyond that of the boot is plugged, used, and given back" each more_memory "${NEW[@]}"
suite_end
