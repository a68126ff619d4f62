# SPDX-License-Identifier: GPL-2.0-or-later
"""One life of a simulated host, and a client that lives it: claims with and
without room, a lease that ends, a claim that is built, one that is handed over,
limits, a guest that reboots, a pause, a target that somebody else wrote. The clock of that host runs
500 times as fast as ours."""
import json
import os
import signal
import socket
import subprocess
import time

TOP = os.path.abspath(os.environ["top_builddir"])
KILLED = os.path.join(TOP, "tests/kill/balloond-kill")
PLAIN = os.path.join(TOP, "balloond")
MIB, GIB = 1 << 20, 1 << 30
SPEED = 500
TICK = 10 / SPEED  # of the daemon
LIMIT = 20  # seconds for anything that is waited for
DAY = 86000  # a lease that outlives every run
PATIENT = LIMIT * SPEED * 9 // 10  # seconds of that host, for as long as there is an answer

WORLD = """[host]
memory = 24G
dom0 = 1G
claim-method = %s
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
rate = 8K
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
        claim = self.claim(B, 10 * GIB, wait_seconds=PATIENT)
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
        self.reboot()
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
        self.ask("destroy", "sim.destroy", name="late")
        self.building = set()
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

    def reboot(self):
        before = domains(self.daemon.call("status"))["web"]

        def is_back(s):
            web = domains(s).get("web", before)
            return (web["domid"] != before["domid"] and web["state"] != "building" and
                    all(c["uuid"] != before["uuid"] for c in s["claims"]))

        self.daemon.call("sim.set", name="web", values={"behaviour": "reboot:10ms"})
        self.wait("web comes again", is_back)

    def meddle(self):
        self.external = None  # until it was told, and while the other is asked
        self.daemon.call("sim.set", name="mail", values={"target": "2560M"})
        self.wait("it is noticed", lambda s: domains(s)["mail"]["state"] == "external")
        self.pause(True)  # the same thread wrote down who steers mail before that
        self.external = True
        self.external = None
        self.ask("set", "set", domain="mail", mode="auto")
        self.external = False


def domains(status):
    return {d["name"]: d for d in status["domains"]}


def claims(status):
    return {c["id"]: c for c in status["claims"]}
