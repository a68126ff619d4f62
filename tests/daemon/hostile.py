#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that mean ill or know no better: the others are served as before,
memory stays bounded, the bad one gets an error or is closed."""
import grp
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

from wire import Wire, host, request, rss
from host import MIB, Host, wait_until

SMALL = "[host]\nmemory = 4G\ndom0 = 1G\nseed = 3\n[guest a]\nmemory = 1G\nstatic-max = 1G\nmin = 512M\n"
MANY = ("[host]\nmemory = 80G\ndom0 = 1G\nseed = 3\n"
        "[guest g]\ncount = 1000\nmemory = 64M\nstatic-max = 64M\nmin = 32M\n")
# What the daemon may need beyond what it has at rest, whatever clients do: the
# budget of what is unsent, and what the allocator keeps.
BOUND = 80 * MIB
NOBODY = 65534


def others_are_served(h):
    with Wire(h.socket) as w:
        assert w.result("status")["domains"]


def sanitized():
    """The sanitizer's own memory would drown what is measured."""
    with open(host.BALLOOND, "rb") as f:
        return b"__asan_init" in f.read()


def bounded(h, before):
    now = rss(h.daemon.pid)
    print(f"# {now >> 20} MiB resident, {before >> 20} before")
    assert sanitized() or now <= before + BOUND, f"{before} bytes became {now}"


def at_rest(h):
    """The daemon does not spin: it uses next to no time while nothing is asked."""
    def ticks():
        with open(f"/proc/{h.daemon.pid}/stat") as f:
            return sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13])

    def quiet():
        before, began = ticks(), time.monotonic()
        wait_until("two seconds", lambda: time.monotonic() - began > 2)
        return ticks() - before < 25

    wait_until("the daemon to come to rest", quiet, 20)


def fill(w):
    """Sends requests without reading until no more can be sent or it is closed."""
    w.s.setblocking(False)
    try:
        while True:
            w.s.send(request("status") * 50)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass


def crowd():
    """1,000 domains and 1,000 idle clients; the last one is served like the first"""
    with Host(MANY) as h:
        before = rss(h.daemon.pid)
        idle = [Wire(h.socket) for _ in range(1000)]
        others_are_served(h)
        for w in idle[::100]:
            assert len(w.result("status")["domains"]) == 1001
        bounded(h, before)
        for w in idle:
            w.close()
        others_are_served(h)


def never_reads():
    """clients that ask and never read; memory is bounded, others are served"""
    with Host(MANY) as h:
        others_are_served(h)
        before = rss(h.daemon.pid)
        bad = [Wire(h.socket) for _ in range(400)]
        for i, w in enumerate(bad):
            fill(w)
            if i % 40 == 39:
                others_are_served(h)
        bounded(h, before)
        at_rest(h)
        for w in bad:
            w.close()


def byte_by_byte():
    """a request that comes a byte at a time is answered; one that never ends disturbs nobody"""
    with Host(SMALL) as h, Wire(h.socket) as slow, Wire(h.socket) as never:
        never.send(b'{"jsonrpc"')
        for b in request("ping"):
            slow.send(bytes([b]))
            if b == ord(":"):
                others_are_served(h)
        assert "result" in slow.line()


def no_newline():
    """64 KiB without a newline: an error, and closed"""
    with Host(SMALL) as h, Wire(h.socket) as w:
        try:
            w.send(b" " * 65536)
            w.send(b" " * 10)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = w.line()
        assert answer["id"] is None and answer["error"]["code"] == -32600, answer
        assert "64 KiB" in answer["error"]["message"], answer
        assert w.line() is None
        others_are_served(h)


def longest_line():
    """a request of exactly 64 KiB is answered"""
    with Host(SMALL) as h, Wire(h.socket) as w:
        line = request("ping")
        w.send(b" " * (65536 - len(line)) + line)
        assert "result" in w.line()


def nested():
    """100,000 nested arrays: an error, whether they fit a line or not"""
    with Host(SMALL) as h:
        with Wire(h.socket) as w:
            try:
                w.send(b"[" * 100000)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert w.line()["error"]["code"] == -32600
        with Wire(h.socket) as w:
            w.send(b"[" * 60000 + b"\n")
            assert w.line()["error"]["code"] == -32700
            assert "result" in w.ask("ping")
        others_are_served(h)


