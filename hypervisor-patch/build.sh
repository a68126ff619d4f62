#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds Debian's Xen with the series of this folder; see --help.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export LC_ALL=C.UTF-8

usage() {
	cat <<-USAGE
	usage: build.sh --xen 4.17|4.20 --out DIR [--debug] [--flask] [--stock | --patches N]
	  Takes Debian's source package of Xen (VERSION/source names it), applies Debian's
	  patches and the series in VERSION/, builds the hypervisor, and leaves in DIR:
	    xen     the ELF file, for an emulator
	    xen.gz  for a boot loader: /boot/xen-VERSION-amd64.gz
	  --debug      with Xen's own assertions (CONFIG_DEBUG)
	  --flask      with FLASK and, built in, the policy of the source ('flask=enforcing' is
	               for Xen's command line); wants checkpolicy and m4
	  --stock      without the series
	  --patches N  with the first N of the series
	Status 77: the source package cannot be had; what was tried is said.
	USAGE
}

say() { printf 'build.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
misused() { say "$*"; usage >&2; exit 2; }

version="" out="" debug=no flask=no patches=all
while [ $# -gt 0 ]; do
	case $1 in
	--xen) version=${2:?}; shift ;;
	--out) out=${2:?}; shift ;;
	--debug) debug=yes ;;
	--flask) flask=yes ;;
	--stock) patches=0 ;;
	--patches) patches=${2:?}; shift ;;
	-h | --help) usage; exit 0 ;;
	*) misused "unknown argument '$1'" ;;
	esac
	shift
done
[ -n "$version" ] || misused "--xen is missing"
[ -n "$out" ] || misused "--out is missing"
[ -e "$here/$version/source" ] || die "there is no series for Xen '$version'"
case $patches in all | [0-9] | [0-9][0-9]) ;; *) misused "--patches wants a number, not '$patches'" ;; esac

missing=() tools=(gcc:gcc make:make flex:flex bison:bison patch:patch python3:python3 xz:xz-utils)
[ $flask = no ] || tools+=(checkpolicy:checkpolicy m4:m4)
for tool in "${tools[@]}"; do
	command -v "${tool%:*}" >/dev/null || missing+=("${tool#*:}")
done
[ ${#missing[@]} = 0 ] || die "missing packages: ${missing[*]}"

# The pools of the archives that this machine's own apt uses.
pools() {
	# shellcheck disable=SC2016 # the $() are apt's placeholders
	apt-get indextargets 'Created-By: Packages' 'Origin: Debian' --format '$(REPO_URI)' |
		sort -u | while read -r uri; do
			echo "${uri%/}/pool/main/x/xen"
			echo "${uri%/}/pool/updates/main/x/xen"
		done
}

# fetch SHA256 FILE: from whichever has it, as apt fetches its own.
fetch() {
	local pool tried=()
	if [ -e "$2" ] && echo "$1  $2" | sha256sum --check --status; then return; fi
	while read -r pool; do
		if /usr/lib/apt/apt-helper download-file "$pool/${2//+/%2b}" "$2" "SHA256:$1" >fetch.log 2>&1; then
			return
		fi
		tried+=("$pool/$2: $(tail -n 1 fetch.log)")
	done < <(pools)
	rm -f "$2"
	say "the source package of Xen $version cannot be had: no $2"
	[ ${#tried[@]} -gt 0 ] || tried=("apt knows no Debian archive: run 'apt-get update' first")
	printf '  tried %s\n' "${tried[@]}" >&2
	exit 77
}

apply() { # PATCH
	patch -d source -p1 -s -f -F0 <"$1" >patch.log 2>&1 || { cat patch.log >&2; die "$1 does not apply"; }
}

unpack() {
	local file name n=0
	rm -rf source
	mkdir source
	while read -r _ file; do
		case $file in
		*.orig.tar.*) tar -xf "$file" -C source --strip-components=1 ;;
		*) tar -xf "$file" -C source ;;
		esac
	done <"$here/$version/source"
	while read -r name; do
		patch -d source -p1 -s -f <"source/debian/patches/$name" >patch.log 2>&1 ||
			{ cat patch.log >&2; die "Debian's $name does not apply"; }
	done < <(grep -v -e '^#' -e '^$' source/debian/patches/series)
	for file in "$here/$version"/*.patch; do
		[ $n != "$patches" ] || break
		apply "$file"
		n=$((n + 1))
	done
	[ "$patches" = all ] || [ $n = "$patches" ] || die "the series for Xen $version has $n patches only"
	say "Xen $version with $n patches of the series"
}

make=(make -C source/xen -j"$(nproc)")
configure() { # OPTION: with it, where it was without
	sed -i "s/^# $1 is not set\$/$1=y/" source/xen/.config &&
		"${make[@]}" olddefconfig && grep -qx "$1=y" source/xen/.config
}

build() {
	"${make[@]}" olddefconfig KBUILD_DEFCONFIG=x86_64_defconfig || return
	[ $debug = no ] || configure CONFIG_DEBUG || return
	[ $flask = no ] || { configure CONFIG_XSM && configure CONFIG_XSM_FLASK_POLICY; } || return
	"${make[@]}" build
}

mkdir -p "$out/work"
cd "$out/work"
while read -r sum file; do fetch "$sum" "$file"; done <"$here/$version/source"
unpack
(build) >build.log 2>&1 || { tail -n 30 build.log >&2; die "the hypervisor does not build; the log: $PWD/build.log"; }
cp source/xen/xen ../xen.new
cp source/xen/xen.gz ../xen.gz.new
mv ../xen.gz.new ../xen.gz
mv ../xen.new ../xen
rm -rf source
say "made xen and xen.gz"
