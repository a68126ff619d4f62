#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a user of status, set, explain, plan, pause and monitor sees."""
import json
import os
import subprocess

import claims
import host
from host import GIB, MIB, Host, wait_until


def set_by_hand():
    """set moves a guest exactly, and puts it in mode manual until told otherwise"""
    with Host(claims.world()) as h:
        assert h.ctl("set", "a", "1G").status == 0
        wait_until("a to have 1G", lambda: h.domain("a")["current_bytes"] == GIB)
        assert h.domain("a")["mode"] == "manual"
        assert "by hand" in h.domain("a")["reason"]
        assert h.ctl("claim", "3G").status == 0
        assert h.settled() and h.domain("a")["current_bytes"] == GIB
        assert h.ctl("set", "a", "--mode", "auto").status == 0
        assert h.domain("a")["mode"] == "auto"


def limits_hold():
    """limits are refused when they contradict each other, with both numbers"""
    with Host(claims.world()) as h:
        for args, words in [
            (("a", "--max", "2G"), "2 GiB is above the allocation of a, 1.5 GiB"),
            (("a", "--max", "256M"), "256 MiB is below the min of a, 512 MiB"),
            (("a", "--min", "1G", "--max", "768M"), "1 GiB is above the max of a, 768 MiB"),
            (("a", "3G"), "3 GiB is above the max of a, 1.5 GiB"),
            (("a", "128M"), "128 MiB is below the min of a, 512 MiB"),
        ]:
            r = h.ctl("set", *args)
            assert r.status in (1, 2) and words in r.err, (args, r)
        a = h.domain("a")
        assert (a["min_bytes"], a["max_bytes"], a["mode"]) == (512 * MIB, 1536 * MIB, "auto"), a


def limits_last():
    """limits set are kept by UUID over a restart, unless --no-persist"""
    with Host(claims.world()) as h:
        assert h.ctl("set", "a", "--min", "1G", "--weight", "300").status == 0
        assert h.ctl("set", "b", "--min", "1G", "--no-persist").status == 0
        assert h.domain("b")["min_bytes"] == GIB
        h.stop()
        h.start()
        assert (h.domain("a")["min_bytes"], h.domain("a")["weight"]) == (GIB, 300)
        assert h.domain("b")["min_bytes"] == 512 * MIB


def forgets_who_is_gone():
    """what is known of thousands of domains that are gone is dropped, what was set is not"""
    with Host(claims.world()) as h:
        assert h.ctl("set", "a", "--min", "1G").status == 0
        h.stop()
        folder = os.path.join(h.state, "domains")
        (a,) = os.listdir(folder)
        with open(os.path.join(folder, a)) as f:
            known = json.load(f)
        for i in range(5000):
            one = dict(known, uuid="00000000-0000-4000-8000-%012x" % i)
            if i != 1000:
                one["set"] = {}
            with open(os.path.join(folder, one["uuid"]), "w") as f:
                json.dump(one, f)
        h.start()
        wait_until("most to be removed", lambda: len(os.listdir(folder)) < 4200)
        left = os.listdir(folder)
        assert 4000 < len(left), len(left)
        assert a in left and "00000000-0000-4000-8000-%012x" % 1000 in left
        assert h.domain("a")["min_bytes"] == GIB


def somebody_else():
    """a target that somebody else wrote is left alone until --mode auto"""
    with Host(claims.world()) as h:
        assert h.ctl("sim", "set", "a", "target=1G").status == 0
        wait_until("a to be external", lambda: h.domain("a")["state"] == "external")
        assert h.ctl("claim", "2G").status == 0
        wait_until("a to have what it was told", lambda: h.domain("a")["current_bytes"] == GIB)
        assert h.domain("a")["state"] == "external"
        assert h.ctl("set", "a", "--mode", "auto").status == 0
        wait_until("a to be ours", lambda: h.domain("a")["state"] != "external")


def pause_and_resume():
    """pause stops targets at once, resume takes up again; both survive a restart"""
    with Host(claims.world(rate="20M"), speed=5) as h:
        assert h.ctl("claim", "3G", "--no-wait").status == 0
        wait_until("guests to give", lambda: h.domain("a")["target_bytes"] < 1536 * MIB)
        assert h.ctl("pause").status == 0
        before = [d["target_bytes"] for d in h.status()["domains"]]
        h.stop()
        h.start()
        s = h.status()
        assert [d["target_bytes"] for d in s["domains"]] == before
        assert any("paused" in p for p in s["daemon"]["problems"]), s["daemon"]
        assert h.ctl("resume").status == 0
        wait_until("the claim to be held", lambda: h.claims()[0]["state"] == "held")


def explain_and_plan():
    """explain and plan say numbers, names and what would change them; nothing moves"""
    with Host(claims.world()) as h:
        r = h.ctl("explain", "a")
        assert r.status == 0 and "1.5 GiB" in r.out and "512 MiB" in r.out, r
        r = h.ctl("plan", "3G", "--json")
        assert r.status == 0 and r.json["verdict"] == "reclaim", r
        assert sorted(d["name"] for d in r.json["domains"]) == ["a", "b", "c", "d"], r
        r = h.ctl("plan", "100G")
        assert r.status in (0, 3) and "at most" in r.out + r.err, r
        assert h.claims() == [] and h.domain("a")["target_bytes"] == 1536 * MIB