def half_open():
    """a client that closes its half gets its answers; one with nothing to ask is closed"""
    with Host(SMALL) as h:
        with Wire(h.socket) as w:
            w.s.shutdown(socket.SHUT_WR)
            assert w.line() is None
        with Wire(h.socket) as w:
            w.send(request("ping", n=1) + request("status", n=2) + b'{"jsonrpc"')
            w.s.shutdown(socket.SHUT_WR)
            assert [w.line()["id"], w.line()["id"]] == [1, 2]
            assert w.line() is None
        waits = {"size_bytes": 1 << 30, "wait_seconds": 1000}
        with Wire(h.socket) as first, Wire(h.socket) as w:
            assert "result" in first.ask("claim", {"size_bytes": 1500 * MIB})
            w.send(request("claim", waits))
            w.s.shutdown(socket.SHUT_WR)
            wait_until("the claim to wait", lambda: len(h.claims()) == 2)
            others_are_served(h)
            at_rest(h)
        wait_until("the claim to be withdrawn", lambda: len(h.claims()) == 1)


def gone_in_between():
    """one who asks and goes: the request is done, a claim it waited for withdrawn"""
    with Host(SMALL) as h:
        with Wire(h.socket) as w:
            held = w.result("claim", {"size_bytes": 1500 * MIB})["claim"]["id"]
        with Wire(h.socket) as w:
            w.send(request("claim", {"size_bytes": 1 << 30, "wait_seconds": 1000}))
            wait_until("the claim to wait", lambda: len(h.claims()) == 2)
        wait_until("the claim to be withdrawn", lambda: [c["id"] for c in h.claims()] == [held])
        with Wire(h.socket) as w:
            w.send(request("release", {"ids": [held]}))
        wait_until("the release to be done", lambda: not h.claims())


def in_flight():
    """many requests in flight: each is answered with its id, beyond 64 that wait it is refused"""
    with Host(SMALL) as h, Wire(h.socket) as w:
        w.send(b"".join(request("ping", n=n) for n in range(1000)))
        assert [w.line()["id"] for _ in range(1000)] == list(range(1000))
        assert "result" in w.ask("claim", {"size_bytes": 1500 * MIB})
        wait = {"size_bytes": 1 << 30, "wait_seconds": 1000}
        w.send(b"".join(request("claim", wait, n) for n in range(65)))
        refused = w.line()
        assert refused["id"] == 64 and refused["error"]["data"]["id"] == "bad-state", refused
        w.send(request("ping", n=99))
        assert w.line()["id"] == 99
    # all of them go with their connection
    with Host(SMALL) as h:
        with Wire(h.socket) as w:
            assert "result" in w.ask("claim", {"size_bytes": 1500 * MIB})
            w.send(b"".join(request("claim", wait, n) for n in range(20)))
            wait_until("the claims to wait", lambda: len(h.claims()) == 21)
        wait_until("the claims to be withdrawn", lambda: len(h.claims()) == 1)


def notifications():
    """a request without an id is done and not answered"""
    with Host(SMALL) as h, Wire(h.socket) as w:
        w.send(b'{"jsonrpc":"2.0","method":"pause"}\n{"jsonrpc":"2.0","method":"nonsense"}\n\r\n\n')
        assert w.ask("ping", n=5)["id"] == 5
        assert w.result("ping")["daemon"]["paused"] is True


def slow_subscriber():
    """a subscriber that does not read is told how many events it missed"""
    with Host(SMALL) as h, Wire(h.socket) as sub, Wire(h.socket) as w:
        last = sub.result("subscribe")["seq"]
        assert "bad-state" in json.dumps(sub.ask("subscribe"))
        before = rss(h.daemon.pid)
        first = w.result("claim", {"size_bytes": 4096, "now": True})["claim"]["id"]
        w.result("release", {"ids": [first]})
        published = 3
        while published < 6000:
            c = w.result("claim", {"size_bytes": 4096, "now": True})["claim"]["id"]
            w.result("release", {"ids": [c]})
            published += 3
        bounded(h, before)
        published = w.result("subscribe")["seq"]
        seen, missed = 0, 0
        while last < published:
            e = sub.line()["params"]
            if e["type"] == "daemon.lost":
                assert e["seq"] == last + e["lost"], (last, e)
                missed += e["lost"]
            else:
                assert e["seq"] == last + 1, (last, e)
                seen += 1
            last = e["seq"]
        assert missed > 0 and seen > 0, (seen, missed)
        with Wire(h.socket) as other:
            other.result("claim", {"size_bytes": 4096, "now": True})
        assert sub.line()["params"]["type"] == "claim.reclaiming"


