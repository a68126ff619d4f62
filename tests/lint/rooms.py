#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which room uses which, as tests/lint/rooms wants it: proven from what the objects take
of each other (nm) and from the includes. With --show: the rooms, their files and the
arrows between them (`make rooms`)."""
import collections
import os
import re
import subprocess
import sys

SOURCE = os.environ.get("top_srcdir", ".")
BUILD = os.environ.get("top_builddir", ".")
LIST = "tests/lint/rooms"
# What automake puts before an object's name, by the target that the object is made for.
PREFIXES = ("", "libballoon_la-", "libballoon_claim_la-")
ALONE = {"hook"}  # linked with no other room: it has functions of libc and Xen, by the same names
CIRCLE_MAX = 3  # files; the list may allow a room more, and says why


class Room:
    """A line of the list, and what is found of it."""

    def __init__(self, name, folder, uses):
        self.name, self.folder, self.uses = name, folder, uses
        self.circle = CIRCLE_MAX
        self.files = []  # sources, without .c


def read_list():
    """The rooms by name, in the order of the list."""
    rooms = {}
    with open(os.path.join(SOURCE, LIST), encoding="utf-8") as f:
        for line in f:
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0] == "circle":
                rooms[words[1]].circle = int(words[2])
            else:
                rooms[words[0]] = Room(words[0], words[1], words[2:])
    return rooms


def folder_files(folder, *endings):
    return sorted(n for n in os.listdir(os.path.join(SOURCE, folder)) if n.endswith(endings))


def object_of(room, file):
    """The object of a source; None where it was not built."""
    for folder in (os.path.join(BUILD, room.folder, ".libs"), os.path.join(BUILD, room.folder)):
        for prefix in PREFIXES:
            path = os.path.join(folder, prefix + file + ".o")
            if os.path.exists(path):
                return path
    return None


def symbols(path):
    """What an object defines for others, and what it takes of others."""
    out = subprocess.run(["nm", "-g", path], check=True, capture_output=True, text=True).stdout
    defined, taken = set(), set()
    for line in out.splitlines():
        words = line.split()
        (taken if words[-2] in "Uvw" else defined).add(words[-1])
    return defined, taken


class Tree:
    """The rooms and every symbol that one file takes of another."""

    def __init__(self):
        self.rooms = read_list()
        self.missing = []
        self.takes = collections.defaultdict(set)  # (room, file), (room, file): symbols
        home, wanted = {}, {}
        for room in self.rooms.values():
            room.files = [n[:-2] for n in folder_files(room.folder, ".c")]
            for file in room.files:
                path = object_of(room, file)
                if not path:
                    self.missing.append(f"{room.folder}/{file}.c")
                    continue
                defined, wanted[room.name, file] = symbols(path)
                for symbol in () if room.name in ALONE else defined - {"main"}:
                    home[symbol] = (room.name, file)
        for taker, taken in wanted.items():
            for symbol in taken:
                giver = home.get(symbol)
                if giver and giver != taker:
                    self.takes[taker, giver].add(symbol)

    def arrows(self):
        """(room, room): {symbol: files that take it}."""
        found = collections.defaultdict(lambda: collections.defaultdict(list))
        for (taker, giver), taken in sorted(self.takes.items()):
            if taker[0] != giver[0]:
                for symbol in sorted(taken):
                    found[taker[0], giver[0]][symbol].append(taker[1])
        return found

    def circles(self, room):
        """The circles of files in a room, the largest first."""
        after = collections.defaultdict(set)
        for taker, giver in self.takes:
            if taker[0] == giver[0] == room.name:
                after[taker[1]].add(giver[1])
        reached = {}
        for file in room.files:
            reached[file], todo = set(), [file]
            while todo:
                for other in after[todo.pop()] - reached[file]:
                    reached[file].add(other)
                    todo.append(other)
        found = {frozenset(b for b in reached[a] if a in reached[b]) for a in room.files if a in reached[a]}
        return sorted((sorted(c) for c in found), key=lambda c: (-len(c), c))


# ---- cases: each returns what is wrong, a line each ----

def every_folder_is_a_room(tree):
    rooms = {r.folder for r in tree.rooms.values()}
    for top in ("lib", "daemon", "cli"):
        for folder, _, files in os.walk(os.path.join(SOURCE, top)):
            name = os.path.relpath(folder, SOURCE)
            if name not in rooms and any(f.endswith((".c", ".h")) for f in files):
                yield f"{name} is in no line of {LIST}"


def is_built(name):
    with open(os.path.join(BUILD, "config.h"), encoding="utf-8") as f:
        return re.search(rf"^#define {name} 1$", f.read(), re.M) is not None


# Sources that a build may leave out, and the word in config.h that says so.
LEFT_OUT = (("daemon/xen/", "HAVE_XEN"), ("daemon/sim/", "HAVE_SIM"), ("lib/sim/", "HAVE_SIM"),
            ("daemon/control/verbs-sim.c", "HAVE_SIM"), ("cli/sim.c", "HAVE_SIM"))


def every_source_has_its_object(tree):
    for path in tree.missing:
        if all(is_built(word) for start, word in LEFT_OUT if path.startswith(start)):
            yield f"{path} was not built"


def rooms_use_those_above(tree):
    """So that there is no circle between rooms."""
    above = set()
    for room in tree.rooms.values():
        for name in room.uses:
            if name not in above:
                yield f"{room.name} may use {name}, which is no room above it in {LIST}"
        above.add(room.name)


def objects_take_what_they_may(tree):
    for (taker, giver), taken in tree.arrows().items():
        if giver not in tree.rooms[taker].uses:
            for symbol, files in taken.items():
                yield f"{taker} may not use {giver}: {symbol}, taken by {', '.join(files)}"


def room_of(tree, header):
    folder = os.path.dirname(header)
    return next((r.name for r in tree.rooms.values() if r.folder == folder), None)


def includes(room):
    """File and header of ours, a pair each."""
    for name in folder_files(room.folder, ".c", ".h"):
        path = os.path.join(room.folder, name)
        with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
            for header in re.findall(r'^#\s*include\s*["<]([^">]+)[">]', f.read(), re.M):
                beside = os.path.join(room.folder, header)
                if "/" not in header and os.path.exists(os.path.join(SOURCE, beside)):
                    header = beside
                if header.split("/")[0] in ("lib", "daemon", "cli", "tests"):
                    yield path, header


def headers_are_what_they_may(tree):
    for room in tree.rooms.values():
        for path, header in includes(room):
            other = room_of(tree, header)
            if other != room.name and other not in room.uses:
                yield f"{path} includes {header}"


def no_room_is_allowed_in_vain(tree):
    """What a line allows and nobody uses is an arrow that nobody would see come."""
    arrows = tree.arrows()
    for room in tree.rooms.values():
        known = {room_of(tree, header) for _, header in includes(room)}
        without_xen = room.name in ("app", "xen", "store") and not is_built("HAVE_XEN")
        for name in room.uses:
            if (room.name, name) not in arrows and name not in known and not without_xen:
                yield f"{room.name} may use {name} and does not"


def circles_are_small(tree):
    for room in tree.rooms.values():
        sizes = [len(c) for c in tree.circles(room)]
        for circle in tree.circles(room):
            if len(circle) > room.circle:
                yield f"{len(circle)} files of {room.name} go round: {' '.join(circle)}"
        if room.circle > CIRCLE_MAX and max(sizes, default=0) < room.circle:
            yield f"{room.name}: {LIST} allows a circle of {room.circle}, the largest has " \
                  f"{max(sizes, default=0)}: write that"


CASES = [
    ("every folder is a room", every_folder_is_a_room),
    ("every source has its object", every_source_has_its_object),
    ("a room uses rooms above it alone", rooms_use_those_above),
    ("objects take from the rooms that theirs may use", objects_take_what_they_may),
    ("headers are included from the rooms that a room may use", headers_are_what_they_may),
    ("what a room may use it uses", no_room_is_allowed_in_vain),
    ("no more than a few files of a room go round", circles_are_small),
]


def lint(tree):
    failed = False
    for n, (name, case) in enumerate(CASES, 1):
        wrong = list(case(tree))
        failed |= bool(wrong)
        print("not ok" if wrong else "ok", n, "-", name)
        for line in wrong:
            print("#", line)
    for room in tree.rooms.values():
        for circle in tree.circles(room):
            print(f"# go round in {room.name}: {' '.join(circle)}")
    print(f"1..{len(CASES)}")
    return failed


def show(tree):
    arrows = tree.arrows()
    for room in tree.rooms.values():
        print(f"{room.name} ({room.folder}): {' '.join(room.files)}")
        for circle in tree.circles(room):
            print(f"    go round: {' '.join(circle)}")
        for name in room.uses:
            taken = len(arrows[room.name, name]) if (room.name, name) in arrows else 0
            print(f"    -> {name}: " + (f"{taken} symbol{'s' * (taken > 1)}" if taken else "headers alone"))


if __name__ == "__main__":
    if sys.argv[1:] == ["--show"]:
        sys.exit(show(Tree()))
    sys.exit(lint(Tree()))
