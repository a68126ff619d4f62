# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For ./demo and ./check: packages, a copy of the sources, builds. Everything
# made is below build/.

set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$top/build
log=$build/log
export LC_ALL=C.UTF-8
export PATH=$PATH:/usr/sbin:/sbin
umask 022

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# What the build itself needs; the checks add theirs.
# shellcheck disable=SC2034 # for those who source this
build_packages=(autoconf automake gcc libc6-dev libevent-dev libsmartcols-dev
	libsystemd-dev libtool libyajl-dev make pkg-config uthash-dev)

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -n "$@" || sudo "$@"
	else
		die "not root, and there is no sudo; as root, this was to be run: $*"
	fi
}

# need_packages PACKAGE...: install those that are missing, and say so.
need_packages() {
	local p missing=()
	command -v dpkg-query >/dev/null || die "this is made for Debian; elsewhere see README.md"
	for p; do
		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed ||
			missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing missing packages: ${missing[*]}"
	mkdir -p "$log"
	if ! apt-get -s -qq install "${missing[@]}" >/dev/null 2>&1; then
		as_root apt-get -q update >"$log/apt.log" 2>&1 </dev/null ||
			{ tail -n 20 "$log/apt.log" >&2; die "apt-get update failed"; }
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
		install "${missing[@]}" >>"$log/apt.log" 2>&1 </dev/null ||
		{ tail -n 20 "$log/apt.log" >&2; die "apt-get could not install them"; }
}

# The files of the project, NUL-separated: what git knows or would take up; in
# an unpacked tarball everything but build/.
list_sources() {
	if git -C "$top" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$top" ls-files -z --cached --others --exclude-standard
	else
		(cd "$top" && find . -path ./build -prune -o -type f -printf '%P\0')
	fi | sort -zu
}

# copy_sources: bring build/src up to date, times kept, and make its configure
# there, so that the work tree stays as it is.
copy_sources() {
	local list=$build/src.list
	mkdir -p "$build/src"
	list_sources | while IFS= read -r -d '' f; do
		if [ -e "$top/$f" ]; then printf '%s\0' "$f"; fi
	done >"$list.new"
	if [ -e "$list" ]; then
		comm -z -23 "$list" "$list.new" | (cd "$build/src" && xargs -0 -r rm -f --)
	fi
	tar -C "$top" --null -T "$list.new" -cf - | tar -C "$build/src" -xf - || return
	mv "$list.new" "$list"
	cd "$build/src" || return
	if [ ! configure -nt configure.ac ] || [ ! Makefile.in -nt Makefile.am ]; then
		autoreconf -fi || return
	fi
	cd "$top" || return
}

# build_in DIR CONFIGURE-ARGUMENT...: configure build/DIR when needed, and make.
build_in() {
	local dir=$build/$1
	shift
	mkdir -p "$dir" && cd "$dir" || return
	if [ "$(cat .configured 2>/dev/null)" != "$*" ] || [ ! -e Makefile ] ||
		[ "$build/src/configure" -nt config.status ]; then
		rm -f .configured
		../src/configure -q "$@" || return
		echo "$*" >.configured
	fi
	make -s -j"$(nproc)" || return
	cd "$top" || return
}
