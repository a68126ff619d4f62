# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs of balloonctl, what a played daemon tells it, and the run of a file's cases."""
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
import traceback

from fake import LIMIT

CTL = os.path.abspath(os.path.join(os.environ.get("top_builddir", "."), "balloonctl"))
UUID = "01234567-89ab-4def-8123-456789abcdef"
GIB = 1 << 30

# A job in the background may have inherited that it is ignored, and so would
# what is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Whether this balloonctl has the command for a simulated host.
HAS_SIM = "\n  sim " in subprocess.run([CTL, "--help"], capture_output=True, text=True, check=True).stdout

DAEMON = {"version": "9.9", "backend": "sim", "backend_version": "simulated 1.0", "pid": 7,
          "uptime_seconds": 3700, "health": "ok", "problems": [], "paused": False,
          "claim_method": "holder"}
HOST = {"total_bytes": 16 * GIB, "free_bytes": 4 * GIB, "outstanding_bytes": GIB,
        "promised_bytes": 0, "growing_bytes": 0, "reserve_bytes": GIB, "available_bytes": 2 * GIB,
        "reclaimable_bytes": GIB, "nodes": [{"node": 0, "total_bytes": 1, "free_bytes": 1}]}


def domain(name, **more):
    return {"domid": 1, "name": name, "uuid": UUID, "type": "pv", "mode": "auto", "state": "steady",
            "current_bytes": 2 * GIB, "target_bytes": 2 * GIB, "min_bytes": GIB, "max_bytes": 4 * GIB,
            "claimed_bytes": 0, "weight": 100, "demand_bytes": GIB, "telemetry": None,
            "reason": "why it is so", **more}


def claim(**more):
    return {"id": UUID, "name": "web", "uuid": None, "state": "held", "size_bytes": GIB,
            "held_bytes": GIB, "overhead_bytes": 0, "domid": None, "holder_domid": 5, "node": None,
            "created_at": "2026-01-01T00:00:00Z", "expires_in_seconds": 600, "eta_seconds": None,
            "reason": "held by domain 5", **more}


def status(domains=(), claims=(), **daemon):
    return {"daemon": {**DAEMON, **daemon}, "host": HOST, "domains": list(domains),
            "claims": list(claims)}


def environment(fake, **more):
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm",
           "BALLOOND_SOCKET": fake.socket if fake else "/nonexistent/socket"}
    if "LD_LIBRARY_PATH" in os.environ:
        env["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    env.update(more)
    return env


def ctl(fake, *args, **env):
    """A run with pipes: (status, stdout, stderr)."""
    done = subprocess.run([CTL, *args], env=environment(fake, **env), stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=LIMIT, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Terminal:
    """A run on a terminal of its own."""

    def __init__(self, fake, *args, columns=80, stdout=None, **env):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen([CTL, *args], env=environment(fake, **env), stdin=slave,
                                        stdout=stdout or slave, stderr=slave,
                                        start_new_session=True)
        os.close(slave)
        self.text = ""

    def read(self, until=None):
        """Reads on until the text is there; without one, until the end."""
        end = time.monotonic() + LIMIT
        while until is None or until not in self.text:
            assert time.monotonic() < end, self.text
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            if not data:
                assert until is None, (until, self.text)
                break
            self.text += data.decode()
        return self.text

    def end(self):
        self.read()
        os.close(self.master)
        return self.process.wait(LIMIT)


def same(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


def inside(part, text):
    assert part in text, f"{part!r} is not in {text!r}"


def main(cases):
    """Each case is a point of TAP, named by what its first line says."""
    failed = False
    print(f"1..{len(cases)}", flush=True)
    for n, case in enumerate(cases, 1):
        try:
            case()
            print(f"ok {n} - {case.__doc__}", flush=True)
        except Exception:  # every case is to run
            failed = True
            print(f"not ok {n} - {case.__doc__}")
            for line in traceback.format_exc().splitlines():
                print("#", line, flush=True)
    sys.exit(failed)
