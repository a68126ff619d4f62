#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a builder sees that has the hook, on the simulated host and with daemons
that fail it."""
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import host  # noqa: E402
from host import BUILD, GIB, LIMIT, MIB, Host, wait_until  # noqa: E402

BUILDER = os.path.abspath(os.path.join(BUILD, "tests/hook/builder"))
HOOK = os.path.abspath(os.path.join(BUILD, ".libs/libballoon-claim.so"))
PAGE = 4096

# One that is built for hours, by somebody who stakes nothing.
WORLD = """[host]
memory = 8G
dom0 = 1G
seed = 7
[guest a]
static-max = 3G
memory = 3G
min = 512M
[thief db]
at = 1s
size = 2G
rate = 4K
[thief big]
at = 1s
size = 3G
rate = 4K
"""


class Builder:
    """A process that builds domains, and what it said."""

    def __init__(self, path, **env):
        env = dict(os.environ, LD_PRELOAD=HOOK, BALLOOND_SOCKET=path, **env)
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([BUILDER], env=env, stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=self.errors, bufsize=1)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    def do(self, what, domid, pages):
        """([what the real library was asked], result, errno)"""
        self.process.stdin.write(f"{what} {domid} {pages}\n")
        return self.result()

    def result(self):
        asked = []
        for line in self.process.stdout:
            if not line.startswith("xenctrl: "):
                _, result, error = line.split()
                return asked, int(result), error
            asked.append(line[9:].strip())
        raise AssertionError("the builder ended")

    def says(self):
        self.errors.seek(0)
        return self.errors.read()


STAKED = ([], 0, "0")


def built(h, name):
    """Waits for that domain, which is being built."""
    return wait_until(name, lambda: h.domain(name))["domid"]


def claim_of(h, domid):
    return next((c for c in h.claims() if c["domid"] == domid), None)


def stakes_exactly():
    """a build gets a claim of exactly its pages, once, and gives back what is left"""
    with Host(WORLD) as h:
        domid = built(h, "db")
        with Builder(h.socket) as b:
            assert b.do("claim", domid, 2 * GIB // PAGE) == STAKED
            claim = claim_of(h, domid)
            assert claim["state"] == "building" and claim["size_bytes"] == 2 * GIB, claim
            d = h.domain("db")
            assert d["claimed_bytes"] + d["current_bytes"] == 2 * GIB, d
            assert b.do("populate", domid, 5) == ([f"populate {domid} 5"], 0, "0")
            assert b.do("claim", domid, 0) == ([f"claim {domid} 0"], 0, "0")
            wait_until("the rest to be given back", lambda: not h.domain("db")["claimed_bytes"])
            assert b.do("populate", domid, 1) == ([f"populate {domid} 1"], 0, "0")
            assert not h.domain("db")["claimed_bytes"]
            assert b.says() == ""


def makes_room():
    """room is made for it by balloons"""
    with Host(WORLD) as h:
        domid = built(h, "big")
        free = h.status()["host"]["available_bytes"]
        h.ctl("claim", "1536M")
        with Builder(h.socket) as b:
            assert free < 3 * GIB + 1536 * MIB, free
            assert b.do("claim", domid, 3 * GIB // PAGE) == STAKED
            assert h.domain("a")["current_bytes"] < 3 * GIB


def without_a_count():
    """populating first, it gets what its limit allows"""
    with Host(WORLD) as h:
        domid = built(h, "db")
        with Builder(h.socket) as b:
            assert b.do("populate", domid, 7) == ([f"populate {domid} 7"], 0, "0")
            assert claim_of(h, domid)["size_bytes"] == 2 * GIB
            assert b.do("claim", domid, 0)[1] == 0


def refuses():
    """what does not fit fails before it populates, and says why"""
    with Host(WORLD) as h:
        domid = built(h, "db")
        with Builder(h.socket) as b:
            assert b.do("claim", domid, 64 * GIB // PAGE) == ([], -1, "ENOMEM")
            said = b.says()
            assert said.count("\n") == 1 and "not enough memory" in said, said
        assert not h.claims()


def by_name():
    """a claim for a name is for the domain of that name, not for a larger one"""
    with Host(WORLD) as h:
        big, db = built(h, "big"), built(h, "db")
        mine = h.ctl("claim", "1G", "--name", "db").out.strip()
        with Builder(h.socket) as b:
            assert b.do("claim", big, 2 * GIB // PAGE) == STAKED
            assert claim_of(h, big)["id"] != mine
            assert b.do("claim", db, GIB // PAGE) == STAKED
            claim = claim_of(h, db)
            assert claim["id"] == mine and claim["held_bytes"], claim


def named_by_hand():
    """a claim that is named by its id grows to what the domain needs, or gives the rest back"""
    with Host(WORLD) as h:
        domid = built(h, "db")
        mine = h.ctl("claim", "1G").out.strip()
        with Builder(h.socket, BALLOOND_CLAIM=mine) as b:
            assert b.do("claim", domid, 2 * GIB // PAGE) == STAKED
            claim = claim_of(h, domid)
            assert claim["id"] == mine and claim["size_bytes"] == 2 * GIB, claim
            other = built(h, "big")
            # spent: a new one is made
            assert b.do("claim", other, GIB // PAGE) == STAKED
            assert claim_of(h, other)["id"] != mine
            assert b.says() == ""
    with Host(WORLD) as h:
        domid = built(h, "db")
        mine = h.ctl("claim", "3G").out.strip()
        with Builder(h.socket, BALLOOND_CLAIM=mine) as b:
            assert b.do("claim", domid, GIB // PAGE) == STAKED
            assert h.status()["host"]["outstanding_bytes"] <= GIB
            assert claim_of(h, domid)["size_bytes"] == GIB


def killed():
    """the builder is killed: what is staked is given back, before or after it got it"""
    with Host(WORLD) as h:
        domid = built(h, "db")
        with Builder(h.socket) as b:
            assert b.do("claim", domid, 2 * GIB // PAGE) == STAKED
            b.process.send_signal(signal.SIGKILL)
            wait_until("the rest to be given back",
                       lambda: not h.status()["host"]["outstanding_bytes"])
        h.ctl("claim", "2G")  # beside it, 5 GiB do not fit, however small a is
        with Builder(h.socket) as b:
            b.process.stdin.write(f"claim {built(h, 'big')} {5 * GIB // PAGE}\n")
            wait_until("its claim", lambda: any(c["state"] == "reclaiming" for c in h.claims()))
            b.process.send_signal(signal.SIGKILL)
            wait_until("its end", lambda: all(c["state"] != "reclaiming" for c in h.claims()))


def returns_to_holder():
    """a build that is killed while it waits for more leaves a claim as it was"""
    with Host(WORLD.split("[thief db]")[0] + "[thief big]\nat = 1m\nsize = 3G\nrate = 4K\n") as h:
        h.ctl("set", "a", "3G")  # by hand: it gives nothing
        mine = h.ctl("claim", "1G").out.strip()
        other = h.ctl("claim", "2G").out.strip()
        assert mine and other

        def claim():
            return next(c for c in h.claims() if c["id"] == mine)

        domid = built(h, "big")
        with Builder(h.socket, BALLOOND_CLAIM=mine) as b:
            b.process.stdin.write(f"claim {domid} {3 * GIB // PAGE}\n")
            wait_until("it to wait", lambda: claim()["state"] == "reclaiming")
            assert claim()["held_bytes"] == GIB and claim()["size_bytes"] == 3 * GIB
            b.process.send_signal(signal.SIGKILL)
            wait_until("it to be held", lambda: claim()["state"] == "held")
        assert claim()["size_bytes"] == claim()["held_bytes"] == GIB, claim()
        with Builder(h.socket, BALLOOND_CLAIM=mine) as b:
            b.process.stdin.write(f"claim {domid} {3 * GIB // PAGE}\n")
            wait_until("it to wait", lambda: claim()["state"] == "reclaiming")
            h.ctl("release", other)
            assert b.result() == STAKED


def left_alone():
    """a device model, and a domain that runs, are nothing to it"""
    with Host(WORLD) as h:
        domid = built(h, "db")
        with Builder(h.socket) as b:
            assert b.do("device", domid, 3) == ([f"populate {domid} 3"], 0, "0")
            assert not h.claims() and b.says() == ""
            runs = h.domain("a")["domid"]
            assert b.do("populate", runs, 3) == ([f"populate {runs} 3"], 0, "0")
            assert not h.claims() and "not being built" in b.says(), b.says()


def unhooked():
    """a build without the hook gets the room of the claim that names it"""
    with Host(WORLD.replace("at = 1s\nsize = 2G\nrate = 4K", "at = 1m\nsize = 2G")) as h:
        assert h.ctl("claim", "2G", "--name", "db").status == 0
        other = h.ctl("claim", "3G", "--no-wait", "--name", "other").out.strip()
        wait_until("it to be built", lambda: h.domain("db") and
                   h.domain("db")["current_bytes"] == 2 * GIB)
        wait_until("its claim to be done", lambda: all(c["name"] != "db" for c in h.claims()))
        assert [c["id"] for c in h.claims()] == [other]


# ---- daemons that fail ---------------------------------------------------------

class Played:
    """A daemon of which each connection is handled by the next of these."""

    def __init__(self, *handlers):
        self.dir = tempfile.mkdtemp(prefix="hook-", dir=os.path.abspath(BUILD))
        self.path = os.path.join(self.dir, "s")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(5)
        self.handlers = handlers
        self.asked = []
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # ends an accept
        except OSError:
            pass  # all were served
        self.thread.join()
        os.rmdir(self.dir)

    def serve(self):
        try:
            for handler in self.handlers:
                conn = self.listener.accept()[0]
                with conn, conn.makefile("rw") as lines:
                    handler(self, lines)
        finally:
            self.listener.close()
            os.unlink(self.path)

    def next(self, lines):
        request = json.loads(lines.readline())
        self.asked.append(request)
        return request


def dies(daemon, lines):
    daemon.next(lines)


def hangs(daemon, lines):
    while lines.readline():
        pass


def stakes(daemon, lines):
    request = daemon.next(lines)
    lines.write(json.dumps({"jsonrpc": "2.0", "id": request["id"],
                            "result": {"claim": {"error": "no, just a name", "id": "x"}}}) + "\n")
    lines.flush()
    daemon.next(lines)
    lines.readline()


def nonsense(daemon, lines):
    daemon.next(lines)
    lines.write("{\"id\":1,\"resu\n")
    lines.flush()
    lines.readline()


def nobody():
    """without a daemon the build goes on, with one warning"""
    with Builder("/nowhere/s") as b:
        assert b.do("claim", 5, 9) == (["claim 5 9"], 0, "0")
        assert b.do("populate", 5, 9) == (["populate 5 9"], 0, "0")
        assert b.do("claim", 5, 0) == (["claim 5 0"], 0, "0")
        said = b.says()
        assert said.count("\n") == 1 and "no balloond" in said, said
    with Builder("/nowhere/s", FAKE_CLAIM="12") as b:
        assert b.do("claim", 5, 9) == (["claim 5 9"], -1, "ENOMEM")


def restarted():
    """a daemon that dies half way and comes again is asked again"""
    with Played(dies, stakes) as d, Builder(d.path) as b:
        assert b.do("claim", 5, 9) == STAKED
        wait_until("all requests", lambda: len(d.asked) == 3)
        assert [r["method"] for r in d.asked] == ["handoff", "handoff", "built"], d.asked
        assert d.asked[1]["params"] == {"domid": 5, "size_bytes": 9 * PAGE}
        assert b.do("claim", 5, 0) == (["claim 5 0"], 0, "0")
        assert b.says() == ""


def dead():
    """one that does not come again may have claimed: what it did is kept"""
    with Played(dies) as d, Builder(d.path, FAKE_CLAIM="22") as b:
        assert b.do("claim", 5, 9) == (["claim 5 9"], 0, "0")
        assert "went away" in b.says() and b.says().count("\n") == 1, b.says()
        assert "goes on without a claim" in b.says(), b.says()


def refuses_connection(error):
    """Who connects is told that, which answers no request, and closed."""
    def handler(daemon, lines):
        lines.write(json.dumps({"jsonrpc": "2.0", "id": None,
                                "error": {"code": 9, "message": error, "data": {"id": error}}}) + "\n")
        lines.flush()
    return handler


class Full:
    """A daemon whose queue of connections is full."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="hook-", dir=os.path.abspath(BUILD))
        self.path = os.path.join(self.dir, "s")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(0)
        self.waiting = []
        while True:
            one = socket.socket(socket.AF_UNIX)
            one.setblocking(False)
            try:
                one.connect(self.path)
            except BlockingIOError:
                one.close()
                break
            self.waiting.append(one)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for one in self.waiting:
            one.close()
        self.listener.close()
        os.unlink(self.path)
        os.rmdir(self.dir)

    def accept(self):
        """The first that is served after all that were there before."""
        for one in self.waiting:
            self.listener.accept()[0].close()
        return self.listener.accept()[0]


