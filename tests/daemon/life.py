#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How the daemon starts, reloads and stops, and what the service manager and
the next daemon find."""
import errno
import os
import select
import signal
import socket
import subprocess

from wire import Wire, host, request
from host import MIB, Host, wait_until

WORLD = "[host]\nmemory = 4G\ndom0 = 1G\nseed = 3\n[guest a]\nmemory = 1G\nstatic-max = 1G\nmin = 512M\n"


def run_daemon(h, *args, sock=None, state=None):
    """A second daemon that is expected to end by itself."""
    return subprocess.run([host.BALLOOND, "--backend", "sim", "--config", h.dir + "/conf",
                           "--socket", sock or h.socket, "--state-dir", state or h.state, *args],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, env=h.env,
                          timeout=host.LIMIT)


def log_of(h):
    with open(os.path.join(h.dir, "log")) as f:
        return f.read()


def stops_cleanly():
    """SIGTERM and SIGINT: status 0, the socket is gone, claims stay held"""
    with Host(WORLD) as h:
        with Wire(h.socket) as w:
            claim = w.result("claim", {"size_bytes": 100 * MIB})["claim"]
        for sig in (signal.SIGTERM, signal.SIGINT):
            h.daemon.send_signal(sig)
            assert h.daemon.wait(host.LIMIT) == 0
            h.daemon = None
            assert not os.path.exists(h.socket)
            h.start()
            now = h.claims()
            assert [(c["id"], c["state"], c["holder_domid"]) for c in now] == \
                [(claim["id"], "held", claim["holder_domid"])], now


def waiters_outlive_a_stop():
    """who waits when the daemon stops has not gone: the claim stands after the restart"""
    with Host(WORLD) as h:
        with Wire(h.socket) as w, Wire(h.socket) as waits:
            held = w.result("claim", {"size_bytes": 1500 * MIB})["claim"]["id"]
            waits.send(request("claim", {"size_bytes": 1000 * MIB, "wait_seconds": 10000}))
            wait_until("the claim to wait", lambda: len(h.claims()) == 2)
            h.stop()
            assert waits.line() is None
        h.start()
        assert [c["state"] for c in h.claims()] == ["held", "reclaiming"], h.claims()
        assert h.claims()[0]["id"] == held


def one_at_a_time():
    """a second daemon on the same socket or state is refused, the first goes on"""
    with Host(WORLD) as h:
        p = run_daemon(h)
        assert p.returncode == 1 and "another balloond has it" in p.stderr, p
        p = run_daemon(h, state=h.dir + "/other")
        assert p.returncode == 1 and "another daemon listens there" in p.stderr, p
        assert h.ctl("ping").status == 0


def odd_sockets():
    """a socket nobody listens on is replaced; anything else is left alone"""
    with Host(WORLD) as h:
        h.stop(signal.SIGKILL)
        assert os.path.exists(h.socket)
        h.start()
        assert os.stat(h.socket).st_mode & 0o777 == 0o666
        h.stop()
        with open(h.socket, "w") as f:
            f.write("precious")
        p = run_daemon(h)
        assert p.returncode == 1 and "is not a socket" in p.stderr, p
        with open(h.socket) as f:
            assert f.read() == "precious"
        os.unlink(h.socket)
        p = run_daemon(h, sock="/" + "x" * 108)
        assert p.returncode == 1 and "longer than 107 bytes" in p.stderr, p
        h.start()


def activation():
    """a socket handed over is used, and left behind for the next daemon"""
    with Host(WORLD) as h:
        h.stop()
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(h.socket)
        listening.listen(16)

        def start():
            h.daemon = subprocess.Popen(
                ["/bin/sh", "-c", 'exec 3<&"$0"; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"',
                 str(listening.fileno()), host.BALLOOND, "--backend", "sim", "--config",
                 h.dir + "/conf", "--state-dir", h.state, "--sim-world", h.dir + "/world",
                 "--socket", h.dir + "/unused"],
                pass_fds=[listening.fileno()], stdin=subprocess.DEVNULL, stdout=h.log,
                stderr=h.log, env=h.env)

        for _ in range(2):
            with Wire(h.socket) as early:  # comes before the daemon
                early.send(request("ping"))
                start()
                assert "result" in early.line()
            assert not os.path.exists(h.dir + "/unused")
            h.stop()
            assert os.path.exists(h.socket)
        listening.close()
        os.unlink(h.socket)


def handed_over():
    """of the sockets handed over only those named for it are served, the others closed"""
    with Host(WORLD) as h:
        h.stop()

        def start(*names):
            """A daemon that has a socket for each name; gives their paths."""
            paths = [f"{h.dir}/{n}-{name}" for n, name in enumerate(names)]
            fds = []
            for path in paths:
                s = socket.socket(socket.AF_UNIX)
                s.bind(path)
                s.listen(16)
                fds.append(s)
            moves = " ".join(f"{3 + i}<&{s.fileno() + 100} {s.fileno() + 100}<&-"
                             for i, s in enumerate(fds))
            for s in fds:  # out of the way of those they become
                os.dup2(s.fileno(), s.fileno() + 100)
            h.daemon = subprocess.Popen(
                ["/bin/bash", "-c", f'exec {moves}; LISTEN_FDS={len(fds)} LISTEN_PID=$$ '
                 f'LISTEN_FDNAMES={":".join(names)} exec "$@"', "bash", host.BALLOOND, "--backend", "sim",
                 "--config", h.dir + "/conf", "--state-dir", h.state, "--sim-world", h.dir + "/world"],
                pass_fds=[s.fileno() + 100 for s in fds], stdin=subprocess.DEVNULL, stdout=h.log,
                stderr=h.log, env=h.env)
            for s in fds:
                os.close(s.fileno() + 100)
                s.close()
            return paths

        def refused(path):
            with socket.socket(socket.AF_UNIX) as s:
                return s.connect_ex(path) == errno.ECONNREFUSED

        metrics, control = start("metrics", "control")
        with Wire(control) as w:
            w.result("ping")
        assert refused(metrics)
        said = "is named metrics, neither control nor balloond.socket: closed"
        wait_until("its line in the log", lambda: said in log_of(h))
        h.stop()
        paths = start("balloond.socket")
        with Wire(paths[0]) as w:
            w.result("ping")
        h.stop()
        paths = start("unknown", "stored")
        assert h.daemon.wait(host.LIMIT) == 1
        h.daemon = None
        said = "none of the 2 descriptors handed over is named control"
        wait_until("its line in the log", lambda: said in log_of(h))


def reload():
    """SIGHUP takes a good configuration, and keeps the old settings when it is bad"""
    with Host(WORLD, config="[host]\nreserve = 128M\n") as h:
        def reserve():
            return h.status()["host"]["reserve_bytes"] == want

        want = 128 * MIB
        assert reserve()
        with open(h.dir + "/conf", "w") as f:
            f.write("[host]\nreserve = 256M\n[domain a]\nweight = 7\n")
        h.daemon.send_signal(signal.SIGHUP)
        want = 256 * MIB
        wait_until("the new reserve", reserve)
        assert h.domain("a")["weight"] == 7
        with open(h.dir + "/conf", "w") as f:
            f.write("[host]\nreserve = 512M\ntock = 1\n")
        h.daemon.send_signal(signal.SIGHUP)
        wait_until("the error", lambda: f"{h.dir}/conf:3: unknown key" in log_of(h))
        assert reserve() and h.domain("a")["weight"] == 7
        assert h.ctl("set", "a", "--weight", "9").status == 0
        with open(h.dir + "/conf", "w") as f:
            f.write("")
        os.mkdir(h.dir + "/conf.d")
        with open(h.dir + "/conf.d/10.conf", "w") as f:
            f.write("[host]\nreserve = 384M\n")
        h.daemon.send_signal(signal.SIGHUP)
        want = 384 * MIB
        wait_until("the drop-in's reserve", reserve)
        assert h.domain("a")["weight"] == 9  # what was set at run time stays


def notify():
    """the service manager hears of readiness, the watchdog, reload and stop"""
    with Host(WORLD) as h:
        h.stop()
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(h.dir + "/notify")

        def heard(*words):
            """Reads until all words came, each in its turn."""
            for word in words:
                while True:
                    assert select.select([s], [], [], host.LIMIT)[0], "never heard " + word
                    if word in s.recv(4096).decode():
                        break

        # WATCHDOG_PID is not set: the watchdog is for whoever has it
        h.env.update(NOTIFY_SOCKET=h.dir + "/notify", WATCHDOG_USEC="400000")
        h.start()
        heard("READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1")
        h.daemon.send_signal(signal.SIGHUP)
        heard("RELOADING=1\nMONOTONIC_USEC=", "READY=1")
        h.daemon.send_signal(signal.SIGTERM)
        heard("STOPPING=1")


host.run([stops_cleanly, waiters_outlive_a_stop, one_at_a_time, odd_sockets, activation, handed_over, reload,
          notify])
