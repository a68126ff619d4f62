# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Debian's package of Linux's source, for whoever needs more than headers.
# shellcheck source=tests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

LINUX_SOURCE=6.1 # that of bookworm

make_linux_source() { # DIR
	local hook
	# shellcheck disable=SC2016 # for mmdebstrap's shell
	hook='mkdir -p "$1/var/tmp" && cd "$1/var/tmp" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q -o APT::Sandbox::User=root download'
	bootstrap bookworm "$1/root" --variant=custom --customize-hook="$hook linux-source-$LINUX_SOURCE"
	dpkg-deb --fsys-tarfile "$1"/root/var/tmp/linux-source-*.deb |
		tar -x -C "$1" --strip-components=3 "./usr/src/linux-source-$LINUX_SOURCE.tar.xz"
	rm -rf --one-file-system "$1/root" "$1/root.log"
}

# linux_source FOLDER [FILE...]: unpack it, or some files of it.
linux_source() {
	local folder=$1
	shift
	need mmdebstrap mmdebstrap xz xz-utils
	cached linux-source "$(key_of "$LINUX_SOURCE" "$(declare -f make_linux_source)" -- "$VM_SRC/common.sh")" \
		make_linux_source
	tar -x -C "$folder" --strip-components=1 -f "$VM_DIR/linux-source/linux-source-$LINUX_SOURCE.tar.xz" \
		"${@/#/linux-source-$LINUX_SOURCE/}"
}
