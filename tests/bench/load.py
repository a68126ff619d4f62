#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon under load: 4,096 idle clients, 200 that ask without pause, 500 subscribers that
never read, 1,001 domains, and an outsider who connects and closes without pause. Prints what
root's ping, status and claim take, at rest and meanwhile, and what memory the daemon needs.
Run as root, for the clients are other users; `make bench-load` in the build folder."""
import grp
import os
import resource
import selectors
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", "daemon"))
from wire import Wire, host, request, rss  # noqa: E402
from host import MIB, Host, wait_until  # noqa: E402

IDLE, BUSY, DEAF, CLIENTS_MAX = 4096, 200, 500, 5000
SECONDS = int(os.environ.get("SECONDS_EACH", "30"))
MEMBER, VIEWER, READER, OUTSIDER = 64001, 64002, 64003, 65534
WORLD = ("[host]\nmemory = 80G\ndom0 = 1G\nseed = 3\n"
         "[guest g]\ncount = 1000\nmemory = 64M\nstatic-max = 64M\nmin = 32M\n")


# ---- the crowds, each a process of its own user ----------------------------------

def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s


def idle(path, n, ready):
    """Connected, and nothing more."""
    kept = [connect(path) for _ in range(n)]
    ready()
    signal.pause()
    del kept


def deaf(path, n, ready):
    """Subscribers that never read."""
    kept = [connect(path) for _ in range(n)]
    for s in kept:
        s.sendall(request("subscribe"))
    ready()
    signal.pause()


def busy(path, n, ready):
    """Each has a request under way at any time; one in fifty is the status of all domains."""
    sel = selectors.DefaultSelector()
    for i in range(n):
        s = connect(path)
        sel.register(s, selectors.EVENT_READ, [i])
        s.sendall(request("ping"))
    ready()
    asks = [request("ping"), request("claims"), request("status", {"domains": ["Domain-0"]})]
    whole = request("status")
    while True:
        for key, _ in sel.select():
            if key.fileobj.recv(1 << 20).endswith(b"\n"):
                key.data[0] += 1
                n = key.data[0]
                key.fileobj.sendall(asks[n % 3] if n % 50 else whole)


def outsider(path, _, ready):
    """Connects and closes without pause."""
    ready()
    while True:
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        try:
            s.connect(path)
        except BlockingIOError:
            pass
        s.close()


def crowd(h, role, n, user, group):
    """Starts a crowd, and waits until it is there; its process."""
    groups = [grp.getgrnam(group).gr_gid] if group else []
    seen, told = os.pipe()
    pid = os.fork()
    if not pid:
        os.chdir(h.dir)
        os.setgroups(groups)
        os.setgid(OUTSIDER)
        os.setuid(user)
        role("s", n, lambda: os.write(told, b"."))
        os._exit(1)
    os.close(told)
    assert os.read(seen, 1) == b".", role.__name__
    os.close(seen)
    return pid


# ---- what is measured ------------------------------------------------------------

def percentile(times, p):
    return sorted(times)[min(len(times) - 1, int(len(times) * p / 100))] * 1000


def ask(w, line):
    """Asks, and waits for the end of the answer, which is not looked at."""
    w.s.sendall(line)
    while not w.s.recv(1 << 20).endswith(b"\n"):
        pass


def measure(h):
    """p50 and p99 of root's requests, in ms, each asked every 20 ms in turn."""
    times = {"ping": [], "status": [], "claim": [], "connect": []}
    end = time.monotonic() + SECONDS
    with Wire(h.socket) as w:
        while time.monotonic() < end:
            for what in times:
                began = time.monotonic()
                if what == "connect":
                    with Wire(h.socket) as other:
                        ask(other, request("ping"))
                elif what == "claim":
                    claim = w.result("claim", {"size_bytes": MIB, "now": True})["claim"]["id"]
                else:
                    ask(w, request(what))
                times[what].append(time.monotonic() - began)
                if what == "claim":
                    w.result("release", {"ids": [claim]})
                time.sleep(0.02)
    return {k: (percentile(v, 50), percentile(v, 99)) for k, v in times.items()}


def row(name, *cells):
    print(f"| {name:<34} | " + " | ".join(f"{c:>11}" for c in cells) + " |")


def main():
    if os.getuid():
        sys.exit("bench-load: run as root: the clients are other users")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    want = 2 * CLIENTS_MAX if hard == resource.RLIM_INFINITY else min(hard, 2 * CLIENTS_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (want, hard))
    config = f"[control]\ngroup = staff\nviewers = games\nmax-clients = {CLIENTS_MAX}\n"
    with Host(WORLD, config=config) as h:
        os.chmod(h.dir, 0o755)
        h.status()
        before = rss(h.daemon.pid)
        rest = measure(h)
        started = []
        try:
            for who in ((idle, IDLE // 2, 0, None), (idle, IDLE - IDLE // 2, MEMBER, "staff"),
                        (deaf, DEAF, READER, "games"), (busy, BUSY, VIEWER, "games"),
                        (outsider, 1, OUTSIDER, None)):
                started.append(crowd(h, *who))
            load = measure(h)
            during = rss(h.daemon.pid)
        finally:
            for pid in started:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        wait_until("the memory to come back", lambda: rss(h.daemon.pid) < before + 8 * MIB)
        after = rss(h.daemon.pid)
    print(f"{IDLE} idle clients, {BUSY} busy, {DEAF} deaf subscribers, 1001 domains, an outsider who floods; "
          f"{os.cpu_count()} processors, {SECONDS} s each")
    row("root's request", "p50 at rest", "p99 at rest", "p50 loaded", "p99 loaded")
    for what, name in (("ping", "ping"), ("connect", "connect and ping"), ("claim", "claim"),
                       ("status", "status, 1,001 domains")):
        row(name, *(f"{ms:.1f} ms" for ms in rest[what] + load[what]))
    print(f"memory: {before / MIB:.0f} MiB at rest, {during / MIB:.0f} loaded, {after / MIB:.0f} after")


if __name__ == "__main__":
    main()
