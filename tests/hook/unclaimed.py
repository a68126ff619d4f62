#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds that do not claim (claim_mode is off): whichever call takes memory first
asks, once, and a refusal holds to the end of the build."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hook import PAGE, WORLD, Builder, Played, built, claim_of, stakes  # noqa: E402
from host import GIB, MIB, Host, run, wait_until  # noqa: E402

NOBODY = "/nowhere/s"
MIB_PAGES = 256

# 892 MiB are available and 997 MiB free.
TIGHT = """[host]
memory = 4G
dom0 = 1G
seed = 7
[guest a]
static-max = 2G
memory = 2G
min = 2G
[thief db]
at = 1s
size = 940M
rate = 4K
"""

# What the hypervisor is asked for by a build of so many pages, when all is well.
EVEN, ODD = 266 * MIB_PAGES, 267 * MIB_PAGES
END, MAGIC = "claim 5 0", "populate 5 8"
BUILDS = {
    ("pv", EVEN): ["populate 5 133 of order 9", END],
    ("pv", ODD): ["populate 5 133 of order 9", "populate 5 256", END],
    ("pvh", EVEN): ["populate 5 133 of order 9", END, MAGIC],
    ("pvh", ODD): ["populate 5 133 of order 9", "populate 5 256", END, MAGIC],
    ("hvm", EVEN): ["populate 5 160", "populate 5 133 of order 9", END, MAGIC],
    ("pod", EVEN): [f"pod 5 {EVEN}", "populate 5 266 of order 9", END, MAGIC],
    ("restore", 4 * MIB_PAGES): 2 * ["populate 5 1 of order 9"],
    ("restore", 3 * MIB_PAGES): ["populate 5 1 of order 9", "populate 5 256"],
}
# Those that tell the hypervisor that they are at their end, though they failed.
CANCELLING = ("pvh", "hvm", "pod")


def refuses(daemon, lines):
    request = daemon.next(lines)
    lines.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": {
        "code": -32000, "message": "not enough memory", "data": {"id": "no-memory"}}}) + "\n")
    lines.flush()
    lines.readline()


def methods(daemon):
    return [r["method"] for r in daemon.asked]


def claims_before():
    """a claim of all its limit stands before the first extent"""
    with Host(WORLD) as h:
        domid = built(h, "db")
        with Builder(h.socket) as b:
            asked, result, error = b.do("extents", domid, 8 * MIB_PAGES)
            assert (asked, result, error) == ([f"populate {domid} 4 of order 9"], 4, "0")
            claim = claim_of(h, domid)
            assert claim["state"] == "building" and claim["size_bytes"] == 2 * GIB, claim
            assert b.do("populate", domid, 3)[1] == 0
            assert [c["id"] for c in h.claims()] == [claim["id"]]
            assert b.do("claim", domid, 0)[1] == 0
            wait_until("the rest to be given back", lambda: not h.domain("db")["claimed_bytes"])
            assert b.says() == ""


def reserve_counts():
    """a size that the reserve alone could hold gets it from balloons, or not at all"""
    for giving in ("512M", "2G"):
        with Host(TIGHT.replace("min = 2G", "min = " + giving)) as h:
            domid = built(h, "db")
            host = h.status()["host"]
            most = host["free_bytes"] - host["reserve_bytes"]
            assert most < 940 * MIB < host["free_bytes"], host
            with Builder(h.socket) as b:
                asked, result, error = b.do("extents", domid, 8 * MIB_PAGES)
                if giving == "2G":
                    assert (asked, result, error) == ([], -1, "ENOMEM")
                    assert b.says().count("\n") == 1 and "could ever be had" in b.says(), b.says()
                    continue
                assert (len(asked), result, error) == (1, 4, "0")
                host = h.status()["host"]
                left = host["free_bytes"] - host["outstanding_bytes"]
                assert left >= host["reserve_bytes"], host
                assert h.domain("a")["current_bytes"] < 2 * GIB


def asks_once():
    """a build of each kind asks once, and nothing of it is changed"""
    for (kind, pages), calls in BUILDS.items():
        with Played(stakes) as d, Builder(d.path) as b:
            assert b.do(kind, 5, pages) == (calls, 0, "0"), kind
            wait_until("both requests", lambda: len(d.asked) == 2)
            assert methods(d) == ["handoff", "built"], (kind, d.asked)
            # Its target is all that a build on demand gets: it alone knows its size.
            size = {"size_bytes": pages * PAGE} if kind == "pod" else {}
            assert d.asked[0]["params"] == dict(domid=5, **size), (kind, d.asked)
            assert b.says() == ""


