#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest driver: one version, a package that has every file of it, no circle of files.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
cd "$top_srcdir" || exit 1

of_configure() { sed -n 's/^AC_INIT(\[balloond\], \[\(.*\)\])$/\1/p' configure.ac; }
of_dkms() { sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' guest-driver/dkms.conf; }
of_kbuild() { sed -n "s/.*-DBG_VERSION='\"\(.*\)\"'$/\1/p" guest-driver/Kbuild; }
ok "dkms.conf has the version of configure.ac" diff <(of_configure) <(of_dkms)
ok "the module has it, too" diff <(of_configure) <(of_kbuild)

# Kbuild names objects; make dist and the package name or match files.
objects() { sed -n 's/^balloond_guest-y := //p' guest-driver/Kbuild | tr ' ' '\n' | sort; }
listed() { sed -n 's|^\tguest-driver/\(.*\)\.c\( \\\)\{0,1\}$|\1.o|p' Makefile.am | sort; }
ok "every source of Kbuild is in the tarball, and no other" diff <(objects) <(listed)

ok "its files use each other as HACKING.md lists" python3 tests/lint/guest-driver.py

if command -v systemd-analyze >/dev/null && command -v /sbin/modprobe >/dev/null; then
	ok "systemd takes the unit" nothing systemd-analyze verify --man=no guest-driver/balloond-guest.service
else
	skip "systemd takes the unit" "systemd or kmod is not installed"
fi
tap_end
