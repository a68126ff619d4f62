#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A claim that a large guest has to make room for: how long it waits, and what is
left of a wait in vain. Times are those of the simulated host."""
import json
import signal
import socket

import host
from host import GIB, Host, wait_until

# 30 GiB take about 150 s; [claims] wait is 60 s
WORLD = """[host]
memory = 64G
dom0 = 1G
seed = 7
[guest large]
memory = 61G
min = 4G
rate = 200M
telemetry = no
"""
WARM = "[claims]\nkeep-warm = 1h\n"


def clock(h):
    return h.status()["daemon"]["uptime_seconds"]


def large(h):
    return h.domain("large")["current_bytes"]


def lacks(h):
    """What the one claim there is lacks; None: it waits no more."""
    return next((c["lacking_bytes"] for c in h.claims() if c["state"] == "reclaiming"), None)


def getting_on(h, most):
    """Waits until the claim lacks no more than that."""
    return wait_until("the claim to get on", lambda: 0 < (lacks(h) or 0) <= most)


def waits_while_room_comes():
    """without a limit a claim waits as long as more comes, and says how long that takes"""
    with Host(WORLD, speed=30) as h:
        start = clock(h)
        p = h.ctl_start("claim", "30G")
        getting_on(h, 27 * GIB)
        (c,) = h.claims()
        assert 60 < c["eta_seconds"] < 160 and 30 < c["wait_ends_in_seconds"] <= 60, c
        assert 0 < c["lacking_bytes"] <= 27 * GIB, c
        out, err = p.communicate(timeout=host.LIMIT)
        assert (p.returncode, err) == (0, "") and clock(h) - start > 130, (out, err)
        (c,) = h.claims()
        assert c["state"] == "held" and c["held_bytes"] == 30 * GIB, c
        assert c["lacking_bytes"] is None and c["wait_ends_in_seconds"] is None, c


def survives_a_kill():
    """after a kill it goes on waiting, though more than [claims] wait has passed"""
    with Host(WORLD, speed=30) as h:
        p = h.ctl_start("claim", "30G")
        getting_on(h, 14 * GIB)  # after some 80 s
        h.stop(signal.SIGKILL)
        h.start()
        out, err = p.communicate(timeout=host.LIMIT)
        assert p.returncode == 0, err
        assert [(c["id"], c["state"]) for c in h.claims()] == [(out.strip(), "held")]
        with open(h.dir + "/log", encoding="utf-8") as log:  # it is not another one of that id
            assert ": failed" not in log.read()


def a_limit_that_is_too_short():
    """--wait is a limit; that it is too short is said at once, and the next try goes on"""
    with Host(WORLD, speed=10, config=WARM) as h:
        r = h.ctl("claim", "30G", "--wait", "60s")
        assert r.status == 4 and not r.out, r
        early, late = r.err.splitlines()
        assert early.startswith("balloonctl: claim: at the rate at which guests give, --wait 1 min "
                                "is too short: --wait 1"), r
        assert "waited in vain: about " in late and " s more would have done: needs" in late, r
        s = h.status()
        assert s["host"]["warm_bytes"] > 11 * GIB, s
        assert s["host"]["available_bytes"] >= s["host"]["warm_bytes"], s
        before = large(h)
        assert "for another try of a claim" in h.ctl("explain", "large").out
        assert "kept for another try of a claim" in h.ctl("status").out
        assert before < 51 * GIB
        p = h.ctl_start("claim", "30G")
        while p.poll() is None:
            assert large(h) <= before
        out, err = p.communicate(timeout=host.LIMIT)
        assert (p.returncode, err) == (0, ""), err
        assert [(c["id"], c["state"]) for c in h.claims()] == [(out.strip(), "held")]
        assert h.status()["host"]["warm_bytes"] == 0


def who_leaves():
    """what came until somebody stopped waiting stays free for the next try as well"""
    with Host(WORLD, speed=30, config=WARM) as h:
        p = h.ctl_start("claim", "30G")
        getting_on(h, 20 * GIB)
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=host.LIMIT)
        wait_until("it to be withdrawn", lambda: h.claims() == [])
        assert h.status()["host"]["warm_bytes"] > 10 * GIB
        # and no longer once somebody has had it
        id = h.ctl("claim", "10G").out.strip()
        assert h.ctl("release", id).status == 0
        wait_until("it to come back", lambda: large(h) > 58 * GIB)


def goes_back():
    """when nobody tries again it goes back to whom it came from"""
    with Host(WORLD, speed=30, config="[claims]\nkeep-warm = 30s\n") as h:
        assert h.ctl("claim", "30G", "--wait", "20s").status == 4
        wait_until("it to come back", lambda: large(h) == 61 * GIB)


def leaves_its_room():
    """what one leaves that waited in vain is for the one behind it, whose wait ends as well"""
    world = WORLD.replace("64G", "16G").replace("61G", "12G").replace("4G\nrate", "1G\nrate")
    with Host(world + "behaviour = floor:6G\n", speed=30) as h:
        older = h.ctl_start("claim", "9G")
        wait_until("the older one", lambda: len(h.claims()) == 1)
        younger = h.ctl_start("claim", "2G")
        _, err = older.communicate(timeout=host.LIMIT)
        assert older.returncode == 4 and "waited in vain: no progress for 60 s: needs" in err, err
        out, err = younger.communicate(timeout=host.LIMIT)
        assert younger.returncode == 0, err
        assert [(c["id"], c["state"]) for c in h.claims()] == [(out.strip(), "held")]


def a_build_waits_as_well():
    """who builds without a limit waits as long as more comes"""
    with Host(WORLD + "[thief new]\nat = 1s\nsize = 30G\nrate = 4K\n", speed=30) as h:
        domid = wait_until("its build", lambda: h.domain("new"))["domid"]
        start = clock(h)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(host.LIMIT)
            s.connect(h.socket)
            s.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "handoff", "params": {
                "domid": domid, "size_bytes": 30 * GIB}}).encode() + b"\n")
            answer = json.loads(s.makefile().readline())
        assert answer["result"]["claim"]["state"] == "building", answer
        assert clock(h) - start > 130


if __name__ == "__main__":
    host.run([waits_while_room_comes, survives_a_kill, a_limit_that_is_too_short, who_leaves,
              goes_back, leaves_its_room, a_build_waits_as_well])
