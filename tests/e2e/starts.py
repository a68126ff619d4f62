#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that is started again: at another size on purpose, or as it was; what is left
of the one before; and what is forgotten."""
import json
import os
import signal

import host
from host import GIB, MIB, Host, wait_until

UUID = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
WORLD = f"""[host]
memory = 14G
dom0 = 1G
seed = 5
[guest web]
static-max = 8G
memory = 6G
uuid = {UUID}
telemetry = no
"""


def explain(h, what="web"):
    r = h.ctl("explain", what, "--json")
    assert r.status == 0, r
    return r.json


def base(h):
    limits = explain(h)["limits"]
    return limits["base_bytes"], limits["base_from"]


def record(h):
    with open(os.path.join(h.state, "domains", UUID)) as f:
        return json.load(f)


def running(h, before=None):
    d = h.domain("web")
    return d and d["state"] not in ("building", "dying") and d["domid"] != before and d


def shrunk(h):
    """web at 2 GiB of the 6 it was started with, with a weight of its own."""
    assert h.ctl("set", "web", "2G", "--weight", "150").status == 0
    return wait_until("web to shrink", lambda: h.domain("web")["current_bytes"] == 2 * GIB and h.domain("web"))


def ends(h):
    assert h.ctl("sim", "destroy", "web").status == 0
    wait_until("web to be gone", lambda: not h.domain("web"))


def starts(h, size):
    r = h.ctl("sim", "create", "web", size, "--max", "8G", "--uuid", UUID)
    assert r.status == 0, r
    return wait_until("web to run", lambda: running(h))


def smaller_on_purpose():
    """one that is shut down, and started with less, stays at that, and gives what it had to claims"""
    with Host(WORLD) as h:
        assert base(h) == (6 * GIB, "started")
        assert h.ctl("set", "web", "--weight", "150").status == 0
        ends(h)
        starts(h, "1G")
        assert h.ctl("sim", "set", "web", "telemetry=no").status == 0
        assert base(h) == (GIB, "started")
        assert h.ctl("rebalance").status == 0
        r = h.ctl("plan", "10G", "--json")
        assert r.json["verdict"] == "now", r
        assert h.ctl("claim", "10G").status == 0
        assert h.settled() and h.domain("web")["current_bytes"] == GIB
        assert h.domain("web")["weight"] == 150
        h.stop(signal.SIGKILL)
        h.start()
        assert base(h) == (GIB, "started")


def larger_on_purpose():
    """one that is started with more has that as its base"""
    with Host(WORLD) as h:
        shrunk(h)
        ends(h)
        starts(h, "7G")
        assert base(h) == (7 * GIB, "started")


def ended(h):
    r = record(h)
    return r["end"] == "reboot" or r["base_from"] == "rebooted"


def reboots():
    """a reboot comes back as it was and keeps its base, a killed balloond notwithstanding"""
    for killed in (False, True):
        # A guest dies for a second of this world before it comes again: two seconds here.
        with Host(WORLD, speed=0.5) as h:
            before = shrunk(h)
            assert h.ctl("sim", "set", "web", "behaviour=reboot:1s").status == 0
            wait_until("web to end", lambda: ended(h))
            if killed:
                h.stop(signal.SIGKILL)
                h.start()
            d = wait_until("web to be back", lambda: running(h, before["domid"]))
            assert d["current_bytes"] == 2 * GIB and d["weight"] == 150, d
            assert base(h) == (6 * GIB, "rebooted")
            h.stop(signal.SIGKILL)
            h.start()
            assert base(h) == (6 * GIB, "rebooted")


def restored():
    """one that was saved and is restored keeps its base, a restarted balloond notwithstanding"""
    for again in (False, True):
        with Host(WORLD) as h:
            shrunk(h)
            assert h.ctl("sim", "set", "web", "migrating=yes").status == 0
            assert h.domain("web")["state"] == "migrating"
            ends(h)
            if again:
                h.stop()
                h.start()
            starts(h, "2G")
            assert base(h) == (6 * GIB, "restored")


def unseen():
    """a start that nobody saw keeps the base, and says what to do; forget takes what is there"""
    late = f"[guest web]\nstatic-max = 8G\nmemory = 1G\nuuid = {UUID}\nappear = 600s\n"
    # So slow that it does not end before the kill, then so fast that it has by the first look.
    with Host(WORLD + late, speed=0.001) as h:
        assert h.ctl("pause").status == 0
        assert h.ctl("set", "web", "--weight", "150").status == 0
        before = h.domain("web")["domid"]
        assert h.ctl("sim", "set", "web", "behaviour=vanish:1s").status == 0
        h.stop(signal.SIGKILL)
        h.speed = 1e6
        h.start()
        wait_until("web to be started", lambda: running(h, before))
        assert base(h) == (6 * GIB, "unseen")
        r = h.ctl("explain", "web")
        assert "balloond did not see" in r.out and "balloonctl forget web" in r.out, r
        r = h.ctl("forget", "web")
        assert r.status == 0 and r.out.startswith("web: auto, "), r
        assert base(h) == (GIB, "started")
        assert h.domain("web")["weight"] == 100


def forgotten():
    """forget drops base, limits and who steers it, also of one that is gone, and says so"""
    with Host(WORLD) as h:
        shrunk(h)
        assert h.domain("web")["mode"] == "manual"
        assert h.ctl("sim", "set", "web", "target=2000M").status == 0
        wait_until("web to be external", lambda: h.domain("web")["state"] == "external")
        r = h.ctl("forget", "web", "--json")
        assert r.status == 0 and r.json["forgotten"] is True and r.json["uuid"] == UUID, r
        assert r.json["domain"]["name"] == "web" and r.json["domain"]["state"] != "external", r
        wait_until("it to be learned", lambda: base(h)[0] <= 2 * GIB)
        assert h.domain("web")["weight"] == 100 and h.domain("web")["mode"] == "auto"
        assert h.ctl("set", "web", "--weight", "150").status == 0
        ends(h)
        r = h.ctl("forget", "web")
        assert r.status == 5 and "web: no such domain" in r.err, r
        r = h.ctl("forget", UUID)
        assert r.status == 0 and r.out == UUID + ": forgotten\n", r
        assert not os.path.exists(os.path.join(h.state, "domains", UUID))
        r = h.ctl("forget", UUID)
        assert r.status == 5 and "nothing is remembered" in r.err, r
        r = h.ctl("forget", "0", "--json")
        assert r.status == 0 and r.json["domain"]["domid"] == 0, r


# The clock of that host is so slow that 16 GiB take minutes to come back.
SLOW = f"""[host]
memory = 24G
dom0 = 1G
seed = 5
[guest web]
memory = 16G
static-max = 16G
uuid = {UUID}
"""


def beside_its_remains():
    """a name or a UUID is the guest that lives; what is left of it has its domid"""
    with Host(SLOW, speed=0.01) as h:
        old = str(h.domain("web")["domid"])
        assert h.ctl("sim", "destroy", "web").status == 0
        # alone, it is meant
        assert explain(h)["domain"]["state"] == "dying"
        assert explain(h, UUID)["namesakes"] == []
        r = h.ctl("sim", "create", "web", "32M", "--uuid", UUID)
        assert r.status == 0, r
        new = explain(h)["domain"]["domid"]
        assert str(new) != old and explain(h, UUID)["domain"]["domid"] == new
        wait_until("it to run", lambda: explain(h)["domain"]["state"] != "building")
        r = h.ctl("explain", "web")
        assert f"domain {old}, of the same name, is dying and still keeps " in r.out, r
        (left,) = explain(h)["namesakes"]
        assert (str(left["domid"]), left["dying"], left["uuid"]) == (old, True, UUID), left
        assert 0 < left["current_bytes"] <= 16 * GIB, left
        r = h.ctl("explain", old)
        assert "dying" in r.out and f"domain {new}, of the same name, is alive" in r.out, r
        assert h.ctl("set", "web", "--weight", "150").status == 0
        r = h.ctl("set", old, "--weight", "120")
        assert r.status == 1 and f"lives on as domain {new}" in r.err, r
        r = h.ctl("forget", old)
        assert r.status == 1 and f"lives on as domain {new}" in r.err, r
        r = h.ctl("status", "web", "--json")
        assert [(d["domid"], d["weight"]) for d in r.json["domains"]] == [(new, 150)], r
        assert explain(h)["limits"]["base_bytes"] == 32 * MIB
        r = h.ctl("sim", "set", "web", "used=16M")
        assert r.status == 0, r


def two_that_live():
    """two that live are ambiguous, and told apart by UUID, or by domid where that is the same"""
    with Host(SLOW) as h:
        assert h.ctl("sim", "create", "web", "64M", "--uuid", UUID).status == 0
        ids = ", ".join(str(d["domid"]) for d in h.status()["domains"] if d["name"] == "web")
        for what, kind in (("web", "name"), (UUID, "UUID")):
            for verb in ("explain", "status", "forget"):
                r = h.ctl(verb, what)
                assert r.status == 1 and f"2 domains have that {kind}; say which by domid: {ids}" in r.err, r
        assert h.ctl("sim", "create", "db", "64M").status == 0
        assert h.ctl("sim", "create", "db", "64M", "--uuid", OTHER).status == 0
        r = h.ctl("set", "db", "--weight", "5")
        assert r.status == 1 and "2 domains have that name; say which by UUID: " in r.err and OTHER in r.err, r
        assert h.ctl("explain", OTHER).status == 0


def dom0_is_seen():
    """the first target that somebody else writes for dom0 is noticed"""
    with Host(WORLD, config="[host]\ndom0 = manage\ndom0-min = 256M\n") as h:
        name = h.status()["domains"][0]["name"]
        assert h.status()["domains"][0]["domid"] == 0
        r = h.ctl("sim", "set", "0", "target=512M")
        assert r.status == 0, r
        wait_until("dom0 to be external", lambda: h.domain(name)["state"] == "external")
        h.stop()
        h.start()
        assert h.domain(name)["state"] == "external"
        assert h.ctl("set", "0", "--mode", "auto").status == 0
        wait_until("it to be balloond's again", lambda: h.domain(name)["state"] != "external")


host.run([smaller_on_purpose, larger_on_purpose, reboots, restored, unseen, forgotten, beside_its_remains,
          two_that_live, dom0_is_seen])
