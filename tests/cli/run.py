#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""balloonctl run: what it claims, how it runs the command, what it gives back."""
import json
import os
import signal
import struct
import subprocess

from ctl import CTL, GIB, LIMIT, UUID, claim, environment, inside, main, same
from fake import BUILD, Fake, error

# Any library will do: what the hook does is tested elsewhere.
HOOK = os.path.abspath(os.path.join(BUILD, "tests/hook/libxenctrl.so"))
KIB = 1024
CONFIG = {"c_info": {"type": "pvh", "name": "web"},
          "b_info": {"max_vcpus": 2, "max_memkb": 2 << 20, "target_memkb": 1 << 20,
                     "shadow_memkb": 10240}}
MAGIC = b"Xen saved domain, xl format\n \0 \r"

# Stands for xl: tells its configuration when asked with -n, else builds.
XL = """#!/bin/sh
for word; do
	[ "$word" != -n ] || { cat config; exit; }
done
echo "$@" >>built
env | grep -E '^(LD_PRELOAD|BALLOOND_)' >>built
exit "${XL_STATUS:-0}"
"""


def answers(state="held", **more):
    return {"claim": {"claim": claim(state=state)}, "claims": {"claims": [claim(state=state)]},
            "release": {"released": []}, **more}


class Run:
    """One run in a folder with a played xl."""

    def __init__(self, fake, *args, config=CONFIG, **more):
        with open(os.path.join(fake.dir, "config"), "w", encoding="ascii") as f:
            f.write(config if isinstance(config, str) else json.dumps(config))
        xl = os.path.join(fake.dir, "xl")
        with open(xl, "w", encoding="ascii") as f:
            f.write(XL)
        os.chmod(xl, 0o755)
        env = environment(fake, **{"BALLOOND_HOOK": HOOK, **more})
        env["PATH"] = fake.dir + ":" + env["PATH"]
        self.process = subprocess.Popen([CTL, "run", *args], env=env, cwd=fake.dir, text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.fake = fake

    def end(self):
        self.out, self.err = self.process.communicate(timeout=LIMIT)
        self.status = self.process.returncode
        return self.status

    @property
    def built(self):
        path = os.path.join(self.fake.dir, "built")
        if not os.path.exists(path):
            return None
        with open(path, encoding="ascii") as f:
            return f.read().splitlines()


def run(fake, *args, **more):
    r = Run(fake, *args, **more)
    r.end()
    return r


def preclaims():
    """claims what xl create needs, hands the claim on, and gives it back when it is left"""
    with Fake(answers()) as fake:
        r = run(fake, "--", "xl", "-v", "create", "-p", "web.cfg")
        same((r.status, r.err), (0, ""))
        method, params = fake.asked[0]
        same(method, "claim")
        mine = params.pop("id")
        # libxl: with shadow and 2 MiB, rounded up to 2 MiB
        same(params, {"size_bytes": GIB, "overhead_bytes": 12288 * KIB, "hooked": True,
                      "name": "web"})
        same(r.built, ["-v create -p web.cfg"] + sorted(
            [f"LD_PRELOAD={HOOK}", f"BALLOOND_CLAIM={mine}", f"BALLOOND_SOCKET={fake.socket}",
             f"BALLOOND_HOOK={HOOK}"], key=r.built.index))
        same(fake.asked[1:], [("claims", {"id": mine}), ("release", {"ids": [mine]})])
    with Fake(answers("building")) as fake:
        same(run(fake, "--wait", "5m", "--", "xl", "create", "web.cfg").status, 0)
        same(fake.asked[0][1]["wait_seconds"], 300)
        same({method for method, _ in fake.asked}, {"claim", "claims"})
    pv = {"c_info": {"type": "pv", "name": "web"}, "b_info": {"max_memkb": 4096 + 512}}
    with Fake(answers()) as fake:
        run(fake, "--", "xl", "create", "web.cfg", config=pv)
        same((fake.asked[0][1]["size_bytes"], fake.asked[0][1]["overhead_bytes"]),
             (4608 * KIB, 1536 * KIB))


def refuses():
    """a refusal comes before the command, and is 125"""
    with Fake(answers(claim=error(1, "no-memory", "not enough memory: so and so"))) as fake:
        r = run(fake, "--", "xl", "create", "web.cfg")
        same((r.status, r.built), (125, None))
        same(r.err, "balloonctl: run: not enough memory: so and so\n")


def restores():
    """of xl restore the saved state says what it needs"""
    text = json.dumps(CONFIG).encode() + b"\0"
    with Fake(answers()) as fake:
        saved = os.path.join(fake.dir, "saved")
        with open(saved, "wb") as f:
            f.write(MAGIC + struct.pack("=IIII", 0x01020304, 1, 0, len(text) + 4) +
                    struct.pack("=I", len(text)) + text + b"state")
        r = run(fake, "--", "xl", "restore", saved)
        same((r.status, r.err), (0, ""))
        same(fake.asked[0][1]["size_bytes"], GIB)
        with open(saved, "wb") as f:
            f.write(b"no such thing")
        fake.asked.clear()
        r = run(fake, "--", "xl", "restore", saved)
        same((r.status, fake.asked), (0, []))
        inside("holds no domain saved by xl", r.err)


def runs_anything():
    """another command, and one with a claim of its own, get the hook alone"""
    with Fake(answers()) as fake:
        r = run(fake, "--", "sh", "-c", "echo $LD_PRELOAD; echo $BALLOOND_CLAIM", LD_PRELOAD="x.so")
        same((r.status, r.out), (0, f"{HOOK}:x.so\n\n"))
        r = run(fake, "--claim", UUID, "--", "sh", "-c", "echo $BALLOOND_CLAIM; exit 7")
        same((r.status, r.out), (7, UUID + "\n"))
        r = run(fake, "--no-preclaim", "--", "xl", "create", "web.cfg", XL_STATUS="3")
        same((r.status, r.built[0]), (3, "create web.cfg"))
        same(fake.asked, [])


def alone():
    """without a daemon, and where xl does not say what it would build, it says so and goes on"""
    with Fake(answers()) as fake:
        r = run(fake, "-s", "/nonexistent/socket", "--", "xl", "create", "web.cfg")
        same((r.status, r.built[0]), (0, "create web.cfg"))
        inside("nothing is claimed ahead", r.err)
        same(r.err.count("\n"), 1)
        for config in "no JSON", "{}", "":
            r = run(fake, "--", "xl", "create", "web.cfg", config=config)
            same((r.status, fake.asked), (0, []))
            inside("nothing is claimed ahead", r.err)


def signals():
    """signals go to the command, and what ends it is told"""
    script = "trap 'exit 9' TERM; echo up; while :; do sleep 0.1; done"
    with Fake(answers()) as fake:
        r = Run(fake, "--", "sh", "-c", script)
        same(r.process.stdout.readline(), "up\n")
        r.process.send_signal(signal.SIGTERM)
        same(r.end(), 9)
        same(run(fake, "--", "sh", "-c", "kill -KILL $$").status, 128 + signal.SIGKILL)


def fails():
    """what cannot be run is 125, and what was claimed is given back"""
    with Fake(answers()) as fake:
        r = run(fake, "--", "/nonexistent/command")
        same(r.status, 125)
        inside("/nonexistent/command: No such file", r.err)
        r = Run(fake, "--", "xl", "create", "web.cfg", BALLOOND_HOOK="/nonexistent/hook")
        same((r.end(), r.built), (125, None))
        inside("/nonexistent/hook", r.err)
        same([method for method, _ in fake.asked], ["claim", "claims", "release"])
        for args in ([], ["--claim", "x", "--", "true"], ["--wait", "x", "--", "xl", "create", "y"],
                     ["--claim", UUID, "--no-preclaim", "--", "true"], ["--nonsense"]):
            r = run(fake, *args)
            same((args, r.status), (args, 125))
            inside("balloonctl: run: ", r.err)


CASES = [preclaims, refuses, restores, runs_anything, alone, signals, fails]

if __name__ == "__main__":
    main(CASES)
