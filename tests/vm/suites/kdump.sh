#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest with the driver, whose memory is partly out, crashes: the kernel that takes
# the dump comes up beside what is left, and reads all of it. HVM alone: libxl cannot
# go on with a PVH domain that crashed so, and PV has no kexec.
# about: guest-driver/*
# long
# shellcheck source=tests/vm/driver-lib.sh
. "${0%/*}/../driver-lib.sh"

# Without the kernel's own driver, which would make that small kernel smaller still.
DUMP_CMDLINE="console=ttyS0 quiet reset_devices nr_cpus=1 pci=noearly initcall_blacklist=balloon_init"
SERIAL=$GUEST_LOGS/serial-crashes.log

# What runs on the kernel for the dump. It says how much there is to read before it
# reads: where a page that is out cannot be read, the second line never comes.
dump_init() {
	cat <<-'INIT'
	#!/bin/sh
	export PATH=/bin
	/bin/busybox --install -s /bin
	mount -t proc proc /proc
	mount -t devtmpfs dev /dev
	exec >/dev/ttyS0 2>&1
	echo "dump begins"
	set -- $(ls -l /proc/vmcore)
	echo "dump has $5 bytes"
	echo "dump read $(dd if=/proc/vmcore bs=1M 2>/dev/null | wc -c) bytes"
	dmesg | grep -iE "bug:|oops|general protection|soft lockup| stall" | sed "s/^/dump complains: /"
	poweroff -f
	INIT
}

# The kernel for the dump, its initrd, and what loads them, beside the driver.
dump_initrd() {
	local from=$GUEST_FILES init=$SUITE_TMP/dump-init initrd=$SUITE_TMP/dump-initrd
	DRIVER_INITRD=/var/tmp/guest-initrd-kdump
	dump_init >"$init"
	{
		zcat "$from/guest-initrd"
		cpio_entry init $((8#100755)) "$init"
		cpio_entry 'TRAILER!!!' 0 /dev/null
	} >"$initrd"
	rm -f "$DRIVER_INITRD" # it would be added to again
	driver_initrd
	{
		cpio_entry bin/guestkexec $((8#100755)) "$from/guestkexec"
		cpio_entry dump-vmlinuz $((8#100644)) "$from/guest-vmlinuz"
		cpio_entry dump-initrd $((8#100644)) "$initrd"
		cpio_entry 'TRAILER!!!' 0 /dev/null
	} >>"$DRIVER_INITRD"
}

guest() {
	dump_initrd
	guest_config crashes hvm 768 driver=yes cmdline=crashkernel=192M "serial=\"file:$SERIAL\""
	guest_again crashes
	guest_up crashes
	remember crashes
	load crashes
	mem_set crashes 500
	guest_do crashes "guestkexec /dump-vmlinuz /dump-initrd '$DUMP_CMDLINE'"
	[ "$(now crashes extents_out)" -gt 100 ]
}

dumped() { grep -aq "dump read [0-9]* bytes" "$SERIAL"; }
dump() {
	local has
	: >"$SERIAL"
	echo "0 echo c >/proc/sysrq-trigger" >"$(xs_of crashes console/tty)"
	wait_for 240 dumped
	has=$(sed -n 's/^dump has \([0-9]*\) bytes.*/\1/p' "$SERIAL")
	[ "$has" -gt $(((768 - 192 - 16) << 20)) ] # all but what was kept for the dump
	has "$(cat "$SERIAL")" "dump read $has bytes"
	wait_for 60 guest_gone crashes
	status_is 1 grep -a "dump complains" "$SERIAL"
}

case_ok "an HVM guest that has given 268 MiB, with a kernel for the dump" guest
case_ok "it crashes: the dump is read to its end" dump
suite_end