def refusal_holds():
    """refused, a build of each kind takes not a page, in whichever way it tries again"""
    for kind, pages in BUILDS:
        with Played(refuses) as d, Builder(d.path) as b:
            end = [END] if kind in CANCELLING else []
            assert b.do(kind, 5, pages) == (end, -1, "ENOMEM"), kind
            assert methods(d) == ["handoff"], (kind, d.asked)
            assert b.says() == "libballoon-claim: domain 5: not enough memory\n", b.says()
    with Played(refuses) as d, Builder(d.path) as b:
        assert b.do("claim", 5, EVEN) == ([], -1, "ENOMEM")
        assert b.do("extents", 5, EVEN) == ([], -1, "ENOMEM")  # went on all the same
        assert methods(d) == ["handoff"], d.asked


def refused_then_built():
    """a refusal ends with its build: a domain that gets the domid later is asked for"""
    with Played(refuses, stakes) as d, Builder(d.path) as b:
        assert b.do("pv", 5, EVEN)[1] == -1
        assert b.do("create", 5, 0) == (["create 5"], 0, "0")
        assert b.do("pv", 5, EVEN)[1] == 0
        assert methods(d)[:2] == ["handoff", "handoff"], d.asked
    with Played(refuses, stakes) as d, Builder(d.path) as b:
        assert b.do("pvh", 5, EVEN)[1] == -1  # says itself that it is at its end
        assert b.do("pvh", 5, EVEN)[1] == 0
        assert methods(d)[:2] == ["handoff", "handoff"], d.asked


def domid_comes_round():
    """a domid that comes round in one process is asked for each time"""
    for kind in ("pv", "pvh", "pod"):
        with Played(stakes, stakes) as d, Builder(d.path) as b:
            for _ in range(2):
                assert b.do("create", 5, 0)[1] == 0
                assert b.do(kind, 5, EVEN) == (BUILDS[kind, EVEN], 0, "0")
            wait_until("all requests", lambda: len(d.asked) == 4)
            assert methods(d) == 2 * ["handoff", "built"], (kind, d.asked)


def half_a_build():
    """the claim of a build that never came to its end is over with the next of its domid"""
    for then in ("claim", "extents"):
        with Played(stakes, stakes) as d, Builder(d.path) as b:
            assert b.do("extents", 5, EVEN)[1] == 133
            assert b.do("create", 5, 0)[1] == 0
            b.do(then, 5, EVEN)
            wait_until("all requests", lambda: len(d.asked) == 4)
            assert methods(d) == 2 * ["handoff", "built"], (then, d.asked)


def not_a_builder():
    """what others than libxenguest take or set, for a domain of any state, asks nobody"""
    with Builder(NOBODY) as b:
        assert b.do("device", 5, 3) == (["populate 5 3"], 0, "0")
        assert b.do("device-extents", 5, EVEN) == (["populate 5 133 of order 9"], 133, "0")
        assert b.do("mem-set", 5, EVEN) == ([f"pod 5 {EVEN}"], 0, "0")
        assert b.do("create", 5, 0) == (["create 5"], 0, "0")
        assert b.says() == ""
    with Played(refuses) as d, Builder(d.path) as b:
        assert b.do("extents", 5, EVEN) == ([], -1, "ENOMEM")
        # a device model that shares the process is not the build that was refused
        assert b.do("device-extents", 5, EVEN) == (["populate 5 133 of order 9"], 133, "0")


def errno_kept():
    """what the hypervisor answers comes through, errno and all, with a daemon and without"""
    failing = {"pv": ["populate 5 133 of order 9"],
               "pvh": ["populate 5 133 of order 9", f"populate 5 {EVEN}", END],
               "pod": [f"pod 5 {EVEN}", END]}
    for kind, calls in failing.items():
        with Builder(NOBODY, FAKE_POPULATE="14") as b:
            assert b.do(kind, 5, EVEN) == (calls, -1, "EFAULT"), kind
            assert b.says().count("\n") == 1 and "no balloond" in b.says(), b.says()
        with Played(stakes) as d, Builder(d.path, FAKE_POPULATE="14") as b:
            assert b.do(kind, 5, EVEN) == (calls, -1, "EFAULT"), kind
            assert b.says() == ""


if __name__ == "__main__":
    run([claims_before, reserve_counts, asks_once, refusal_holds, refused_then_built,
         domid_comes_round, half_a_build, not_a_builder, errno_kept])