def replay():
    """subscribe since N begins with the first after N"""
    with Host(SMALL) as h, Wire(h.socket) as w, Wire(h.socket) as sub:
        c = w.result("claim", {"size_bytes": 4096, "now": True})["claim"]["id"]
        w.result("release", {"ids": [c]})
        sub.result("subscribe", {"since": 0})
        types = [sub.line()["params"] for _ in range(4)]
        assert [e["seq"] for e in types] == [1, 2, 3, 4], types
        assert [e["type"] for e in types][:1] == ["daemon.started"], types
        assert types[-1]["type"] == "claim.released" and types[-1]["id"] == c, types


def max_clients():
    """beyond max-clients one gets an error and is closed; when others go there is room again"""
    with Host(SMALL, config="[control]\nmax-clients = 10\n") as h:
        served, refused = [], 0
        while refused < 3:
            assert len(served) < 40  # root has a few more than 10
            w = Wire(h.socket)
            answer = w.ask("ping")
            if "result" in answer:
                served.append(w)
            else:
                assert "max-clients" in answer["error"]["message"], answer
                assert w.line() is None
                refused += 1
        for w in served:
            w.close()
        wait_until("room", lambda: h.ctl("ping").status == 0)


def descriptors_run_out():
    """when descriptors run out those who wait are served later, and the loop does not spin"""
    with Host(SMALL) as h:
        n = len(os.listdir(f"/proc/{h.daemon.pid}/fd"))
        resource.prlimit(h.daemon.pid, resource.RLIMIT_NOFILE, (n + 10, n + 10))
        held = [Wire(h.socket) for _ in range(30)]
        for w in held[:10]:
            w.result("ping")

        held[0].result("status")
        at_rest(h)
        for w in held[:10]:
            w.close()
        for w in held[10:20]:
            w.result("ping")
        for w in held[10:]:
            w.close()
        others_are_served(h)


def start_as(h, code, groups, user=NOBODY):
    """Starts code as somebody else. The folder may be in root's home, where others reach the
    socket by a relative path alone."""
    os.chmod(h.dir, 0o755)
    return subprocess.Popen(["/usr/bin/python3", "-c", "import resource,socket,sys\n" + code,
                             os.path.relpath(h.socket, h.dir)],
                            user=user, group=NOBODY, extra_groups=groups, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=h.dir)


def as_user(h, code, groups, user=NOBODY):
    """Runs code as somebody else; the lines it prints."""
    p = start_as(h, code, groups, user)
    out, err = p.communicate(timeout=host.LIMIT)
    assert p.returncode == 0, err
    return out.splitlines()


def gid_of(name):
    return grp.getgrnam(name).gr_gid


ASK = """
s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(sys.argv[1])
f = s.makefile("rwb")
for m, p in (("status", "{}"), ("pause", "{}"), ("claim", '{"size_bytes":4096}'), ("claims", "{}")):
    try:
        f.write(('{"jsonrpc":"2.0","id":1,"method":"%s","params":%s}\\n' % (m, p)).encode()); f.flush()
    except OSError: pass
    try: line = f.readline().decode()
    except OSError: line = ""
    print(line.strip())
"""
FLOOD = """
for i in range(500):
    s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(sys.argv[1])
    print(s.makefile("r").readline().strip())
    s.close()
keep = []
for i in range(500):
    s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(sys.argv[1]); keep.append(s)
for s in keep:
    print(s.makefile("r").readline().strip())
"""


