#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a user of claims sees, on the simulated host."""
import json
import os
import pty
import signal
import subprocess
import uuid

import host
from host import GIB, MIB, Host, wait_until

GUEST = """
[guest {name}]
static-max = 1536M
memory = 1536M
min = 512M
rate = {rate}
{more}
"""
HEAD = "[host]\nmemory = 8G\ndom0 = 1G\nseed = 7\n"


def world(names="abcd", rate="400M", **more):
    return HEAD + "".join(GUEST.format(name=n, rate=rate, more=more.get(n, "")) for n in names)


def books(h):
    """The sums that must always hold; returns the status."""
    s = h.status()
    held = sum(c["held_bytes"] for c in s["claims"] if c["state"] == "held")
    assert s["host"]["outstanding_bytes"] == held, s
    assert s["host"]["free_bytes"] >= s["host"]["outstanding_bytes"], s
    for d in s["domains"]:
        if d["mode"] == "auto" and d["domid"]:
            assert d["min_bytes"] <= d["target_bytes"] <= d["max_bytes"], d
    return s


def moves_fairly():
    """a claim for more than is free moves several guests, equally, and is held"""
    with Host(world()) as h:
        free = h.status()["host"]["available_bytes"]
        r = h.ctl("claim", "3G", "--name", "db")
        assert r.status == 0 and uuid.UUID(r.out.strip()), r
        s = books(h)
        assert free < 3 * GIB
        assert [c["state"] for c in s["claims"]] == ["held"]
        assert s["claims"][0]["id"] == r.out.strip()
        assert s["claims"][0]["held_bytes"] == 3 * GIB
        sizes = [d["current_bytes"] for d in h.settled()["domains"] if d["domid"]]
        assert max(sizes) < 1536 * MIB and max(sizes) - min(sizes) <= MIB, sizes


def never_fits():
    """one that could never fit is refused at once, with who holds what"""
    with Host(world()) as h:
        r = h.ctl("claim", "100G")
        assert r.status == 3 and not r.out, r
        assert "at most" in r.err and "a 1.5 GiB" in r.err and r.err.count("\n") == 1, r
        assert h.claims() == []
        r = h.ctl("claim", "100G", "--json")
        assert r.status == 3 and r.json["error"]["id"] == "no-memory", r


def needs_another_to_end():
    """one that needs another claim to end is refused, or waits when told to"""
    with Host(world()) as h:
        first = h.ctl("claim", "3G", "--name", "first").out.strip()
        r = h.ctl("claim", "3G")
        assert r.status == 3 and "claim " + first[:8] + " of first" in r.err, r
        r = h.ctl("claim", "3G", "--wait", "2s")
        assert r.status == 4 and "claim " + first[:8] + " of first" in r.err, r
        assert r.err.count("claim ") == 1, r.err  # the other's, not its own
        assert len(h.claims()) == 1
        waiter = h.ctl_start("claim", "3G", "--wait", "1h")
        wait_until("the second to queue", lambda: len(h.claims()) == 2)
        assert h.ctl("release", first).status == 0
        out, err = waiter.communicate(timeout=host.LIMIT)
        assert waiter.returncode == 0 and uuid.UUID(out.strip()), err
        assert [c["state"] for c in books(h)["claims"]] == ["held"]


def takes_a_part():
    """--min takes what can be had, and not less"""
    with Host(world()) as h:
        r = h.ctl("claim", "6G", "--min", "2G")
        assert r.status == 0, r
        (c,) = books(h)["claims"]
        assert 2 * GIB <= c["held_bytes"] < 6 * GIB, c
        assert h.ctl("claim", "6G", "--min", "5900M").status == 3


def now_or_never():
    """--now takes only what is free this moment"""
    with Host(world()) as h:
        assert h.ctl("claim", "3G", "--now").status == 3
        assert h.claims() == []
        assert h.ctl("claim", "256M", "--now").status == 0


def retry_is_the_same():
    """the same --id never stakes twice"""
    with Host(world()) as h:
        me = str(uuid.uuid4())
        for _ in range(2):
            r = h.ctl("claim", "512M", "--id", me)
            assert r.status == 0 and r.out.strip() == me, r
        assert len(books(h)["claims"]) == 1


