#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What driver.sh does a few times, often.
# about: guest-driver/*
# long
# takes: 900
# shellcheck source=tests/vm/driver-lib.sh
. "${0%/*}/../driver-lib.sh"
CYCLES=9 LOADS=200 ROUNDS=20

case_ok "PV and PVH guests with the driver, and others without" guests
case_ok "256 MiB down and up: the host maps a PVH guest with as many 2 MiB pages as before" stays_whole
tell_whole
case_ok "the same in turns with the driver in the kernel" speed
tell_speed
case_ok "$ROUNDS rounds of need while the target drops: no process is killed" pressure
tell_kills
case_ok "it comes and goes $LOADS times while targets change: nothing leaks, nobody warns" each comes_and_goes "${NEW[@]}"
suite_end
