#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints where the guest driver's files use each other otherwise than the list in HACKING.md
says. The sources tell: a name that one file declares in its header and another file mentions
is an arrow, however the declaration got there. No kernel is needed."""
import collections
import os
import re
import sys

SOURCE = os.environ.get("top_srcdir", ".")
FOLDER = os.path.join(SOURCE, "guest-driver")
COMMON = "balloond_guest"  # the header that every file may use

WORD = re.compile(r"\b(?:bg|BG)_\w+")
DECLARATIONS = (  # in a header, at the beginning of a line but for enumerators
    re.compile(r"^[a-z][\w\s*]*?\b(bg_\w+)\(", re.M),  # functions
    re.compile(r"^(?:struct|enum) (bg_\w+) \{", re.M),
    re.compile(r"^extern [\w\s*]*?\b(bg_\w+);", re.M),
    re.compile(r"^\t(BG_\w+)\b", re.M),
    re.compile(r"^#define (BG_\w+)\b", re.M),
)
DEFINITION = re.compile(r"^(?!static\b)[a-z][\w\s*]*?\b(bg_\w+)\([^;]*?\)\n\{", re.M)
INCLUDE = re.compile(r'^#include "(\w+)\.h"', re.M)


def read(name):
    """The text of a file of the driver without its comments; nothing where there is no such file."""
    path = os.path.join(FOLDER, name)
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as f:
        return re.sub(r"/\*.*?\*/|//[^\n]*", "", f.read(), flags=re.S)


def allowed():
    """The list: a file and those that it may use, which all stand above it."""
    with open(os.path.join(SOURCE, "HACKING.md"), encoding="utf-8") as f:
        block = re.search(r"^## The guest driver\n.*?^```\n(.*?)^```", f.read(), re.M | re.S)
    return {words[0]: words[1:] for words in (line.split() for line in (block.group(1) if block else "").splitlines())}


def homes(files):
    """Every name that a header declares, and the files whose headers do."""
    found = collections.defaultdict(set)
    for file in files:
        header = read(file + ".h")
        for pattern in DECLARATIONS:
            for name in pattern.findall(header):
                found[name].add(file)
    return found


def wrong_names(files, home):
    for name, owners in sorted(home.items()):
        if len(owners) > 1:
            yield f"{name} is declared by {' and '.join(sorted(owners))}"
    for file in files:
        for name in DEFINITION.findall(read(file + ".c")):
            if home.get(name) != {file}:
                yield f"{file}.c defines {name}, which {file}.h does not declare"


def used(file, home):
    """The files that one uses, each with the names that it takes; an include alone counts as well."""
    text, taken = read(file + ".c") + read(file + ".h"), collections.defaultdict(set)
    for other in INCLUDE.findall(text):
        taken[other] |= set()
    for name in WORD.findall(text):
        for other in home.get(name, ()):
            taken[other].add(name)
    return {other: names for other, names in taken.items() if other not in (file, COMMON)}


def wrong(may):
    files = sorted(n[:-2] for n in os.listdir(FOLDER) if n.endswith(".c") and not n.endswith(".mod.c"))
    home = homes(files + [COMMON])
    yield from wrong_names(files, home)
    if sorted(may) != files:
        yield f"the list in HACKING.md has {' '.join(sorted(may))}; the files are {' '.join(files)}"
    above = set()
    for file, others in may.items():
        for other in others:
            if other not in above:
                yield f"{file} may use {other}, which does not stand above it in HACKING.md"
        above.add(file)
    for file in files:
        takes = used(file, home)
        for other, names in sorted(takes.items()):
            if other not in may.get(file, ()):
                yield f"{file} may not use {other}: {', '.join(sorted(names)) or 'it includes ' + other + '.h'}"
            elif not names:
                yield f"{file} includes {other}.h and uses nothing of it"
        for other in may.get(file, ()):
            if other not in takes:
                yield f"{file} may use {other} and does not"


if __name__ == "__main__":
    lines = list(wrong(allowed()))
    print("\n".join(lines), end="\n" if lines else "")
    sys.exit(bool(lines))
