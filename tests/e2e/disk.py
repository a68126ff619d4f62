#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk that takes nothing more: what cannot be saved is not promised."""
import json
import os
import resource
import signal

import claims
import host
from host import GIB, MIB, Host, wait_until


class Full:
    """While it lasts, the daemon can make files and write nothing to them."""

    def __init__(self, h):
        self.pid = h.daemon.pid

    def __enter__(self):
        self.before = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0, self.before[1]))

    def __exit__(self, kind, value, trace):
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, self.before)


def claims_refused():
    """a claim that cannot be saved is refused with the reason and holds nothing"""
    with Host(claims.world()) as h:
        stands = h.ctl("claim", "256M").out.strip()
        with Full(h):
            for size in ("256M", "3G"):
                r = h.ctl("claim", size)
                assert r.status == 1 and "cannot save the claim: File too large" in r.err, r
            assert [c["id"] for c in h.claims()] == [stands]
            assert h.status()["host"]["outstanding_bytes"] == 256 * MIB
            assert h.domain("a")["target_bytes"] == 1536 * MIB
        assert h.ctl("claim", "3G").status == 0
        assert len(claims.books(h)["claims"]) == 2


def settings_refused():
    """limits, renewals and a pause that cannot be saved are refused and stay as they were"""
    with Host(claims.world()) as h:
        stands = h.ctl("claim", "256M").out.strip()
        with Full(h):
            for args in (["set", "a", "--min", "1G"], ["set", "a", "1G"], ["pause"],
                         ["renew", stands, "--ttl", "2h"]):
                r = h.ctl(*args)
                assert r.status == 1 and "File too large" in r.err, (args, r)
            # What is for this run alone needs no disk.
            assert h.ctl("set", "a", "--weight", "9", "--no-persist").status == 0
            assert h.domain("a")["weight"] == 9
            assert h.domain("a")["min_bytes"] == 512 * MIB
            assert h.domain("a")["mode"] == "auto"
            assert h.domain("a")["target_bytes"] == 1536 * MIB
            assert not h.status()["daemon"]["paused"]
            assert h.claims()[0]["expires_in_seconds"] <= 600
        assert h.ctl("set", "a", "--min", "1G").status == 0


def guests_stay():
    """no guest is moved of which it cannot save what it had; the status says so"""
    with Host(claims.world()) as h:
        assert h.ctl("pause").status == 0
        me = h.ctl("claim", "3G", "--no-wait").out.strip()
        with Full(h):
            assert h.ctl("resume").status == 0
            wait_until("the status to say so", lambda: any(
                "state cannot be saved" in p for p in h.status()["daemon"]["problems"]))
            assert [h.domain(n)["target_bytes"] for n in "abcd"] == [1536 * MIB] * 4
        wait_until("the claim to be held", lambda: h.claims()[0]["state"] == "held")
        assert h.claims()[0]["id"] == me
        assert h.status()["daemon"]["problems"] == []


def released_all_the_same():
    """what is held can be given back, and a restart finds what was promised"""
    with Host(claims.world()) as h:
        first = h.ctl("claim", "256M").out.strip()
        second = h.ctl("claim", "256M").out.strip()
        with Full(h):
            assert h.ctl("release", first).status == 0
            assert h.status()["host"]["outstanding_bytes"] == 256 * MIB
        h.stop()
        h.start()
        assert [c["id"] for c in claims.books(h)["claims"]] == [second]


def rewrite(h, claim, **members):
    """The record of a claim, as another balloond may have left it."""
    path = os.path.join(h.state, "claims", claim)
    with open(path) as f:
        record = json.load(f)
    with open(path, "w") as f:
        json.dump(dict(record, **members), f)


