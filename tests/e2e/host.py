# SPDX-License-Identifier: GPL-2.0-or-later
"""A balloond on a simulated host, and balloonctl to talk to it, for tests."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("top_builddir", ".")
BALLOOND = os.path.abspath(os.path.join(BUILD, "balloond"))
BALLOONCTL = os.path.abspath(os.path.join(BUILD, "balloonctl"))
LIMIT = 60  # seconds that no wait may exceed; a failure, never a pace

# A job in the background may have inherited that it is ignored, and so would
# what is started here.
signal.signal(signal.SIGINT, signal.default_int_handler)

MIB = 1 << 20
GIB = 1 << 30


def wait_until(what, condition, limit=LIMIT):
    """Polls until condition() is true; returns what it returned."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + what)
        time.sleep(0.02)


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"status {self.status}, stdout {self.out!r}, stderr {self.err!r}"


class Host:
    """One world, one state folder, one socket; the daemon may come and go."""

    def __init__(self, world, speed=20, config=""):
        self.dir = tempfile.mkdtemp(prefix="e2e-", dir=os.path.abspath(BUILD))
        self.socket = os.path.join(self.dir, "s")
        self.state = os.path.join(self.dir, "state")
        self.speed = speed
        self.daemon = None
        with open(os.path.join(self.dir, "world"), "w") as f:
            f.write(world)
        with open(os.path.join(self.dir, "conf"), "w") as f:
            f.write(config)
        self.log = open(os.path.join(self.dir, "log"), "ab")
        self.env = dict(os.environ, BALLOOND_SOCKET=self.socket)
        self.env.pop("NOTIFY_SOCKET", None)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        self.log.close()
        if kind:
            with open(os.path.join(self.dir, "log"), errors="replace") as f:
                for line in f.read().splitlines()[-40:]:
                    print("# daemon:", line)
        shutil.rmtree(self.dir)
        return False

    def start(self):
        self.daemon = subprocess.Popen(
            [BALLOOND, "--backend", "sim", "--config", self.dir + "/conf", "--socket", self.socket,
             "--state-dir", self.state, "--sim-world", self.dir + "/world",
             "--sim-speed", str(self.speed)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.env)
        wait_until("the daemon to answer", self._answers)

    def _answers(self):
        if self.daemon.poll() is not None:
            raise AssertionError(f"balloond ended with {self.daemon.returncode}")
        return self.ctl("ping").status == 0

    def stop(self, sig=signal.SIGTERM):
        if self.daemon:
            self.daemon.send_signal(sig)
            self.daemon.wait(LIMIT)
            self.daemon = None

    def ctl(self, *args, **kw):
        return Result(subprocess.run([BALLOONCTL, *args], stdin=subprocess.DEVNULL, env=self.env,
                                     capture_output=True, text=True, timeout=LIMIT, **kw))

    def ctl_start(self, *args, **kw):
        return subprocess.Popen([BALLOONCTL, *args], stdin=subprocess.DEVNULL, env=self.env,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)

    def status(self):
        r = self.ctl("status", "--json")
        assert r.status == 0, r
        return r.json

    def domain(self, name):
        return next((d for d in self.status()["domains"] if d["name"] == name), None)

    def claims(self):
        return self.status()["claims"]

    def settled(self):
        """Waits until no guest is on its way."""
        wait_until("the guests to come to rest", lambda: all(
            d["state"] not in ("growing", "shrinking") for d in self.status()["domains"]))
        return self.status()


def run(cases):
    """Runs functions as TAP cases; exits non-zero when one fails."""
    print(f"1..{len(cases)}")
    failed = 0
    for n, case in enumerate(cases, 1):
        name = (case.__doc__ or case.__name__).strip().splitlines()[0]
        try:
            case()
        except Exception as e:  # a failing case must not stop the others
            failed += 1
            for line in f"{type(e).__name__}: {e}".splitlines():
                print("#", line)
            print(f"not ok {n} - {name}", flush=True)
        else:
            print(f"ok {n} - {name}", flush=True)
    sys.exit(1 if failed else 0)