def no_wait_then_held():
    """--no-wait answers while room is still made"""
    with Host(world(rate="20M")) as h:
        r = h.ctl("claim", "3G", "--no-wait")
        assert r.status == 0, r
        (c,) = h.claims()
        assert c["id"] == r.out.strip() and c["state"] in ("reclaiming", "held"), c
        wait_until("it to be held", lambda: h.claims()[0]["state"] == "held")
        books(h)


def waiter_leaves():
    """who stops waiting takes the claim away, and the guests get theirs back"""
    with Host(world(rate="20M"), speed=5, config="[claims]\nkeep-warm = 0s\n") as h:
        waiter = h.ctl_start("claim", "3G")
        wait_until("it to queue", lambda: [c["state"] for c in h.claims()] == ["reclaiming"])
        waiter.send_signal(signal.SIGINT)
        waiter.communicate(timeout=host.LIMIT)
        assert waiter.returncode != 0
        wait_until("it to be withdrawn", lambda: h.claims() == [])
        wait_until("the guests to have theirs back", lambda: all(
            d["current_bytes"] > 1500 * MIB for d in h.status()["domains"] if d["domid"]))


def lease_runs_out():
    """a lease that runs out gives the claim back; renew puts that off"""
    with Host(world()) as h:
        short = h.ctl("claim", "256M", "--ttl", "20s").out.strip()
        kept = h.ctl("claim", "256M", "--ttl", "20s").out.strip()
        assert h.ctl("renew", kept, "--ttl", "1h").status == 0
        wait_until("it to expire", lambda: [c["id"] for c in h.claims()] == [kept])
        books(h)
        assert h.ctl("release", short).status == 5


def survives_a_kill():
    """a killed daemon comes back with the same claim, staked once"""
    with Host(world()) as h:
        me = h.ctl("claim", "3G").out.strip()
        h.stop(signal.SIGKILL)
        h.start()
        (c,) = books(h)["claims"]
        assert c["id"] == me and c["state"] == "held" and c["held_bytes"] == 3 * GIB, c


def stuck_guest():
    """a stuck guest delays a claim, it does not fail it; status says why"""
    with Host(world(a="behaviour = stuck")) as h:
        r = h.ctl("claim", "3G")
        assert r.status == 0, r
        books(h)
        assert h.domain("a")["current_bytes"] == 1536 * MIB
        m = h.ctl_start("monitor", "--since", "0", "--json")
        for line in m.stdout:
            e = json.loads(line)
            e = e.get("params", e)
            if e["type"] == "domain.stuck":
                break
        m.terminate()
        m.communicate(timeout=host.LIMIT)
        assert e["name"] == "a" and "stays at 1.5 GiB" in e["reason"], e


def shows_time_left():
    """on a terminal a waiting claim shows how far it is and the time left"""
    with Host(world(rate="20M"), speed=5) as h:
        master, slave = pty.openpty()
        p = subprocess.Popen([host.BALLOONCTL, "claim", "3G"], stdin=subprocess.DEVNULL, env=h.env,
                             stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        seen = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            seen += part
        assert p.wait(host.LIMIT) == 0
        p.stdout.close()
        os.close(master)
        assert b" left" in seen, seen[-400:]


def adds_up_while_built():
    """while its domain is built, what that has and what is staked are the claim, counted once"""
    with Host(world("ab"), speed=0.2) as h:
        id = h.ctl("claim", "3G", "--wait", "60s").out.strip()
        assert h.ctl("sim", "create", "new", "3G", "--claim", id).status == 0
        sizes, available = set(), set()
        while True:
            s = h.status()
            claim = next((c for c in s["claims"] if c["id"] == id), None)
            if not claim:
                break
            assert claim["state"] == "building" and claim["held_bytes"] == 3 * GIB, claim
            d = next(d for d in s["domains"] if d["domid"] == claim["domid"])
            assert d["current_bytes"] + d["claimed_bytes"] == 3 * GIB, d
            assert s["host"]["growing_bytes"] == 0, s
            sizes.add(d["current_bytes"])
            available.add(s["host"]["available_bytes"])
        assert len(sizes) > 3 and max(sizes) > min(sizes), sizes
        assert len(available) == 1, available
        assert h.domain("new")["current_bytes"] == 3 * GIB


if __name__ == "__main__":
    host.run([moves_fairly, never_fits, needs_another_to_end, takes_a_part, now_or_never,
              retry_is_the_same, no_wait_then_held, waiter_leaves, lease_runs_out,
              survives_a_kill, stuck_guest, shows_time_left, adds_up_while_built])
