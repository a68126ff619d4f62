# SPDX-License-Identifier: GPL-2.0-or-later
"""What must be so after a restart, whenever the daemon was killed."""
import os
import time

from life import A, B, C, D, E, F, G, GIB, H, MIB, PATIENT, TICK, Refused, claims, domains

PAGE = 4096
HOLDER_PAGES = 14


def moving(status):
    """What must come to rest by itself, or was waited for by nobody."""
    there = {d["domid"] for d in status["domains"]}
    return ([c["id"] for c in status["claims"] if c["state"] == "reclaiming" or
             # these end, once that is written
             c["state"] == "held" and c["held_bytes"] != c["size_bytes"] or
             c["state"] == "building" and c["domid"] not in there] +
            [d["name"] for d in status["domains"] if d["state"] in ("growing", "shrinking", "building", "dying")])


def retry(client):
    """The one request without an answer is made again, as a client does that
    lost its connection; the same id must not be staked twice."""
    if not client.asked:
        return
    what, id = client.asked
    try:
        if what == "claim" and id != C:
            client.claim(id, {A: GIB, B: 10 * GIB, D: GIB, E: 256 * MIB, F: 20 * GIB,
                              G: 4 * GIB, H: 64 * MIB}[id],
                         **({"min_bytes": GIB, "wait_seconds": 20} if id == F else
                            {"no_wait": True} if id in (G, H) else {"wait_seconds": PATIENT}))
        elif what == "release":
            client.release(id)
    except Refused as e:
        if what != "release" or e.id != "no-such-claim":
            raise
        client.forget(id)


def passing(status):
    """Claims whose lease ends by itself: a short one, and what is kept for a reboot."""
    return [id for id in claims(status) if id == C or id not in (A, B, D, E, F, G, H)]


def rest(client):
    """Until nothing moves, and nothing has for two of the daemon's ticks."""
    books, calm, last = None, 0, 0
    queued = client.waiting | {G}

    def still(status):
        nonlocal books, calm, last
        for d in status["domains"]:
            for key in ("telemetry", "reason", "demand_bytes"):
                d.pop(key, None)
        now = [status["host"], status["domains"],
               [(c["id"], c["state"], c["held_bytes"]) for c in status["claims"]]]
        if now != books or passing(status) or [x for x in moving(status) if x not in queued]:
            books, calm = now, 0
        # A machine that is busy stops both of us: that is no calm.
        calm += min(time.monotonic() - last, TICK / 4)
        last = time.monotonic()
        return calm > 2.5 * TICK

    return client.wait("all comes to rest", still)


def check_claims(client, status):
    live = claims(status)
    asked = client.asked[1] if client.asked and client.asked[0] != "misplace" else None
    for id, size in client.held.items():
        if id == asked:
            continue  # being handed over or built: checked by the books
        assert id in live, "claim %s was held and is lost" % id
        assert live[id]["state"] == "held", live[id]
        assert live[id]["size_bytes"] == live[id]["held_bytes"] == size, live[id]
    for id in client.waiting:
        assert id == asked or id in live, "claim %s stood and is lost" % id
    for id in client.gone:
        assert id not in live, "claim %s was given back and is there" % id
    assert C not in live, "a lease of half a second still runs"


def check_handed_over(client, status):
    """What was handed to the domain that takes so long, as soon as the daemon
    is there: it has its claim, and its claim has it."""
    live, late = claims(status), domains(status).get("late")
    staked = late["claimed_bytes"] if late and late["state"] != "dying" else 0
    mine = [c for c in live.values() if c["state"] == "building" and late and
            c["domid"] == late["domid"]]
    assert not staked or mine, "staked for nobody: %s, %s" % (late, live)
    for id in client.building:
        if late and late["state"] != "dying":
            assert id in live and live[id] in mine, "claim %s was handed over and is lost" % id


