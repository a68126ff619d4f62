#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Faults that public reports of other hosts' memory trouble led to."""
import json

import host
from host import GIB, MIB, Host, wait_until

NODRIVER = """[host]
memory = 16G
[guest nodrv]
memory = 2G
static-max = 10G
type = hvm
telemetry = no
behaviour = nodriver
[guest ok]
memory = 2G
min = 1G
used = 500M
"""
ZOMBIE = """[host]
memory = 8G
[guest zombie]
memory = 4G
used = 1G
behaviour = vanish:10s,zombie:2G
[guest a]
memory = 2G
min = 1G
used = 500M
"""
USED = """[host]
memory = 8G
[guest a]
memory = 6500M
min = 1G
used = 5500M
"""
STUCK = """[host]
memory = 3G
dom0 = 512M
[guest s]
memory = 2G
min = 1G
used = 300M
behaviour = stuck
"""
FIVE = """[host]
memory = 12G
""" + "".join(f"""[guest {name}]
memory = 2G
min = 512M
used = 300M
behaviour = {"stuck" if name == "g" else "normal"}
""" for name in "abcdg")
INEXACT = """[host]
memory = 8G
[guest silent]
memory = 6G
min = 1G
telemetry = no
behaviour = short:4K
"""
FLOOR = """[host]
memory = 8G
[guest vm]
memory = 4G
min = 1G
telemetry = no
behaviour = floor:3G
"""


def claim_6g(h):
    r = h.ctl("claim", "6G", "--wait", "20s")
    assert r.status == 0, r
    assert h.ctl("release", r.out.strip()).status == 0


def untaken_grants():
    """a grant that is never taken is kept from no claim, whoever wrote it"""
    with Host(NODRIVER) as h:
        assert h.ctl("sim", "set", "nodrv", "target=10G").status == 0
        wait_until("the grant to lapse", lambda: h.status()["host"]["growing_bytes"] == 0)
        r = h.ctl("claim", "6G")
        assert r.status == 0, r
        assert h.ctl("release", r.out.strip()).status == 0
        r = h.ctl("claim", "15G")
        assert r.status == 3 and "nodrv 2 GiB (target 10 GiB," in r.err, r
        assert "it stopped at 2 GiB" in h.domain("nodrv")["reason"], h.domain("nodrv")
        h.stop()
        h.start()
        claim_6g(h)
        assert h.ctl("set", "nodrv", "9G").status == 0
        claim_6g(h)
        assert h.ctl("set", "nodrv", "--mode", "auto").status == 0
        claim_6g(h)


def the_dead():
    """a domain that dies and gives nothing back counts for nobody, and is named"""
    with Host(ZOMBIE, speed=100) as h:
        d = wait_until("it to be dying for long", lambda: next(
            (d for d in h.status()["domains"]
             if d["name"] == "zombie" and d.get("dying_seconds", 0) > 60), None))
        assert d["state"] == "dying" and d["current_bytes"] == 2 * GIB, d
        assert "keeps 2 GiB" in d["reason"], d
        r = h.ctl("plan", "4500M")
        assert r.status == 3 and "zombie (domid 1) is dying for" in r.out, r
        assert h.ctl("plan", "4500M", "--json").json["blockers"] == ["dying"]
        r = h.ctl("claim", "4500M")
        assert r.status == 3 and "zombie" in r.err and "keeps 2 GiB" in r.err, r
        for daemon in (h.status()["daemon"], h.ctl("ping", "--json").json["daemon"]):
            assert daemon["health"] == "degraded", daemon
            assert any("zombie" in p and "2 GiB" in p for p in daemon["problems"]), daemon


def in_use():
    """a claim that guests' own use keeps out is refused for that, and no claim is made up"""
    with Host(USED) as h:
        r = h.ctl("plan", "3G")
        assert r.status == 3 and "a uses 5.4 GiB of its 6.3 GiB" in r.out, r
        assert "another claim" not in r.out and "other claims" not in r.out, r
        assert h.ctl("plan", "3G", "--json").json["blockers"] == ["use"]


def nobody_answers():
    """who holds a claim up is named while it waits and at its end, and no limit is offered"""
    with Host(STUCK) as h:
        waiter = h.ctl_start("claim", "1G", "--wait", "30s")
        wait_until("its reason", lambda: [c for c in h.claims() if "s is stuck (asked for" in c["reason"]])
        out, err = waiter.communicate(timeout=host.LIMIT)
        assert waiter.returncode == 4 and not out, err
        assert "s is stuck" in err and "--min" not in err and "another claim" not in err, err