def has_socket(pid):
    def is_socket(fd):
        try:
            return os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
        except OSError:
            return False
    return any(is_socket(fd) for fd in os.listdir(f"/proc/{pid}/fd"))


def waits_its_turn():
    """a daemon that many others connect to is waited for"""
    with Full() as d, Builder(d.path) as b:
        b.process.stdin.write("claim 5 9\n")
        wait_until("it to connect", lambda: has_socket(b.process.pid))
        with d.accept() as conn, conn.makefile("rw") as lines:
            request = json.loads(lines.readline())
            assert request["method"] == "handoff", request
            lines.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {}}) + "\n")
            lines.flush()
            assert b.result() == STAKED
        assert b.says() == ""


def turned_away():
    """one that has too much to do, and says so, is asked again"""
    busy = refuses_connection("busy")
    with Played(*[busy] * 6, stakes) as d, Builder(d.path) as b:
        assert b.do("claim", 5, 9) == STAKED
        assert b.says() == ""


def fails_or_goes_on(handler, words):
    """What is said where the memory is not claimed: the build fails, or goes on if that is set."""
    for env, result in (({}, ([], -1, "ENOMEM")),
                        ({"BALLOOND_UNREACHABLE": "go-on"}, (["claim 5 9"], 0, "0"))):
        with Played(handler) as d, Builder(d.path, **env) as b:
            assert b.do("claim", 5, 9) == result, (words, env)
            said = b.says()
            assert said.count("\n") == 1 and words in said, said
            assert ("goes on without a claim" if env else "the build fails") in said, said


