#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Claims on a host whose hypervisor keeps them in a pool, as users meet them."""
import signal
from host import GIB, MIB, Host, run, wait_until

WORLD = """[host]
memory = 16G
dom0 = 1G
claim-method = pool
[guest web]
static-max = 8G
memory = 8G
min = 1G
used = 1G
"""


def outstanding(h):
    return h.status()["host"]["outstanding_bytes"]


def held():
    """a held claim is no domain's, and gives all of it back"""
    with Host(WORLD) as h:
        assert h.status()["daemon"]["claim_method"] == "pool"
        r = h.ctl("claim", "3G")
        assert r.status == 0, r
        c, = h.claims()
        assert (c["state"], c["held_bytes"], c["holder_domid"]) == ("held", 3 * GIB, None), c
        assert "pool" in c["reason"], c
        assert "claims by pool" in h.ctl("ping").out
        assert outstanding(h) == 3 * GIB
        assert h.status()["host"]["promised_bytes"] == c["overhead_bytes"]
        assert h.ctl("claim", "512M").status == 0
        assert outstanding(h) == 3 * GIB + 512 * MIB
        assert h.ctl("release", r.out.split()[0]).status == 0
        assert outstanding(h) == 512 * MIB


def balloons():
    """a guest gives what it takes"""
    with Host(WORLD) as h:
        assert h.ctl("claim", "10G").status == 0
        assert outstanding(h) == 10 * GIB
        assert h.domain("web")["current_bytes"] < 5 * GIB


def outlives():
    """it outlives the daemon, stopped or killed"""
    with Host(WORLD) as h:
        assert h.ctl("claim", "3G", "--ttl", "10h").status == 0
        before = h.claims()[0]
        for sig in (signal.SIGTERM, signal.SIGKILL):
            h.stop(sig)
            h.start()
            c, = h.claims()
            assert (c["id"], c["state"], c["held_bytes"]) == (before["id"], "held", 3 * GIB), c
            assert outstanding(h) == 3 * GIB


def built():
    """the domain that is built has it"""
    with Host(WORLD) as h:
        one, other = (h.ctl("claim", size).out.split()[0] for size in ("2G", "1G"))
        assert h.ctl("sim", "create", "new", "1G", "--claim", one).status == 0
        wait_until("it is built", lambda: h.domain("new")["state"] == "steady")
        wait_until("its claim ends", lambda: [c["id"] for c in h.claims()] == [other])
        assert h.domain("new")["current_bytes"] == GIB
        assert outstanding(h) == GIB  # the rest of the larger one came back


def lease():
    """the end of its lease"""
    with Host(WORLD) as h:
        assert h.ctl("claim", "3G", "--ttl", "5s").status == 0
        wait_until("its end", lambda: not h.claims())
        assert outstanding(h) == 0


def node():
    """a simulated host has no claims on a node"""
    with Host(WORLD) as h:
        r = h.ctl("claim", "1G", "--node", "0")
        assert r.status == 1 and "no claims on a node" in r.err, r
        r = h.ctl("claim", "1G", "--node", "3")
        assert r.status == 2 and "this host has no node 3" in r.err, r
        assert h.claims() == [] and outstanding(h) == 0


run([held, balloons, outlives, built, lease, node])
