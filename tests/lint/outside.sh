#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the house asks of what is outside: which headers, which functions of the system,
# and by which names it is known there. Who uses whom inside is rooms.py's.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"
cd "$top_srcdir" || exit 1

# includes FOLDER: FILE: HEADER, a line each, resolved for the headers of ours
# that are named without their folder.
includes() {
	find "$1" -name '*.[ch]' | sort | while read -r f; do
		sed -n 's/^#[[:space:]]*include[[:space:]]*["<]\([^">]*\)[">].*/\1/p' "$f" |
			while read -r h; do
				if [[ $h != */* ]] && [ -e "$(dirname "$f")/$h" ]; then
					h=$(dirname "$f")/$h
				fi
				echo "$f: $h"
			done
	done
}

# Foreign headers of which only the ports may know.
foreign=': (xen.*\.h|xen/.*|event2?/.*|event\.h|systemd/.*|sys/socket\.h|sys/un\.h|netinet/.*|arpa/.*|sys/epoll\.h|poll\.h|pthread\.h|time\.h|sys/time\.h|unistd\.h|fcntl\.h|syslog\.h)$'
pure() { includes "$1" | grep -E "$foreign"; }
includers() { # PATTERN OF HEADER: the files that include it
	for d in lib daemon cli; do includes "$d"; done | grep -E ": $1\$" | cut -d: -f1 | sort -u
}
at_most_one() { [ "$(includers "$1" | wc -l)" -le 1 ] || { includers "$1"; return 1; }; }

ok "lib/core includes no Xen, event, systemd, socket or clock header" nothing pure lib/core
ok "lib/proto includes no Xen, event, systemd, socket or clock header" nothing pure lib/proto
ok "at most one file includes xenctrl.h" at_most_one 'xenctrl\.h'
ok "at most one file includes xenstore.h" at_most_one 'xenstore\.h'
ok "at most one file includes yajl" at_most_one 'yajl/.*'

# The manager knows the backends by their table alone, and no socket.
manager_ports() { includes daemon/manager | grep -E ': (xen|event2/(listener|bufferevent))'; }
ok "the manager includes no header of Xen or of sockets" nothing manager_ports

# What the objects of a pure library want from outside: this and nothing else.
# No file, no clock, no output, no thread, no environment.
libc='mem(cpy|cmp|set|move|chr|rchr|mem)|str(len|nlen|cmp|ncmp|casecmp|ncasecmp|chr|rchr|str|spn|cspn|pbrk|dup|ndup|cpy|ncpy|cat|error|error_r|error_l)|strto(u?ll?|d|ul|l)|__isoc23_strto(u?ll?)'
libc+='|malloc|calloc|realloc|reallocarray|free|qsort|qsort_r|bsearch|v?snprintf|abort|__assert_fail|__errno_location'
libc+='|__(memcpy|memset|memmove|strcpy|strcat|strncpy|strncat|snprintf|vsnprintf|stpcpy)_chk|__stack_chk_fail|exit|exp2'
libc+='|__ctype_(b|tolower|toupper)_loc|stpcpy|floor|ceil|fmod|llround|lround|pow|isnan|isinf|__isnan|__isinf|__fpclassify|__finite'
# 128-bit arithmetic of the compiler's own library
libc+='|__u?(div|mod|divmod)ti[34]'
libc+='|_GLOBAL_OFFSET_TABLE_|newlocale|uselocale|freelocale|strtod_l|localeconv'

wants() { # LIBRARY ALLOWED-PATTERN
	local lib=$top_builddir/.libs/$1.a defined
	[ -e "$lib" ] || { echo "$lib was not built"; return; }
	defined=$(nm --defined-only "$lib" | awk 'NF == 3 { print $3 }' | sort -u)
	nm -u "$lib" | awk '$1 == "U" { print $2 }' | sort -u |
		grep -vxFf <(printf '%s\n' "$defined") | grep -vxE "$2" |
		sed "s/^/$1 wants /"
}
ok "lib/core asks nothing of the system" nothing wants libblcore "$libc"
ok "lib/proto asks for yajl and lib/core alone" nothing wants libblproto "$libc|bl_.*|yajl_.*"

# Names say where a function lives.
names() { # LIBRARY PATTERN
	nm --defined-only -g "$top_builddir/.libs/$1.a" | awk 'NF == 3 { print $3 }' | grep -vxE "$2"
}
ok "lib/core's names begin with bl_" nothing names libblcore 'bl_.*'
ok "lib/proto's names begin with bl_" nothing names libblproto 'bl_.*'
if grep -q '^#define HAVE_SIM' "$top_builddir/config.h"; then
	ok "lib/sim's names begin with bl_" nothing names libblsim 'bl_.*'
fi
ok "the daemon's names begin with bd_" nothing names libbd 'bd_.*'

# The library shows what its map lists, and nothing else.
exported() {
	nm -D --defined-only "$top_builddir/.libs/libballoon.so" |
		awk '$2 != "A" { print $3 }' | sed 's/@.*//' | sort -u
}
mapped() { sed -n 's/^[[:space:]]*\([a-z_0-9]*\);.*/\1/p' lib/client/libballoon.map | sort -u; }
exports_are_the_map() { diff <(mapped) <(exported); }
ok "libballoon exports what its map lists" exports_are_the_map
tap_end