def answers(error_id):
    """A daemon that answers the handoff with that error."""
    def handler(daemon, lines):
        request = daemon.next(lines)
        lines.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": {
            "code": 1, "message": "no, for " + error_id, "data": {"id": error_id}}}) + "\n")
        lines.flush()
    return handler


def not_permitted():
    """whoever may not ask does not build without a claim, but where that is set"""
    fails_or_goes_on(refuses_connection("not-permitted"), "not-permitted")


def other_errors():
    """an answer that is no claim and no lack of memory fails the build; or not, where that is set"""
    for error_id in ("backend", "unsupported", "ambiguous", "internal"):
        fails_or_goes_on(answers(error_id), "no, for " + error_id)


def full_disk():
    """a claim that cannot be saved is a build that fails, and nothing was taken"""
    with Host(WORLD) as h:
        domid = built(h, "db")
        resource.prlimit(h.daemon.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        with Builder(h.socket) as b:
            assert b.do("claim", domid, GIB // PAGE) == ([], -1, "ENOMEM")
            assert "cannot save the claim" in b.says()


def unreachable():
    """one that is there and cannot be asked fails the build; or not, where that is set"""
    with Played(hangs, hangs) as mute, Full() as full:
        rows = [(path, env) for path in (mute.path, full.path, "/" + "x" * 200)
                for env in ({}, {"BALLOOND_UNREACHABLE": "fail"},
                            {"BALLOOND_UNREACHABLE": "go-on"})]
        del rows[1]  # mute serves one connection after the other
        # All at once: each takes the time that a daemon is given.
        builders = [Builder(path, **env) for path, env in rows]
        try:
            for b in builders:
                b.process.stdin.write("claim 5 9\n")
            for b, (path, env) in zip(builders, rows):
                goes_on = env.get("BALLOOND_UNREACHABLE") == "go-on"
                result = b.result()
                assert result == ((["claim 5 9"], 0, "0") if goes_on else ([], -1, "ENOMEM")), \
                    (path, env, result)
                said = b.says()
                assert said.count("\n") == 1, said
                assert ("goes on without a claim" if goes_on else "the build fails") in said, said
        finally:
            for b in builders:
                b.__exit__(None, None, None)


def unreachable_misspelt():
    """a setting that is none is told of, and the build fails"""
    with Builder("/" + "x" * 200, BALLOOND_UNREACHABLE="goon") as b:
        assert b.do("claim", 5, 9) == ([], -1, "ENOMEM")
        assert "BALLOOND_UNREACHABLE is ignored" in b.says(), b.says()


def senseless():
    """nonsense is no claim either"""
    fails_or_goes_on(nonsense, "the answer makes no sense")


if __name__ == "__main__":
    host.run([stakes_exactly, makes_room, without_a_count, refuses, by_name, named_by_hand, killed,
              returns_to_holder, left_alone, unhooked, nobody, restarted, dead, waits_its_turn,
              turned_away, not_permitted, other_errors, full_disk, unreachable, unreachable_misspelt, senseless])
