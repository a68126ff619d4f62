#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A build with --disable-sim says that it has no simulator. The tests that have no host then are
# skipped here by their names.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"

refuses() { # SAYS PROGRAM ARGUMENT...: exit status 2, and a message that holds SAYS
	local says=$1 out status=0
	shift
	out=$("$top_builddir/$1" "${@:2}" 2>&1 </dev/null) || status=$?
	echo "status $status: $out"
	[ "$status" = 2 ] && [[ $out == *"$says"* ]]
}
mentions_sim() { "$top_builddir/$1" --help | grep -w sim; }

ok "balloond says that it was built without the simulator" \
	refuses "built without the simulator" balloond --backend sim
ok "balloond knows no options of the simulator" refuses "--sim-speed" balloond --sim-speed 2
ok "balloond --help does not mention sim" nothing mentions_sim balloond
ok "balloonctl has no command for it" refuses "no command 'sim'" balloonctl sim create a 1G
ok "balloonctl --help does not mention sim" nothing mentions_sim balloonctl
for test in ${LEFT_OUT:?run by make}; do
	skip "$test" "this build has no simulator"
done
tap_end