def roles():
    """group may all, viewers may look, others get one line and are closed"""
    with Host(SMALL, config="[control]\ngroup = staff\nviewers = games\n") as h:
        staff, games = gid_of("staff"), gid_of("games")
        member = [json.loads(x) for x in as_user(h, ASK, [7, staff])]
        assert all("result" in x for x in member), member
        both = [json.loads(x) for x in as_user(h, ASK, [staff, games])]
        assert all("result" in x for x in both), both
        viewer = [json.loads(x) for x in as_user(h, ASK, [games])]
        assert ["result" in x for x in viewer] == [True, False, False, True], viewer
        assert viewer[1]["error"]["data"]["id"] == "not-permitted", viewer
        other = as_user(h, ASK, [])
        assert json.loads(other[0])["error"]["data"]["id"] == "not-permitted", other
        assert other[1:] == ["", "", ""], other
        # as many groups as there may be
        assert "result" in as_user(h, ASK, list(range(10000, 10900)) + [staff])[0]


def flood():
    """a thousand connections of one who may not: each is told, others are served"""
    with Host(SMALL) as h:
        before = rss(h.daemon.pid)
        told = as_user(h, FLOOD, [])
        assert len(told) == 1000 and all("not-permitted" in x for x in told), set(told)
        others_are_served(h)
        bounded(h, before)


WITHOUT_PAUSE = """
print("began", flush=True)
while True:
    s = socket.socket(socket.AF_UNIX); s.setblocking(False)
    try: s.connect(sys.argv[1])
    except BlockingIOError: pass
    s.close()
"""


def connects_and_closes():
    """those who connect and close without pause: others are served, new ones as well"""
    with Host(SMALL) as h, Wire(h.socket) as w:
        crowd = [start_as(h, WITHOUT_PAUSE, []) for _ in range(4)]
        try:
            for p in crowd:
                assert p.stdout.readline() == "began\n"
            for _ in range(100):
                w.result("ping")
                others_are_served(h)
            assert all(p.poll() is None for p in crowd)
        finally:
            for p in crowd:
                p.kill()
                p.communicate()


FILL = """
served, refused = [], ""
while not refused:
    s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(sys.argv[1])
    f = s.makefile("rwb")
    f.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\\n'); f.flush()
    line = f.readline().decode()
    if "result" in line: served.append((s, f))
    else: refused = line
print(len(served)); print(refused.strip(), flush=True)
sys.stdin.read()
"""


def shares():
    """one viewer has an eighth of the connections, one member half; root always gets in"""
    config = "[control]\ngroup = staff\nviewers = games\nmax-clients = 64\n"
    with Host(SMALL, config=config) as h:
        held = []
        try:
            for who, group, most in ((1001, "games", 8), (1002, "games", 8), (1003, "staff", 32),
                                     (1004, "staff", 8)):
                p = start_as(h, FILL, [gid_of(group)], who)
                held.append(p)
                n, why = int(p.stdout.readline()), json.loads(p.stdout.readline())["error"]
                assert n == most, (who, n, why)
                assert "max-clients is 64" in why["message"], why
                others_are_served(h)
        finally:
            for p in held:
                p.communicate()


def comes_back(h, before):
    """What clients made the daemon need is the system's again."""
    if not sanitized():
        wait_until(f"the memory, {before >> 20} MiB before, {rss(h.daemon.pid) >> 20} after",
                   lambda: rss(h.daemon.pid) <= before + 8 * MIB)
    print(f"# {before >> 20} MiB before, {rss(h.daemon.pid) >> 20} after")


def unfinished():
    """3,000 lines of 60 KB without an end: bounded, others are served, and given back"""
    with Host(SMALL) as h:
        before = rss(h.daemon.pid)
        bad = []
        for i in range(3000):
            w = Wire(h.socket)
            w.s.setblocking(False)
            try:
                w.send(b"x" * 60000)
            except OSError:  # it was closed already, or the socket is full
                pass
            bad.append(w)
            if i % 500 == 499:
                others_are_served(h)
        bounded(h, before)
        for w in bad:
            w.close()
        comes_back(h, before)


