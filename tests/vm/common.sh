# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Shared by the scripts in this folder that run on the machine (not in dom0).

set -euo pipefail
VM_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VM_NAME=$(basename "$0")
export PATH=$PATH:/usr/sbin:/sbin
umask 022

say() { printf '%s: %s\n' "$VM_NAME" "$*" >&2; }
die() { say "$*"; exit 1; }

# Everything made here (images, chroots, packages, running hosts) is in one
# folder: by default vm/ of the build folder the caller stands in.
VM_DIR=${BALLOOND_VM_DIR:-}
if [ -z "$VM_DIR" ]; then
	[ -e config.status ] || die "set BALLOOND_VM_DIR, or call this in the build folder"
	VM_DIR=$PWD/vm
fi
export VM_SRC VM_DIR

# need COMMAND PACKAGE [COMMAND PACKAGE ...]: name every missing package at once.
need() {
	local missing=()
	while [ $# -gt 0 ]; do
		command -v "$1" >/dev/null || missing+=("$2")
		shift 2
	done
	[ ${#missing[@]} -eq 0 ] || die "missing packages: ${missing[*]}"
}

check_release() {
	case $1 in
	bookworm) XEN_VERSION=4.17 ;;
	trixie) XEN_VERSION=4.20 ;;
	*) die "unknown release '$1' (bookworm or trixie)" ;;
	esac
	export XEN_VERSION
}

# timed STAGE COMMAND...: say how long a stage took; its status is the command's.
# The command runs outside any condition, so that set -e holds within it.
timed() {
	local stage=$1 start=$SECONDS
	shift
	"$@"
	say "$stage took $((SECONDS - start)) s"
}

# debian_sources RELEASE: one-line apt sources for a release, on the very
# mirrors this machine uses for its own, so no address is written down here.
debian_sources() {
	local release=$1 uri codename component own
	# shellcheck disable=SC1091
	own=$(. /etc/os-release && echo "${VERSION_CODENAME:?}")
	# shellcheck disable=SC2016 # the $() are apt's placeholders
	apt-get indextargets 'Created-By: Packages' 'Origin: Debian' \
		--format '$(REPO_URI) $(CODENAME) $(COMPONENT)' | sort -u |
		while read -r uri codename component; do
			[ "$component" = main ] || continue
			case $codename in
			"$own" | "$own"-updates | "$own"-security)
				echo "deb $uri $release${codename#"$own"} main" ;;
			esac
		done
}

# bootstrap RELEASE TARGET MMDEBSTRAP-OPTION...: a Debian tree in TARGET.
bootstrap() {
	local release=$1 target=$2 work sources
	shift 2
	[ "$(id -u)" = 0 ] || die "must be run as root (it makes a Debian tree)"
	sources=$(debian_sources "$release")
	[ -n "$sources" ] || die "apt knows no Debian index: run 'apt-get update' first"
	work=$(mktemp -d)
	# The machine's own way to its mirrors (proxies, retries, dates).
	apt-config dump | grep -E '^Acquire::(https?|Check-|Retries|Max-)' >"$work/apt.conf" || true
	echo 'APT::Install-Recommends "false";' >>"$work/apt.conf"
	if ! mmdebstrap --variant=minbase --aptopt="$work/apt.conf" \
		--aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$@" "$release" "$target" - <<<"$sources" >"$target.log" 2>&1; then
		tail -n 30 "$target.log" >&2
		rm -rf "$work"
		die "mmdebstrap failed for $release; its log: $target.log"
	fi
	rm -rf "$work"
}

# cached NAME KEY FUNCTION: have $VM_DIR/NAME made by FUNCTION (in a scratch
# folder, its argument), unless it is there and was made from the same KEY.
# The rename comes last, so what bears the name is whole.
cached() {
	local name=$1 key=$2 make=$3 dir tmp lock
	dir=$VM_DIR/$name tmp=$VM_DIR/$name.new
	mkdir -p "$VM_DIR"
	exec {lock}>"$VM_DIR/$name.lock"
	flock "$lock"
	if [ "$(cat "$dir/key" 2>/dev/null)" != "$key" ]; then
		rm -rf "$tmp"
		mkdir -p "$tmp"
		timed "$name" "$make" "$tmp"
		printf '%s\n' "$key" >"$tmp/key"
		rm -rf "$dir"
		mv -T "$tmp" "$dir"
	fi
	exec {lock}>&-
}

# key_of WORDS... -- FILES...: a digest of the inputs of a cached thing.
key_of() {
	local words=()
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	{ printf '%s\n' "${words[@]}" && cat -- "$@"; } | sha256sum | cut -d' ' -f1
}
