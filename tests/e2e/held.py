#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk that takes no end, a journal and a stderr that nobody reads: whoever does not need
them is answered. The daemon is one that ends when its event loop's thread could wait."""
import json
import os
import select
import signal
import socket

import claims
import host
from host import GIB, MIB, Host, wait_until

HELD = os.path.abspath(os.path.join(host.BUILD, "tests/e2e/balloond-held"))


class HeldHost(Host):
    """Until let_go() a call of the kind waits."""

    def __init__(self, world, call="", journal=False, stderr=None):
        super().__init__(world)
        self.fifo = os.path.join(self.dir, "fifo")
        os.mkfifo(self.fifo)
        self.env.update(HELD=call, HELD_UNTIL=self.fifo)
        if stderr is not None:
            self.log.close()
            self.log = os.fdopen(stderr, "wb")
        if journal:
            st = os.fstat(self.log.fileno())
            self.journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.journal.bind(os.path.join(self.dir, "j"))
            self.env.update(JOURNAL=os.path.relpath(os.path.join(self.dir, "j")),
                            JOURNAL_STREAM="%d:%d" % (st.st_dev, st.st_ino))
        self.open = None

    def start(self):
        host.BALLOOND, plain = HELD, host.BALLOOND
        try:
            super().start()
        finally:
            host.BALLOOND = plain

    def let_go(self):
        """Whoever waits goes on, and nobody waits any more."""
        self.open = os.open(self.fifo, os.O_RDWR)

    def stop(self, *args):
        if self.open is None:
            self.let_go()
        super().stop(*args)


def everybody_is_answered(h):
    for _ in range(3):
        assert h.ctl("ping").status == 0
        assert h.ctl("claims").status == 0
    return h.status()


def limits_wait_alone():
    """limits wait for their disk; a claim, whose record is elsewhere, does not"""
    with HeldHost(claims.world(), "fsync") as h:
        p = h.ctl_start("set", "a", "--min", "1G")
        everybody_is_answered(h)
        assert h.ctl("claim", "256M").status == 0
        everybody_is_answered(h)
        assert p.poll() is None
        h.let_go()
        out, err = p.communicate(timeout=host.LIMIT)
        assert p.returncode == 0, (out, err)
        assert h.domain("a")["min_bytes"] == GIB


def claims_wait_alone():
    """a claim is held when it is recorded; others go on meanwhile, and so does its release"""
    with HeldHost(claims.world(), "renameat") as h:
        p = h.ctl_start("claim", "256M")
        q = h.ctl_start("pause")
        wait_until("it to be staked", lambda: everybody_is_answered(h)["claims"])
        everybody_is_answered(h)
        assert p.poll() is None and q.poll() is None
        h.let_go()
        out, err = p.communicate(timeout=host.LIMIT)
        assert p.returncode == 0, (out, err)
        assert q.wait(host.LIMIT) == 0
        assert h.status()["daemon"]["paused"]
        assert [c["state"] for c in h.claims()] == ["held"]
        assert os.listdir(os.path.join(h.state, "claims")) == [out.strip()]
        assert h.ctl("release", out.strip()).status == 0


def guests_wait_for_what_is_known_of_them():
    """no guest moves before its base is on the disk; then the claim goes on by itself"""
    with HeldHost(claims.world(), "fsync") as h:
        p = h.ctl_start("claim", "3G", "--wait", "24h")
        wait_until("it to wait", lambda: h.claims())
        for _ in range(3):
            assert all(h.domain(n)["target_bytes"] == 1536 * MIB for n in "abcd")
        h.let_go()
        assert p.wait(host.LIMIT) == 0


def fill_log(h):
    ids = []
    for _ in range(12):
        ids.append(h.ctl("claim", "16M").out.strip())
    assert h.ctl("release", *ids).status == 0


def journal_of_the_dead():
    """a journal that nobody reads keeps nobody waiting; what was lost is counted and told"""
    with HeldHost(claims.world(), journal=True) as h:
        h.journal.setblocking(False)
        # A receiver that reads nothing takes a few datagrams, as many as the system allows.
        with open("/proc/sys/net/unix/max_dgram_qlen", encoding="ascii") as f:
            rounds = int(f.read()) // 24 + 2
        for _ in range(rounds):
            fill_log(h)
        everybody_is_answered(h)

        def read_lost():
            for _ in range(10000):
                try:
                    text = h.journal.recv(1 << 16)
                except BlockingIOError:
                    break
                assert text.startswith(b"MESSAGE=") and b"\nPRIORITY=" in text, text
                if b"of the log were lost" in text:
                    return int(text.split(b"=")[1].split()[0])
            h.ctl("rebalance")  # a tick is when the daemon tries again
            return 0

        assert wait_until("it to say what was lost", read_lost) > 0


