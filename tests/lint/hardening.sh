#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the compiler and the linker were to put into programs and libraries, read
# from the files: those of the build, or those named as arguments.
# shellcheck source=tests/tap.sh
. "${top_srcdir:?}/tests/tap.sh"

libs=$top_builddir/.libs
[ $# -gt 0 ] || set -- "$top_builddir/balloond" "$libs/balloonctl" "$libs/libballoon.so.0.0.0" \
	"$libs/libballoon-claim.so"
# libtool keeps a program that wants a library of the build in .libs.
for file; do
	[ -s "$file" ] || { echo "Bail out! $file was not built"; exit 1; }
done

# of_make VARIABLE: as configure left it
of_make() { sed -n "s/^$1 = //p" "$top_builddir/Makefile" | head -n 1; }
# What the compiler predefines with the flags of this build.
macros() {
	# shellcheck disable=SC2046 # lists of words
	$(of_make CC) $(of_make CPPFLAGS) $(of_make HARDEN_CFLAGS) $(of_make CFLAGS) -E -dM -xc - <<<'#include <features.h>'
}
macros=$(macros)
defined() { grep -q "^#define $1\( \|\$\)" <<<"$macros"; }

is_library() { [[ $1 = *.so* ]]; }
position_independent() { # a library always is, else its linker had refused
	grep -q 'Type: *DYN' <(readelf -hW "$1") && { is_library "$1" || grep -q 'Flags:.* PIE' <(readelf -dW "$1"); }
}
full_relro() {
	grep -q GNU_RELRO <(readelf -lW "$1") && grep -q "FLAGS.*NOW" <(readelf -dW "$1")
}
no_executable_stack() { grep -q 'GNU_STACK.* RW ' <(readelf -lW "$1"); }
imports() { grep -q "UND $2\(@\|\$\)" <(readelf --dyn-syms -W "$1"); } # FILE PATTERN

# marked FILE: every function that may be called through a pointer begins with endbr, and a
# shadow stack would do. The linker gives the mark to what is made of marked objects alone,
# and Debian's crt1.o has none: so the objects are asked.
marked() { grep -q 'x86 feature: IBT, SHSTK' <(readelf -nW "$1"); }
unmarked_objects() {
	find "$top_builddir"/{lib,daemon,cli} -name '*.o' | while read -r object; do
		marked "$object" || echo "$object"
	done
}
has_landings() { [ "$(objdump -d "$1" | grep -c 'endbr\(64\|32\)')" -gt 4 ]; } # crtbegin.o has one or two

for file; do
	name=${file##*/}
	ok "$name: position-independent" position_independent "$file"
	ok "$name: full RELRO" full_relro "$file"
	ok "$name: no executable stack" no_executable_stack "$file"
	ok "$name: stack protector" imports "$file" '__stack_chk_fail'
	if grep -q 'BL_SANITIZED 1' "$top_builddir/config.h"; then
		skip "$name: FORTIFY" "a sanitizer sees more without it"
	elif ! defined __OPTIMIZE__; then
		skip "$name: FORTIFY" "it needs optimisation"
	else
		ok "$name: FORTIFY" imports "$file" '__[a-z]*_chk'
	fi
	if defined __x86_64__; then
		ok "$name: landings of indirect branches" has_landings "$file"
	else
		skip "$name: landings of indirect branches" "CET is of x86"
	fi
done
if grep -q 'BL_SANITIZED 1' "$top_builddir/config.h" || ! defined __OPTIMIZE__; then
	skip "FORTIFY of the highest level" "a build to find faults with"
elif [[ " $(of_make CPPFLAGS) $(of_make CFLAGS) " = *_FORTIFY_SOURCE* ]]; then
	skip "FORTIFY of the highest level" "whoever builds chose another"
else
	ok "FORTIFY of the highest level" defined '__USE_FORTIFY_LEVEL 3'
fi
if defined __x86_64__; then
	ok "every object is marked for CET" nothing unmarked_objects
else
	skip "every object is marked for CET" "CET is of x86"
fi
tap_end