def monitor_tells():
    """monitor shows each event of a claim's life, in order"""
    with Host(claims.world()) as h:
        me = h.ctl("claim", "3G").out.strip()
        h.ctl("release", me)
        m = h.ctl_start("monitor", "--since", "0", "--json")
        seen = []
        for line in m.stdout:
            e = json.loads(line)
            e = e.get("params", e)
            if e["type"].startswith("claim."):
                seen.append(e["type"])
            if e["type"] == "claim.released":
                break
        m.terminate()
        m.communicate(timeout=host.LIMIT)
        assert seen == ["claim.reclaiming", "claim.held", "claim.released"], seen


def own_driver_refuses():
    """a guest whose own driver refuses is no stuck guest: it says why, once, and others give"""
    with Host(claims.world(a="behaviour = floor:1408M")) as h:
        assert h.ctl("claim", "3G").status == 0
        a = h.domain("a")
        assert a["state"] == "steady" and a["current_bytes"] == 1408 * MIB, a
        seen = []
        m = h.ctl_start("monitor", "--since", "0", "--json")
        for line in m.stdout:
            e = json.loads(line)
            e = e.get("params", e)
            seen.append(e)
            if e["type"] == "claim.held":
                break
        m.terminate()
        m.communicate(timeout=host.LIMIT)
        told = [e for e in seen if e["type"] in ("domain.refused", "domain.stuck")]
        assert [(e["type"], e["name"]) for e in told] == [("domain.refused", "a")], told
        assert "its own driver keeps it at 1.4 GiB: memory pressure inside the guest" in told[0]["reason"], told


def own_driver_is_shown():
    """what a guest's own driver says is in status and explain, null where it says nothing"""
    with Host(claims.world(a="behaviour = own-min:1G", b="telemetry = no")) as h:
        assert h.domain("b")["telemetry"] is None
        t = h.domain("c")["telemetry"]
        for key in ("min_bytes", "max_bytes", "refused", "swap_bytes", "pressure_full_avg10", "oom_kills"):
            assert t[key] is None, t
        assert h.domain("a")["telemetry"]["min_bytes"] == GIB, h.domain("a")
        r = h.ctl("explain", "a")
        assert "its own driver keeps 1 GiB: its floor (xen.balloon.min in the guest)" in r.out, r
        # set by hand to less than it gives
        assert h.ctl("set", "a", "768M").status == 0
        a = wait_until("a to refuse", lambda: h.domain("a") if h.domain("a")["telemetry"]["refused"] else None)
        assert a["telemetry"]["refused"] == "min" and a["state"] in ("steady", "shrinking"), a
        wait_until("a to be where its driver keeps it", lambda: h.domain("a")["current_bytes"] == GIB)
        assert "asked for 768 MiB, its own driver keeps it at 1 GiB" in h.domain("a")["reason"], h.domain("a")
        assert h.domain("a")["state"] == "steady"
        assert "its own driver keeps it at 1 GiB" in h.ctl("status").out, h.ctl("status")


def exit_codes():
    """the exit status says what went wrong"""
    with Host(claims.world()) as h:
        assert h.ctl("explain", "nobody").status == 5
        assert h.ctl("release", "nothing").status == 5
        assert h.ctl("claim", "0").status == 2
        assert h.ctl("claim").status == 2
        assert h.ctl("frobnicate").status == 2
        assert h.ctl("-s", h.dir + "/none", "status").status == 6
        r = h.ctl("-s", h.dir + "/none", "status", "--json")
        assert r.json["error"]["id"] == "no-daemon", r


def not_permitted():
    """who is not in the group gets one line and is refused"""
    # The build folder may be in root's home, where others reach nothing by an absolute path;
    # and the script that libtool puts before a program makes such paths.
    build = os.path.abspath(host.BUILD)
    with Host(claims.world()) as h:
        os.chmod(h.dir, 0o755)
        p = subprocess.run([".libs/balloonctl", "-s", os.path.relpath(h.socket, build), "status"],
                           user=65534, group=65534, extra_groups=[], cwd=build,
                           env={**os.environ, "LD_LIBRARY_PATH": ".libs"}, capture_output=True,
                           text=True, stdin=subprocess.DEVNULL, timeout=host.LIMIT)
        assert p.returncode == 7, p
        assert h.ctl("status").status == 0


def build_from_a_claim():
    """a domain built from a claim uses it up, and the claim is done"""
    with Host(claims.world()) as h:
        me = h.ctl("claim", "1G", "--name", "new").out.strip()
        r = h.ctl("sim", "create", "new", "1G", "--claim", me)
        assert r.status == 0, r
        wait_until("the claim to be done", lambda: h.claims() == [])
        wait_until("it to be whole", lambda: h.domain("new")["current_bytes"] == GIB)
        s = claims.books(h)
        assert s["host"]["promised_bytes"] == 0, s["host"]


if __name__ == "__main__":
    cases = [set_by_hand, limits_hold, limits_last, forgets_who_is_gone, somebody_else,
              pause_and_resume, explain_and_plan, monitor_tells, own_driver_refuses, own_driver_is_shown,
              exit_codes, build_from_a_claim, not_permitted]
    if os.getuid():  # only root can be somebody else
        cases.remove(not_permitted)
    host.run(cases)