def stderr_of_the_dead():
    """a stderr that nobody reads keeps nobody waiting; what was lost is counted and told"""
    r, w = os.pipe()
    with HeldHost(claims.world(), stderr=w) as h:
        h.ctl("set", "a", "--weight", "7")
        # The pipe and what waits for it hold 192 KiB, at some 100 bytes a line.
        ids = [json.dumps({"jsonrpc": "2.0", "id": i, "method": m}) for i in range(1200)
               for m in ("pause", "resume")]
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.path.relpath(h.socket))
            s.settimeout(host.LIMIT)
            for _ in range(4):
                for start in range(0, len(ids), 60):
                    s.sendall(("\n".join(ids[start:start + 60]) + "\n").encode())
                    left = 60
                    while left:
                        left -= s.recv(1 << 16).count(b"\n")
        everybody_is_answered(h)
        seen = b""
        while b"of the log were lost" not in seen:
            assert select.select([r], [], [], host.LIMIT)[0], "nothing is told of what was lost"
            seen = seen[-100:] + os.read(r, 1 << 16)
            h.ctl("rebalance")
        # Somebody reads to the end, or the stop would wait a while.
        os.set_blocking(r, False)
        try:
            while os.read(r, 1 << 16):
                pass
        except BlockingIOError:
            pass
    os.close(r)


def reload_waits_alone(call):
    """while the configuration is read anew, everybody is answered by the old one"""
    with HeldHost(claims.world(), call) as h:
        with open(h.dir + "/conf", "w", encoding="ascii") as f:
            f.write("[host]\nreserve = 256M\n")
        old = h.status()["host"]["reserve_bytes"]
        assert old != 256 * MIB
        h.daemon.send_signal(signal.SIGHUP)
        h.daemon.send_signal(signal.SIGHUP)
        assert everybody_is_answered(h)["host"]["reserve_bytes"] == old
        h.let_go()
        wait_until("the new reserve", lambda: h.status()["host"]["reserve_bytes"] == 256 * MIB)


def reload_with_a_dead_disk():
    """a disk that does not answer holds the reload up, and nobody else"""
    reload_waits_alone("scandir")


def reload_without_groups():
    """a keeper of groups that does not answer holds the reload up, and nobody else"""
    reload_waits_alone("getgrnam_r")


def stops_with_a_dead_disk():
    """a stop does not wait for a configuration that cannot be read"""
    with HeldHost(claims.world(), "scandir") as h:
        h.daemon.send_signal(signal.SIGHUP)
        everybody_is_answered(h)
        Host.stop(h)


def fill(path):
    """Sends to a socket until it takes no more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.setblocking(False)
        s.connect(path)
        while True:
            try:
                s.send(b"junk")
            except BlockingIOError:
                return


def service_manager_of_the_dead():
    """a service manager that does not read keeps nobody waiting; what it has to hear it hears later"""
    with HeldHost(claims.world()) as h, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        h.stop()
        path = os.path.relpath(h.dir + "/n")
        s.bind(path)
        h.env.update(NOTIFY_SOCKET=h.dir + "/n", WATCHDOG_USEC="20000", HELD_UNTIL=h.fifo)
        fill(path)
        h.start()
        for i in range(10):
            with open(h.dir + "/conf", "w", encoding="ascii") as f:
                f.write(f"[host]\nreserve = {200 + i}M\n")
            h.daemon.send_signal(signal.SIGHUP)
            wait_until("the new reserve",
                       lambda: h.status()["host"]["reserve_bytes"] == (200 + i) * MIB)  # noqa: B023
        everybody_is_answered(h)
        told = []
        s.settimeout(host.LIMIT)
        while not (len(told) > 1 and told[-1] == "READY=1" and told[-2].startswith("RELOADING=1")):
            first = s.recv(4096).decode().split("\n", maxsplit=1)[0]
            if first not in ("junk", "WATCHDOG=1"):
                told.append(first)
        assert told[0] == "READY=1", told
        h.daemon.send_signal(signal.SIGTERM)
        while s.recv(4096).split(b"\n")[0] != b"STOPPING=1":
            pass


if __name__ == "__main__":
    host.run([limits_wait_alone, claims_wait_alone, guests_wait_for_what_is_known_of_them,
              journal_of_the_dead, stderr_of_the_dead, reload_with_a_dead_disk, reload_without_groups,
              stops_with_a_dead_disk, service_manager_of_the_dead])
