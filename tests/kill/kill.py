#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Kills balloond before and after every write to disk and every change of the
host, one run a place, starts it again, and checks that what it had promised is
kept: once, and for somebody.

KILL_ONLY=N[,N] runs those places alone. KILL_TWICE=1 kills the daemon that
comes next too, while it puts things right, at the Kth place of its own, with K
from 1 to 40 and round again. With --pool the host is one whose hypervisor keeps
claims in a pool."""
import argparse
import concurrent.futures
import grp
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from books import (check_books, check_claims, check_folder, check_handed_over, check_log, check_people,
                   rest, retry, see_off_late)
from life import KILLED, PLAIN, TICK, TOP, WORLD, Client, Daemon, Died, E

AT_ONCE = 6  # they mostly wait for ticks


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
        check_log(folder)
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
        f.write(WORLD % METHOD)
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


HOST = ("apply", "stake", "unstake", "transfer", "cancel", "pool_set", "pool_move", "adopt",
        "launch", "hypercall")
ARGS = argparse.ArgumentParser()
ARGS.add_argument("--pool", action="store_true")
METHOD = "pool" if ARGS.parse_args().pool else "holder"

if __name__ == "__main__":
    sys.exit(main())