def claims_ahead():
    """one that is refused because others wait ahead of it is told of them"""
    with Host(USED) as h:
        first = h.ctl("claim", "7G", "--no-wait")
        assert first.status == 3, first  # never
        first = h.ctl("claim", "4G", "--no-wait")
        assert first.status == 0, first
        r = h.ctl("claim", "500M")
        assert r.status == 3, r
        assert f"claim {first.out[:8]} (4 GiB), which waits for" in r.err, r


def events(h, until):
    """What happened from the start until one of that type."""
    seen = []
    m = h.ctl_start("monitor", "--since", "0", "--json")
    for line in m.stdout:
        e = json.loads(line)
        seen.append(e.get("params", e))
        if seen[-1]["type"] == until:
            break
    m.terminate()
    m.communicate(timeout=host.LIMIT)
    return seen


def stuck_until_it_moves():
    """one that never moved is not told to have recovered, and its target is left alone"""
    with Host(FIVE) as h:
        r = h.ctl("claim", "5G")
        assert r.status == 0, r
        g = h.domain("g")
        assert g["state"] == "stuck" and g["current_bytes"] == 2 * GIB, g
        told = [e for e in events(h, "claim.held") if e["type"].startswith("domain.")]
        targets = [e for e in told if e["type"] == "domain.target"]
        assert len([e for e in targets if e["name"] == "g"]) == 1, targets
        assert len(targets) <= 2 * 5, targets
        assert [e["name"] for e in told if e["type"] == "domain.stuck"] == ["g"], told
        assert h.ctl("release", r.out.strip()).status == 0
        assert h.ctl("sim", "set", "a", "used=1900M").status == 0
        wait_until("a to be served", lambda: h.domain("a")["current_bytes"] > 1900 * MIB)
        assert h.domain("g")["state"] == "stuck", h.domain("g")
        assert h.ctl("sim", "set", "g", "behaviour=normal").status == 0
        wait_until("it to come round", lambda: h.domain("g")["state"] != "stuck")
        told = [e for e in events(h, "domain.recovered") if e["type"] == "domain.recovered"]
        assert [e["name"] for e in told] == ["g"], told


def a_little_inexact():
    """a balloon that ends a page off is not incapable, and its claim is held"""
    with Host(INEXACT) as h:
        r = h.ctl("claim", "3G", "--wait", "30s")
        assert r.status == 0, r
        assert h.settled() and h.domain("silent")["state"] == "steady", h.domain("silent")


def several_bars():
    """a guest that more than one thing keeps from giving is named with the one that has to go"""
    with Host(STUCK.replace("stuck", "nodriver"), speed=50) as h:
        claim = h.ctl("claim", "1G", "--no-wait").out.strip()
        wait_until("it to be incapable", lambda: h.domain("s")["state"] == "incapable")
        assert h.ctl("release", claim).status == 0
        r = h.ctl("plan", "1G")
        assert r.status == 3 and "s has 2 GiB and no balloon that answers" in r.out, r
        assert "would let it give 1 GiB" in r.out, r
    with Host(USED.replace("5500M", "1500M"), speed=50) as h:
        assert h.ctl("set", "a", "6000M").status == 0
        assert h.ctl("sim", "set", "a", "paused=yes").status == 0
        wait_until("it to be paused", lambda: h.domain("a")["state"] == "paused")
        r = h.ctl("plan", "3G")
        assert r.status == 3 and "a is left alone with its" in r.out, r


def coarse_and_fast():
    """half of a probe is a balloon, however fast it came, and a stuck guest is not called incapable"""
    with Host(INEXACT.replace("short:4K", "short:17M"), speed=50) as h:
        r = h.ctl("claim", "3G", "--wait", "90s")
        assert r.status == 4 and "silent is stuck" in r.err and "no balloon" not in r.err, r
        assert h.domain("silent")["state"] == "stuck"


def hidden_floor():
    """a guest that was set by hand and stopped on its way: its reason says where"""
    with Host(FLOOR) as h:
        assert h.ctl("set", "vm", "2G").status == 0
        d = wait_until("it to stop", lambda: next(
            (d for d in h.status()["domains"] if "stopped at 3 GiB" in d["reason"]), None))
        assert "set by hand to 2 GiB" in d["reason"], d


if __name__ == "__main__":
    host.run([untaken_grants, the_dead, in_use, nobody_answers, claims_ahead, stuck_until_it_moves,
              a_little_inexact, several_bars, coarse_and_fast, hidden_floor])
