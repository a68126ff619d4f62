#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The race, ten times.
# about: daemon/manager/claim-admit.c daemon/manager/handoff.c lib/core/plan-admit*
# long
RACE_SEEDS=(1 2 3 4 5 6 7 8 9 10)
# takes: 400
# shellcheck source=tests/vm/suites/race.sh
. "${0%/*}/race.sh"