def check_people(client, status):
    paused = status["daemon"]["paused"]
    assert paused in client.paused, "paused is %s, not %s" % (paused, client.paused)
    rows = domains(status)
    fields = {"min_bytes": "min_bytes", "max_bytes": "max_bytes", "weight": "weight"}
    for (name, key), values in client.limits.items():
        if key in fields and None not in values:
            assert rows[name][fields[key]] in values, (name, key, rows[name], values)
        if key == "size_bytes" and None not in values:
            assert rows[name]["mode"] == "manual", rows[name]
            assert rows[name]["current_bytes"] in values, rows[name]
    for name in ("web", "db"):  # what they were started with, whatever they were shrunk to
        base = client.daemon.call("explain", domain=name)["limits"]["base_bytes"]
        assert base == 4 * GIB, "base of %s: %d" % (name, base)
    if client.external is not None:
        assert (rows["mail"]["state"] == "external") == client.external, rows["mail"]
    for name, size in client.built.items():
        assert name in rows and rows[name]["state"] != "building", "%s is lost" % name


def check_books(status, world):
    """The world as it is, against what the daemon says of it."""
    pages = {d["domid"]: d for d in world["domains"]}
    host, live = status["host"], claims(status)
    used = sum(d["pages"] + d["overhead"] for d in pages.values())
    assert world["total"] == world["free"] + used, "pages are lost: %s" % world
    assert world["outstanding"] == sum(d["outstanding"] for d in pages.values()) + world["pool"]
    holders = {d["domid"]: d for d in pages.values() if d["holder"]}
    pooled = status["daemon"]["claim_method"] == "pool"
    in_pool = [c["size_bytes"] for c in live.values() if pooled and c["state"] == "held"]
    assert world["pool"] * PAGE == sum(in_pool), "pool %s, claims %s" % (world["pool"], live)
    held = {c["holder_domid"]: c for c in live.values() if not pooled and c["state"] == "held"}
    assert set(holders) == set(held), "holders %s, claims %s" % (holders, live)
    for domid, c in held.items():
        d = holders[domid]
        assert d["name"] == "balloond-claim-" + c["id"], (d, c)
        assert d["outstanding"] * PAGE == c["size_bytes"], (d, c)
        assert d["pages"] == 0, d
    building = {c["domid"] for c in live.values() if c["state"] == "building"}
    for d in pages.values():
        assert not d["outstanding"] or d["holder"] or d["domid"] in building, \
            "staked for nobody: %s" % d
    assert host["total_bytes"] == world["total"] * PAGE
    assert host["free_bytes"] == world["free"] * PAGE, (host, world["free"])
    assert host["outstanding_bytes"] == world["outstanding"] * PAGE, (host, world)
    # The holder's own structures come out of the overhead.
    promised = sum(c["overhead_bytes"] + (c["size_bytes"] if c["state"] == "reclaiming" else 0) -
                   (HOLDER_PAGES * PAGE if c["holder_domid"] is not None else 0)
                   for c in live.values())
    assert host["promised_bytes"] == promised, (host, live)
    balance = (host["free_bytes"] - host["outstanding_bytes"] - promised -
               host["growing_bytes"] - host["reserve_bytes"])
    assert host["available_bytes"] == max(0, balance), host
    assert balance >= 0 or any(c["state"] == "reclaiming" for c in live.values()), \
        "promised more than there is: %s" % host


def check_folder(state, status):
    files = sorted(os.listdir(os.path.join(state, "claims")))
    assert files == sorted(claims(status)), "claims on disk: %s" % files
    for root, _, names in os.walk(state):
        left = [n for n in names if n.endswith((".tmp", ".bad", ".new"))]
        assert not left, "left behind in %s: %s" % (root, left)


def check_log(folder):
    """Nobody but the daemon ends what holds a claim, so it blames nobody."""
    with open(os.path.join(folder, "log"), errors="replace", encoding="utf-8") as f:
        blamed = [line for line in f if "holder domain is gone" in line]
    assert not blamed, "somebody is said to have destroyed a holder: %s" % blamed[0]


def see_off_late(client):
    """The domain that was handed a claim is built for an hour; it goes."""
    may_be_gone = client.asked and client.asked[0] == "destroy"
    if not client.destroyed:
        client.wait("late appears", lambda s: may_be_gone or "late" in domains(s))
    if "late" in domains(client.daemon.call("status")):
        try:
            client.daemon.call("sim.destroy", name="late")
        except Refused as e:
            assert e.id in ("bad-state", "no-such-domain"), e.id  # it is going already
    client.wait("late goes", lambda s: "late" not in domains(s))
