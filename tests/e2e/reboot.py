#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest that reboots gave back is there when it comes again."""
import host
from host import GIB, MIB, Host, wait_until

WORLD = """[host]
memory = 8G
dom0 = 1G
seed = 7
[guest again]
static-max = 2G
memory = 2G
min = 512M
[guest rest]
memory = 3G
min = 1G
used = 2G
"""

# Every second of this world lasts two: what balloond has to see there, a guest that dies
# for a second, is there for two on a machine that is busy.
SLOWLY = 0.5


def full(h):
    """`again` shrunk to 1 GiB, nobody else moves, and a claim that lacks 512 MiB."""
    assert h.ctl("set", "again", "1G").status == 0
    wait_until("again to shrink", lambda: h.domain("again")["current_bytes"] == GIB)
    assert h.ctl("pause").status == 0
    more = h.status()["host"]["available_bytes"] + 512 * MIB
    r = h.ctl("claim", f"{more // 1024}K", "--no-wait", "--overhead", "1M")
    assert r.status == 0, r
    waits = r.out.strip()
    assert claim(h, waits)["state"] == "reclaiming"
    return waits


def claim(h, id):
    return next((c for c in h.claims() if c["id"] == id), None)


def behave(h, how):
    r = h.ctl("sim", "set", "again", "behaviour=" + how)
    assert r.status == 0, r


def kept(h, before):
    return next((c for c in h.claims() if c["uuid"] == before["uuid"]), None)


def held(c):
    return c if c and c["state"] == "held" else None


def is_back(h, before):
    now = h.domain("again")
    return now and now["domid"] != before["domid"] and now["state"] not in ("building", "dying")


def comes_back():
    """a guest that reboots comes back at its last size, past a claim that waits"""
    with Host(WORLD, speed=SLOWLY) as h:
        waits = full(h)
        before = h.domain("again")
        behave(h, "reboot:1s")
        c = wait_until("its memory to be kept", lambda: kept(h, before))
        assert c["name"] == "again" and c["size_bytes"] == GIB, c
        c = wait_until("its memory to be held", lambda: held(kept(h, before)))
        assert c["state"] == "held" and c["reason"].endswith("for the reboot of again"), c
        assert c["expires_in_seconds"] <= 60, c
        wait_until("it to be back", lambda: is_back(h, before))
        assert h.domain("again")["current_bytes"] == GIB
        assert h.domain("again")["uuid"] == before["uuid"]
        assert claim(h, waits)["state"] == "reclaiming"
        wait_until("nothing to be kept any longer", lambda: not kept(h, before))


def across_a_restart():
    """the same when balloond is killed while the guest is away"""
    with Host(WORLD, speed=SLOWLY) as h:
        waits = full(h)
        before = h.domain("again")
        behave(h, "reboot:1s")
        wait_until("its memory to be kept", lambda: kept(h, before))
        h.stop(host.signal.SIGKILL)
        h.start()
        wait_until("it to be back", lambda: is_back(h, before))
        assert h.domain("again")["current_bytes"] == GIB
        assert claim(h, waits)["state"] == "reclaiming"
        wait_until("nothing to be kept any longer", lambda: not kept(h, before))


def goes_for_good():
    """what one gives back that goes for good is the waiting claim's at once"""
    with Host(WORLD, speed=5) as h:
        waits = full(h)
        behave(h, "vanish:1s")
        wait_until("the claim to be held", lambda: claim(h, waits)["state"] == "held")
        assert len(h.claims()) == 1


def claimed_already():
    """a claim that stands for it by name is the one that it comes back on"""
    # The claim moves to a build that balloond sees: one of 24 GiB lasts 6 seconds.
    world = WORLD.replace("memory = 8G", "memory = 64G")
    world = world.replace("static-max = 2G\nmemory = 2G", "static-max = 24G\nmemory = 24G")
    with Host(world, speed=1) as h:
        assert h.ctl("claim", "24G", "--name", "again").status == 0
        before = h.domain("again")
        behave(h, "reboot:1s")

        def is_back_and_was_alone():
            assert len(h.claims()) <= 1
            return is_back(h, before)

        wait_until("it to be back", is_back_and_was_alone)
        wait_until("the claim to be used up", lambda: not h.claims())


host.run([comes_back, across_a_restart, goes_for_good, claimed_already])