def clients_allowed(n):
    """How many connections there are descriptors for, at most n."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    want = n + 256 if hard == resource.RLIM_INFINITY else min(n + 256, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (want, hard))
    return want - 256


def large_crowd():
    """4,096 clients and among them 500 subscribers that never read: bounded, and given back"""
    with Host(MANY) as h:
        others_are_served(h)
        before = rss(h.daemon.pid)
        clients = [Wire(h.socket) for _ in range(clients_allowed(4096))]
        for w in clients[:500]:
            w.send(request("subscribe"))
        for w in clients[500:600]:
            w.send(request("status"))
        for _ in range(300):
            c = clients[-1].result("claim", {"size_bytes": 4096, "now": True})["claim"]["id"]
            clients[-1].result("release", {"ids": [c]})
        others_are_served(h)
        bounded(h, before)
        for w in clients:
            w.close()
        comes_back(h, before)


def aliases():
    """a domain named in many ways is one row, and costs no more than one"""
    with Host(MANY) as h, Wire(h.socket) as w:
        d = h.status()["domains"][7]
        names = [d["name"], str(d["domid"]), "0" + str(d["domid"]), d["uuid"]]
        letters = [i for i, c in enumerate(d["uuid"]) if c.isalpha()]
        for i in letters:
            names.append(d["uuid"][:i] + d["uuid"][i].upper() + d["uuid"][i + 1:])
        s = w.result("status", {"domains": names})
        assert [x["domid"] for x in s["domains"]] == [d["domid"]], s
        claim = w.result("claim", {"size_bytes": 4096})["claim"]["id"]
        both = {"ids": [claim, claim.upper()]}
        if claim.upper() != claim:
            assert w.result("release", both)["released"] == [claim]


WAIT_FOR_NEWS = """
s = socket.socket(socket.AF_UNIX); s.settimeout(60); s.connect(sys.argv[1])
f = s.makefile("rwb")
def ask(text):
    f.write(text.encode() + b"\\n"); f.flush()
ask('{"jsonrpc":"2.0","id":1,"method":"subscribe"}')
print(f.readline().decode().strip())
ask('{"jsonrpc":"2.0","id":2,"method":"claim","params":{"size_bytes":1073741824,"wait_seconds":100000}}')
print("waits", flush=True)
for line in f:
    print(line.decode().strip(), flush=True)
"""


def rights_are_lost():
    """who loses its rights by a reload is told, its claim withdrawn and its connection closed"""
    config = "[control]\ngroup = staff\nviewers = games\n"
    with Host(SMALL, config=config) as h, Wire(h.socket) as w:
        def reload(text):
            with open(h.dir + "/conf", "w") as f:
                f.write(text)
            h.daemon.send_signal(signal.SIGHUP)

        def waiter(groups):
            p = start_as(h, WAIT_FOR_NEWS, [gid_of(g) for g in groups])
            assert "result" in p.stdout.readline()
            assert p.stdout.readline() == "waits\n"
            return p

        def told(p):
            """Its errors until the end of the connection, or until one to request 2 came."""
            errors = []
            for line in p.stdout:
                m = json.loads(line)
                if "error" in m:
                    errors.append((m["id"], m["error"]["data"]["id"]))
            return errors

        w.result("claim", {"size_bytes": 1500 * MIB})
        member, both = waiter(["staff"]), waiter(["staff", "games"])
        wait_until("both claims to wait", lambda: len(h.claims()) == 3)
        reload("[control]\ngroup = (none)\nviewers = games\n")
        assert told(member) == [(2, "not-permitted"), (None, "not-permitted")]
        assert member.wait(host.LIMIT) == 0
        wait_until("the claims to be withdrawn", lambda: len(h.claims()) == 1)
        assert both.poll() is None  # it may still look
        reload("[control]\ngroup = (none)\n")
        assert told(both) == [(2, "not-permitted"), (None, "not-permitted")]
        assert both.wait(host.LIMIT) == 0
        w.result("ping")  # root keeps what it has
        for p in (member, both):
            p.communicate()


cases = [crowd, never_reads, byte_by_byte, no_newline, longest_line, nested, half_open,
          gone_in_between, in_flight, notifications, slow_subscriber, replay, max_clients,
          descriptors_run_out, unfinished, large_crowd, aliases, roles, flood, connects_and_closes, shares,
          rights_are_lost]
only = sys.argv[1:]
if os.getuid():  # only root can be somebody else
    cases = cases[:cases.index(roles)]
host.run([c for c in cases if not only or c.__name__ in only])
