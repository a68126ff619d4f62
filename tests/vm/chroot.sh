# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A Debian tree of a release in which the packages, the suites' tools and the
# guest driver are built: whoever sources this has set release.
# shellcheck source=tests/vm/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

check_release "$release"
top=$(cd "$VM_SRC/../.." && pwd)
control=$top/debian/control
chroot=$VM_DIR/chroot-$release

build_depends() {
	[ ! -e "$control" ] || awk '/^[^ ]/ { on = /^Build-Depends/ } on' "$control"
}

make_chroot() { # DIR
	local hook tools=libelf1,libssl3
	# The newest compilers are those of the newest release: tree-check wants both.
	[ "$release" = bookworm ] || tools=libelf1t64,libssl3t64,pahole,clang
	build_depends >"$1/build-depends"
	# shellcheck disable=SC2016 # for mmdebstrap's shell
	hook='set -eu; [ -s "$BUILD_DEPENDS" ] || exit 0
		mkdir -p "$1/build/debian"
		{ echo "Source: balloond"; cat "$BUILD_DEPENDS"; printf "\nPackage: balloond\nArchitecture: any\n"; } >"$1/build/debian/control"
		chroot "$1" sh -c "cd /build && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends build-dep ./"'
	# dkms, and what the programs of the kernel's headers are linked with.
	BUILD_DEPENDS=$1/build-depends bootstrap "$release" "$1/root" \
		--include="build-essential,fakeroot,libxen-dev,dkms,$tools" --customize-hook="$hook"
	rm -f "$1/root.log"
}

# chroot_ready: the tree is there, and this process alone uses it until it ends.
chroot_ready() {
	local lock
	need mmdebstrap mmdebstrap unshare util-linux
	mkdir -p "$VM_DIR"
	exec {lock}>"$VM_DIR/chroot-$release.use"
	flock "$lock"
	cached "chroot-$release" "$(key_of "$release" "$(build_depends)" "$(declare -f make_chroot)" -- \
		"$VM_SRC/common.sh")" make_chroot
}

# in_chroot COMMAND: without network, in a mount and process space of its own, with
# terminals for the tests that want one.
in_chroot() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --pid --net --ipc --fork sh -eu -c '
		mount -t proc proc "$0/proc"
		mount -t tmpfs shm "$0/dev/shm" 2>/dev/null || true
		mount -t devpts -o newinstance,ptmxmode=666 devpts "$0/dev/pts"
		exec chroot "$0" /bin/sh -eu -c "$1"' "$chroot/root" "$1"
}

fresh_build_folder() {
	rm -rf --one-file-system "$chroot/root/build"
	mkdir -p "$chroot/root/build/tree"
}

# The files of the project, less this folder: a changed suite builds no package.
sources() {
	if git -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$top" ls-files -z --cached --others --exclude-standard
	else
		(cd "$top" && find . -path "$VM_DIR" -prune -o -type f -print0)
	fi | sort -zu | while IFS= read -r -d '' file; do
		case $file in
		tests/vm/* | ./tests/vm/*) continue ;;
		esac
		[ ! -f "$top/$file" ] || printf '%s\0' "$file"
	done
}

sources_key() { sources | (cd "$top" && xargs -0 -r sha256sum) | sha256sum; }

# copy_sources: into a fresh build folder of the tree.
copy_sources() {
	fresh_build_folder
	sources | tar -C "$top" --null -T - -c | tar -x -C "$chroot/root/build/tree"
}

# The guest driver's sources, less what a build left beside them.
driver_sources() {
	(cd "$top" && find guest-driver -maxdepth 1 -type f \( -name '*.[ch]' -o -name Kbuild \
		-o -name Makefile -o -name dkms.conf \) ! -name '*.mod.c' | sort)
}

driver_key() { # WORDS...
	local files
	mapfile -t files < <(driver_sources | sed "s|^|$top/|")
	key_of "$@" -- "${files[@]}"
}

# kernel_ready FOLDER: prints the version of the kernel in the folder, that of an image or
# of headers; the tree can build modules for it, and for no other. The packages are unpacked:
# the kernel they want installed is not.
kernel_ready() {
	local folder=$1 root=$chroot/root file have
	have=$(cd "$folder/headers" && echo *)
	cat "$folder/kernel-version"
	[ "$(cat "$root/usr/src/.kernel" 2>/dev/null)" != "$have" ] || return 0
	rm -rf "$root"/usr/src/linux-* "$root"/usr/lib/linux-* "$root"/lib/modules
	for file in "$folder"/headers/*.deb; do
		# dpkg-deb -x would put a folder in the place of the link /lib.
		dpkg-deb --fsys-tarfile "$file" | tar -x -C "$root" --keep-directory-symlink
	done
	# What the kernel's own package would have brought: DKMS leaves a kernel alone
	# that has no list of modules.
	in_chroot "cd /lib/modules/* && touch modules.order modules.builtin modules.builtin.modinfo &&
		depmod \"\$(basename \"\$PWD\")\""
	echo "$have" >"$root/usr/src/.kernel"
}
