#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Kills balloond before and after every write to disk and every change of the
host, one run a place, starts it again, and checks that what it had promised is
kept: once, and for somebody.

A run is one life of a simulated host: claims with and without room, a lease
that ends, a claim that is built, one that is handed over, limits, a pause, a
target that somebody else wrote. The clock of that host runs 500 times as fast
as ours.

KILL_ONLY=N[,N] runs those places alone. KILL_TWICE=1 kills the daemon that
comes next too, while it puts things right, at the Kth place of its own, with K
from 1 to 40 and round again."""
import concurrent.futures
import grp
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.abspath(os.environ["top_builddir"])
KILLED = os.path.join(TOP, "tests/kill/balloond-kill")
PLAIN = os.path.join(TOP, "balloond")
MIB, GIB = 1 << 20, 1 << 30
PAGE = 4096
HOLDER_PAGES = 14
SPEED = 500
TICK = 10 / SPEED
LIMIT = 20  # seconds for anything that is waited for
DAY = 86000  # a lease that outlives every run
AT_ONCE = 6  # they mostly wait for ticks

WORLD = """[host]
memory = 24G
dom0 = 1G
[guest web]
static-max = 4G
memory = 4G
min = 1G
[guest db]
static-max = 4G
memory = 4G
min = 1G
used = 1400M
[guest mail]
static-max = 4G
memory = 4G
min = 1G
telemetry = no
[thief late]
at = 1s
size = 2G
rate = 64K
"""

# Ids of the claims, chosen by the client as one who wants to try again does.
A, B, C, D, E, F, G, H = ("%08x-0000-4000-8000-000000000000" % i for i in range(1, 9))


class Died(Exception):
    """The daemon went away in the middle."""


class Refused(Exception):
    def __init__(self, error):
        super().__init__(error["message"])
        self.id = error.get("data", {}).get("id")


class Daemon:
    def __init__(self, folder, program, kill_at=0):
        self.folder = folder
        # A socket's path is short, a build folder's need not be.
        self.dir = os.open(folder, os.O_RDONLY)
        self.path = "/proc/self/fd/%d/s" % self.dir
        self.state = os.path.join(folder, "state")
        self.log = open(os.path.join(folder, "log"), "ab")
        env = dict(os.environ, KILL_AT=str(kill_at), KILL_LOG=os.path.join(folder, "points"))
        env.pop("NOTIFY_SOCKET", None)
        self.process = subprocess.Popen(
            [program, "--backend", "sim", "--config", os.path.join(folder, "conf"),
             "--socket", "s", "--state-dir", self.state,
             "--sim-world", os.path.join(folder, "world"), "--sim-speed", str(SPEED)],
            cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log)
        self.socket = None
        self.buffer = b""
        self.n = 0

    def connect(self):
        end = time.monotonic() + LIMIT
        while True:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(self.path)
                break
            except OSError:
                s.close()
            if self.process.poll() is not None:
                raise Died
            if time.monotonic() > end:
                raise AssertionError("the daemon does not listen")
            time.sleep(0.002)
        s.settimeout(LIMIT)
        self.socket = s

    def call(self, method, **params):
        self.n += 1
        line = {"jsonrpc": "2.0", "id": self.n, "method": method, "params": params}
        try:
            self.socket.sendall(json.dumps(line).encode() + b"\n")
            while b"\n" not in self.buffer:
                more = self.socket.recv(1 << 16)
                if not more:
                    raise Died
                self.buffer += more
        except OSError as e:
            if isinstance(e, TimeoutError):
                raise AssertionError("no answer to %s" % method) from e
            raise Died from e
        text, _, self.buffer = self.buffer.partition(b"\n")
        answer = json.loads(text)
        assert answer["id"] == self.n, answer
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def end(self):
        """What a service manager does; the exit status."""
        if self.socket:
            self.socket.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(LIMIT)
        finally:
            self.process.kill()
            self.log.close()
            if self.dir >= 0:
                os.close(self.dir)
                self.dir = -1


class Client:
    """Does the things of one life and keeps what it was told: what was
    answered is known, what was asked and not answered may be either."""

    def __init__(self):
        self.daemon = None
        self.held = {}  # id -> bytes
        self.waiting = set()  # told that they stand, not that they are held
        self.building = set()  # handed to a domain that is not done
        self.gone = set()
        self.asked = None  # the request without an answer: (what, id)
        self.paused = {False}
        self.limits = {}  # (domain, key) -> the values it may have
        self.external = False
        self.destroyed = False
        self.built = {}  # name -> bytes

    def ask(self, what, method, **params):
        self.asked = (what, params.get("id") or params.get("claim"))
        result = self.daemon.call(method, **params)
        self.asked = None
        return result

    def claim(self, id, size, **more):
        params = dict(id=id, size_bytes=size, ttl_seconds=DAY)
        params.update(more)
        claim = self.ask("claim", "claim", **params)["claim"]
        assert claim["id"] == id
        if claim["state"] == "reclaiming":
            self.waiting.add(id)
        else:
            assert claim["state"] == "held", claim
            self.held[id] = claim["size_bytes"]
        return claim

    def release(self, id):
        self.asked = ("release", id)
        self.daemon.call("release", ids=[id])
        self.asked = None
        self.forget(id)

    def forget(self, id):
        self.held.pop(id, None)
        self.waiting.discard(id)
        self.gone.add(id)

    def pause(self, yes):
        self.paused.add(yes)
        self.ask("pause", "pause" if yes else "resume")
        self.paused = {yes}

    def set(self, domain, **params):
        for key, value in params.items():
            self.limits.setdefault((domain, key), {None}).add(value)
        self.ask("set", "set", domain=domain, **params)
        for key, value in params.items():
            self.limits[(domain, key)] = {value}

    def wait(self, what, test):
        end = time.monotonic() + LIMIT
        while True:
            s = self.daemon.call("status")
            if test(s):
                return s
            if time.monotonic() > end:
                raise AssertionError("waited in vain for: %s\n%s" % (what, json.dumps(s)))
            time.sleep(0.003)

    def life(self):
        self.wait("late appears", lambda s: "late" in domains(s))
        self.claim(A, GIB)
        self.claim(E, 256 * MIB)
        self.pause(True)
        self.pause(False)
        claim = self.claim(B, 10 * GIB, wait_seconds=3600)
        assert claim["held_bytes"] == 10 * GIB, claim
        self.ask("renew", "renew", id=A, ttl_seconds=DAY + 1)
        self.set("web", min_bytes=1536 * MIB, weight=200)
        self.set("mail", max_bytes=3 * GIB)
        self.expire()
        self.hand_over()
        self.release(B)
        self.set("db", size_bytes=2 * GIB)
        self.build()
        self.queue()
        self.meddle()
        self.pause(True)

    def expire(self):
        self.claim(C, 16 * MIB, ttl_seconds=0.5)
        del self.held[C]
        self.wait("the lease ends", lambda s: C not in claims(s))
        self.gone.add(C)

    def hand_over(self):
        self.misplace()
        self.claim_for_late()
        domid = domains(self.daemon.call("status"))["late"]["domid"]
        claim = self.ask("handoff", "handoff", domid=domid, size_bytes=256 * MIB,
                         claim=E)["claim"]
        assert claim["state"] == "building", claim
        del self.held[E]
        self.building = {E}
        self.building = set()
        self.ask("destroy", "sim.destroy", name="late")
        self.destroyed = True
        self.wait("its claim fails", lambda s: E not in claims(s))
        self.gone.add(E)

    def claim_for_late(self):
        """The domain that is built needs more than the claim it came with."""
        domid = domains(self.daemon.call("status"))["late"]["domid"]
        claim = self.ask("claim for late", "handoff", domid=domid, size_bytes=64 * MIB)["claim"]
        assert claim["state"] == "building", claim
        self.release(claim["id"])

    def misplace(self):
        """To a domain that takes no claim: refused, and what is held stays."""
        domid = domains(self.daemon.call("status"))["web"]["domid"]
        try:
            self.ask("misplace", "handoff", domid=domid, size_bytes=GIB, claim=A)
        except Refused:
            self.asked = None
        else:
            raise AssertionError("web took a claim")

    def build(self):
        self.claim(D, GIB, name="built")
        self.ask("create", "sim.create", name="built", size_bytes=GIB, claim=D)
        del self.held[D]
        self.built["built"] = GIB
        self.wait("it is built", lambda s: D not in claims(s) and
                  domains(s)["built"]["state"] != "building")
        self.gone.add(D)

    def queue(self):
        """One that takes what there is, one behind it that has to wait."""
        self.claim(F, 40 * GIB, min_bytes=GIB, wait_seconds=20)
        self.claim(G, 4 * GIB, no_wait=True)
        self.claim(H, 64 * MIB, no_wait=True)
        self.release(G)
        self.release(F)
        self.waiting.discard(H)
        self.wait("its turn", lambda s: claims(s)[H]["state"] == "held")
        self.held[H] = 64 * MIB
        self.release(H)

    def meddle(self):
        self.external = None  # until it was told, and while the other is asked
        self.daemon.call("sim.set", name="mail", values={"target": "2560M"})
        self.wait("it is noticed", lambda s: domains(s)["mail"]["state"] == "external")
        self.external = True
        self.pause(True)
        self.external = None
        self.ask("set", "set", domain="mail", mode="auto")
        self.external = False


def domains(status):
    return {d["name"]: d for d in status["domains"]}


def claims(status):
    return {c["id"]: c for c in status["claims"]}


# ---- after a restart ---------------------------------------------------------

def moving(status):
    """What must come to rest by itself, or was waited for by nobody."""
    return ([c["id"] for c in status["claims"] if c["state"] == "reclaiming"] +
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
                            {"no_wait": True} if id in (G, H) else {"wait_seconds": 3600}))
        elif what == "release":
            client.release(id)
    except Refused as e:
        if what != "release" or e.id != "no-such-claim":
            raise
        client.forget(id)


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
        if now != books or C in claims(status) or [x for x in moving(status) if x not in queued]:
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
    assert world["outstanding"] == sum(d["outstanding"] for d in pages.values())
    holders = {d["domid"]: d for d in pages.values() if d["holder"]}
    held = {c["holder_domid"]: c for c in live.values() if c["state"] == "held"}
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


def check_restart(client, folder):
    daemon = client.daemon = Daemon(folder, PLAIN)
    try:
        daemon.connect()
        status = daemon.call("status")
        assert status["daemon"]["paused"] in client.paused, status["daemon"]
        check_handed_over(client, status)
        asked = client.asked
        if True in client.paused:
            was = status["daemon"]["paused"]
            daemon.call("resume")
            client.paused = {False}
            assert was or True not in client.paused
        if asked and asked[0] == "destroy":
            client.held.pop(E, None)
        retry(client)
        see_off_late(client)
        status = rest(client)
        check_claims(client, status)
        check_people(client, status)
        daemon.socket.close()
        daemon.socket = None
        assert daemon.end() == 0, "the second daemon failed"
        world = subprocess.run([KILLED, "--dump-world", os.path.join(daemon.state, "sim-world")],
                               capture_output=True, check=False)
        assert world.returncode == 0, world.stderr.decode()
        check_books(status, json.loads(world.stdout))
        check_folder(daemon.state, status)
    finally:
        daemon.end()


def kill_again(client, folder, n):
    """A second daemon, killed as well; it need not come that far."""
    client.daemon = Daemon(folder, KILLED, n)
    end = time.monotonic() + 4 * TICK
    try:
        client.daemon.connect()
        retry(client)
        client.wait("a few ticks", lambda s: time.monotonic() > end)
    except Died:
        pass
    assert client.daemon.end() in (0, -signal.SIGKILL)


# What else libc has that changes a disk; wrap.c counts none of these.
UNCOUNTED = set("""copy_file_range creat fallocate fputc futimens link linkat mkfifo mknod
    mkostemp mkstemp msync putc pwritev pwritev2 remove renameat2 rmdir sendfile
    splice symlink symlinkat sync_file_range truncate utimensat writev""".split())


def uncounted():
    """Calls of the daemon that change the disk and are no place to be killed at."""
    out = subprocess.run(["nm", "-D", "--undefined-only", PLAIN], capture_output=True,
                         check=True, encoding="ascii").stdout
    called = {line.split()[-1].split("@")[0] for line in out.splitlines()}
    assert "renameat" in called, out
    return called & (UNCOUNTED | {name + "64" for name in UNCOUNTED})


# ---- one place ---------------------------------------------------------------

def prepare(folder):
    with open(os.path.join(folder, "world"), "w", encoding="ascii") as f:
        f.write(WORLD)
    group = grp.getgrgid(os.getgid()).gr_name
    with open(os.path.join(folder, "conf"), "w", encoding="ascii") as f:
        f.write("[control]\ngroup = %s\n" % group)


def points_of(folder):
    with open(os.path.join(folder, "points"), encoding="ascii") as f:
        return f.read().splitlines()


def run_one(n, base):
    """(where it was killed, None or what is wrong); where is None when the
    life was over before that place came."""
    folder = tempfile.mkdtemp(prefix="%04d-" % n, dir=base)
    prepare(folder)
    client = Client()
    client.daemon = Daemon(folder, KILLED, n)
    where, wrong = None, None
    try:
        try:
            client.daemon.connect()
            client.life()
        except Died:
            pass
        status = client.daemon.end()
        points = points_of(folder)
        if status == -signal.SIGKILL:
            assert len(points) == n, "killed at %d, not at %d" % (len(points), n)
            where = points[-1]
        else:
            assert status == 0, "the daemon ended with %s" % status
            assert client.asked is None, "not killed, and no answer"
        if os.environ.get("KILL_TWICE"):
            kill_again(client, folder, n % 40 + 1)
        check_restart(client, folder)
    except Exception as e:  # whatever it is, it is this place's finding
        wrong = "%s: %s" % (type(e).__name__, e)
        with open(os.path.join(folder, "log"), errors="replace", encoding="utf-8") as f:
            wrong += "\n" + "".join(f.readlines()[-12:])
        where = where or "no kill"
        client.daemon.end()
    else:
        shutil.rmtree(folder)
    return where, wrong


def main():
    base = tempfile.mkdtemp(prefix="kill-", dir=TOP)
    missed = uncounted()
    print("%s 1 - every call that changes the disk is counted%s" %
          ("not ok" if missed else "ok", ": not %s" % ", ".join(missed) if missed else ""))
    only = [int(x) for x in os.environ.get("KILL_ONLY", "").split(",") if x]
    lock = threading.Lock()
    ended = 0  # places beyond the end of a life, in a row
    done, failed = [], []

    def one(n):
        nonlocal ended
        with lock:
            if ended >= 4:
                return
        where, wrong = run_one(n, base)
        with lock:
            ended = ended + 1 if where in (None, "no kill") else 0
            if where is None and not wrong:
                return
            done.append(where)
            print("%s %d - killed %s (place %d)" %
                  ("not ok" if wrong else "ok", len(done) + 1, where, n))
            if wrong:
                print("\n".join("# " + line for line in wrong.splitlines()))
                failed.append(n)
            sys.stdout.flush()

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(one, only or range(1, 2000)):
            pass
    print("1..%d" % (len(done) + 1))
    print("# %d places to be killed at: %d of the disk, %d of the host" %
          (len(done), sum("hypercall" not in w and w.split()[1] not in HOST for w in done),
           sum("hypercall" in w or w.split()[1] in HOST for w in done)))
    if failed:
        print("# failed: KILL_ONLY=%s; their folders are in %s" %
              (",".join(map(str, failed)), base))
    else:
        shutil.rmtree(base)
    return bool(failed or missed)


HOST = ("apply", "stake", "unstake", "transfer", "cancel", "adopt", "launch", "hypercall")

if __name__ == "__main__":
    sys.exit(main())