def newer_record_is_in_the_way():
    """an id whose record is a newer balloond's cannot be claimed anew: nothing would record it"""
    for change in ({"state": "hibernating"}, {"boot": "11111111-1111-4111-8111-111111111111"}):
        with Host(claims.world()) as h:
            me = h.ctl("claim", "256M").out.strip()
            h.stop()
            rewrite(h, me, format=2, **change)
            h.start()
            before = h.status()["host"]["outstanding_bytes"]
            r = h.ctl("claim", "200M", "--id", me)
            assert r.status == 1 and "newer balloond" in r.err, r
            assert h.status()["host"]["outstanding_bytes"] == before
            assert h.ctl("claim", "200M").status == 0


def record_of_too_much():
    """a record that tells of more than the host has ends its claim, and keeps nobody waiting"""
    for member in ("size_pages", "overhead_pages", "pooled_pages"):
        with Host(claims.world()) as h:
            me = h.ctl("claim", "256M").out.strip()
            h.stop()
            rewrite(h, me, **{member: 1 << 40})
            h.start()
            wait_until("the claim to end", lambda: not h.claims())
            assert h.ctl("claim", "256M", "--now").status == 0, member


POOL = """[host]
memory = 16G
dom0 = 1G
claim-method = pool
"""


def staked_unrecorded(h, *options):
    """A claim that waited until there was room for it, and its client, on a full disk."""
    first = h.ctl("claim", "10G").out.strip()
    me = h.ctl("claim", "10G", "--no-wait", *options).out.strip()
    client = h.ctl_start("claim", "10G", "--id", me)
    full = Full(h)
    full.__enter__()
    assert h.ctl("release", first).status == 0
    wait_until("the claim to be staked and the disk to be a problem of the status", lambda: (
        h.status()["host"]["outstanding_bytes"] == 10 * GIB and h.status()["daemon"]["problems"]))
    (c,) = h.claims()
    assert (c["id"], c["state"], client.poll()) == (me, "reclaiming", None), c
    assert "as soon as its record is written" in c["reason"], c
    return client, full


def reason_when_held(h, claim):
    """The reason in the event that says that the claim is held."""
    monitor = h.ctl_start("monitor", "--since", "0", "--json")
    events = (e.get("params", e) for e in map(json.loads, monitor.stdout))
    reason = next(e["reason"] for e in events if e["type"] == "claim.held" and e["id"] == claim)
    monitor.terminate()
    monitor.communicate(timeout=host.LIMIT)
    return reason


def held_once_written():
    """a claim in the hypervisor's pool is called held once its record says so"""
    with Host(POOL) as h:
        client, full = staked_unrecorded(h)
        full.__exit__(None, None, None)
        out, err = client.communicate(timeout=host.LIMIT)
        assert (client.returncode, err) == (0, ""), (out, err)
        (c,) = h.claims()
        assert (c["state"], c["held_bytes"]) == ("held", 10 * GIB), c
        assert reason_when_held(h, c["id"]) == "held in the hypervisor's pool"


def told_nothing_that_a_kill_undoes():
    """no client was told what a kill undoes, and the claim is staked anew"""
    with Host(POOL) as h:
        client, _ = staked_unrecorded(h)
        h.stop(signal.SIGKILL)
        client.kill()
        assert client.communicate()[0] == ""
        h.start()
        wait_until("the claim to be held", lambda: h.claims()[0]["state"] == "held")


def refused_when_its_time_is_over():
    """a claim whose record cannot be written for as long as its lease lasts is refused with the reason"""
    with Host(POOL, speed=30) as h:
        client, _ = staked_unrecorded(h, "--ttl", "5m")
        _, err = client.communicate(timeout=host.LIMIT)
        assert client.returncode == 1 and "cannot save the claim: File too large" in err, err
        assert h.claims() == [] and h.status()["host"]["outstanding_bytes"] == 0


if __name__ == "__main__":
    host.run([claims_refused, settings_refused, guests_stay, released_all_the_same,
              newer_record_is_in_the_way, record_of_too_much,
              held_once_written, told_nothing_that_a_kill_undoes, refused_when_its_time_is_over])
