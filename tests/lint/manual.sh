#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual: well-formed, and it leaves out no key, no verb, no option; a page or a source that
# is named exists, and a page that exists is installed.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
cd "$top_srcdir" || exit 1

if command -v mandoc >/dev/null; then
	for page in man/*.[1-8]; do
		ok "mandoc -Tlint $page" nothing mandoc -Tlint -W warning "$page"
	done
else
	skip "mandoc" "mandoc is not installed"
fi

uninstalled() {
	for page in man/*.[1-8]; do
		grep -qE "^	$page( \\\\)?\$" Makefile.am || echo "Makefile.am does not install $page"
	done
}
ok "every page is installed" nothing uninstalled

pages_missing() {
	{
		grep -hoE 'Xr balloon[a-z._-]* [1-8]' man/*.[1-8] | sed 's/^Xr //; s/ /./'
		grep -rhoIE '\bballoon(d|ctl)[a-z._-]*\([1-8]\)' ./*.md cli conf daemon debian guest-driver \
			hypervisor-patch lib systemd | sed 's/(\(.\))/.\1/'
	} | sort -u | while read -r page; do
		[ -e "man/$page" ] || echo "man/$page is named somewhere, and there is no such page"
	done
}
ok "every page that is named exists" nothing pages_missing

# A source may be named without its folder: Makefile.am lists all of them.
sources_missing() {
	grep -ohE '[a-z][a-z0-9/-]*\.(c|h|py|sh)\b' HACKING.md README.md | sort -u |
		grep -vxE 'xenctrl\.h|xenstore\.h|tests/fuzz/x\.c' | while read -r f; do
		[ -e "$f" ] || grep -qE "(^|[[:space:]/])$f( |\$)" Makefile.am ||
			echo "HACKING.md or README.md names $f, which does not exist"
	done
}
ok "every source that HACKING.md and README.md name exists" nothing sources_missing

keys_missing() {
	local section="" key
	sed -n -e 's/^#\{0,1\}\(\[[a-z]*\).*/\1/p' -e 's/^#\([a-z0-9-]*\) = .*/\1/p' conf/balloond.conf |
		while read -r key; do
			case $key in
			'['*) section=${key#[} ;;
			*) grep -qE "^\.It (Ic|Cm|Va) $key( |\$)" man/balloond.conf.5 ||
				echo "balloond.conf(5) lacks $key of [$section]" ;;
			esac
		done
}
ok "balloond.conf(5) has every key" nothing keys_missing

# words_missing PAGE WORD...: words that the page does not explain.
words_missing() {
	local page=$1 word
	shift
	[ $# -gt 5 ] || echo "no words for $page were found in the code"
	for word; do
		grep -qE "^\.It Cm ([a-z_-]+ , )*$word( |\$)" "$page" || grep -qE "^\.Cm $word( |\$)" "$page" ||
			echo "$page lacks $word"
	done
}
sim_words() {
	sed -nE 's/^	\{ "([a-z0-9-]+)", [A-Z |]+, read_.*/\1/p' lib/sim/*.c
	grep -ohE '\[BL_SIM_[A-Z_]+\] = "[a-z-]+"' lib/sim/*.c | sed -E 's/.*"(.*)"/\1/'
}
telemetry_words() { sed -nE 's/^	\[KEY_[A-Z_]+\] = \{ "([a-z_]+)".*/\1/p' lib/core/*.c; }
# shellcheck disable=SC2046 # words
ok "balloond-sim(5) has every key and behaviour" nothing words_missing man/balloond-sim.5 $(sim_words)
# shellcheck disable=SC2046 # words
ok "balloond-telemetry(7) has every key" nothing words_missing man/balloond-telemetry.7 $(telemetry_words)

verbs() { "$top_builddir/balloonctl" --help | sed -n 's/^  \([a-z]\{3,\}\)\b.*/\1/p' | sort -u; }
verbs_missing() {
	[ "$(verbs | wc -l)" -gt 10 ] || echo "balloonctl --help lists no verbs"
	verbs | while read -r v; do
		grep -qE "^\.(It|Nm|Ic|Ss|Cm).*\b$v\b" man/balloonctl.1 || echo "balloonctl(1) lacks $v"
	done
}
ok "balloonctl(1) has every verb" nothing verbs_missing

options_missing() { # PROGRAM PAGE VERB...
	local program=$1 page=$2 option
	shift 2
	"$top_builddir/$program" "$@" --help | grep -oE -- '--[a-z][a-z0-9-]+' | sort -u |
		while read -r option; do
			grep -qE -- "(Fl |\\\\-)(\\\\-|-)?${option#--}|Fl -${option#--}" "$page" ||
				echo "$page lacks $option of $program $*"
		done
}
ok "balloond(8) has every option" nothing options_missing balloond man/balloond.8
all_verbs_options() {
	local v
	options_missing balloonctl man/balloonctl.1
	for v in $(verbs); do options_missing balloonctl man/balloonctl.1 "$v"; done
}
ok "balloonctl(1) has every option" nothing all_verbs_options
tap_end
