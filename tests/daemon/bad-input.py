#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad input, each a row with its message: what a person types, and what a
program sends past balloonctl."""
import json
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["top_srcdir"], "tests", "e2e"))
import host  # noqa: E402
from host import Host  # noqa: E402

WORLD = """[host]
memory = 8G
dom0 = 1G
seed = 3
[guest a]
memory = 1536M
static-max = 1536M
min = 512M
[guest twin]
memory = 512M
static-max = 512M
uuid = 11111111-1111-4111-8111-111111111111
[guest twin]
memory = 512M
static-max = 512M
uuid = 22222222-2222-4222-8222-222222222222
"""

# What stands where a size is wanted, and what is said of it.
SIZES = [
    ("0", "has no unit"),
    ("-1G", "has a sign"),
    ("+1G", "has a sign"),
    ("4", "has no unit"),
    ("1e3G", "is no unit"),
    ("99999999T", "is too large"),
    ("", "empty"),
    ("1.0000001K", "is not a whole number of bytes"),
    ("0M", "is zero"),
    ("0.0G", "is zero"),
    ("1 G", "is no unit"),
    ("G", "is not a size"),
    (".5G", "is not a size"),
    ("1.G", "is not a size"),
    ("1GB", "is no unit"),
    ("0x10M", "is no unit"),
    ("1,5G", "is no unit"),
    ("nan", "is not a size"),
    ("1G\n", "is no unit"),
    ("\u0661G", "is not a size"),
    ("9" * 200 + "G", "is not a size"),
]

# Arguments of balloonctl, its exit status, what it says.
COMMANDS = [
    (("claim", "1G", "--min", "2G"), 2, "min"),
    (("claim", "1G", "--min", "0M"), 2, "is zero"),
    (("claim", "1G", "--id", "x"), 2, "UUID"),
    (("claim", "1G", "--uuid", "1111"), 2, "UUID"),
    (("claim", "1G", "--name", ""), 2, "empty"),
    (("claim", "1G", "--name", "a\tb"), 2, "control characters"),
    (("claim", "1G", "--name", "a\x7fb"), 2, "control characters"),
    (("claim", "1G", "--name", "a\u202eb"), 2, "invisible"),
    (("claim", "1G", "--name", "web\u200b"), 2, "invisible"),
    (("claim", "1G", "--name", "x" * 128), 2, "127"),
    (("claim", "1G", "--node", "-1"), 2, "node"),
    (("claim", "1G", "--node", "64"), 2, "node"),
    (("claim", "1G", "--ttl", "0s"), 2, "zero"),
    (("claim", "1G", "--ttl", "10"), 2, "unit of time"),
    (("claim", "1G", "--wait", "1G"), 2, "unit of time"),
    (("claim", "1G", "--wait", "5s", "--now"), 2, "now"),
    (("set", "nobody", "--min", "1G"), 5, "nobody: no such domain"),
    (("set", "99", "--min", "1G"), 5, "99: no such domain"),
    (("set", "33333333-3333-4333-8333-333333333333", "--min", "1G"), 5, "no such domain"),
    (("explain", "twin"), 1, "11111111-1111-4111-8111-111111111111"),
    (("explain", "twin"), 1, "22222222-2222-4222-8222-222222222222"),
    (("set", "twin", "--weight", "5"), 1, "2 domains have that name"),
    (("status", "twin"), 1, "2 domains have that name"),
    (("explain", "a\x01"), 2, "control characters"),
    (("set", "a"), 2, "nothing to set"),
    (("set", "a", "--min", "1G", "--max", "768M"), 2, "above the max"),
    (("set", "a", "--max", "4G"), 2, "above the allocation"),
    (("set", "a", "3G"), 2, "above the max"),
    (("set", "a", "128M"), 2, "below the min"),
    (("set", "a", "--weight", "0"), 2, "weight"),
    (("set", "a", "--weight", "65536"), 2, "weight"),
    (("set", "a", "--weight", "1.5"), 2, "weight"),
    (("set", "a", "--mode", "manuel"), 2, "mode"),
    (("release", "nothing"), 5, "nothing: no such claim"),
    (("release", ""), 5, "no such claim"),
    (("renew", "44444444-4444-4444-8444-444444444444", "--ttl", "1m"), 5, "no such claim"),
    (("claims", "zzz"), 5, "zzz: no such claim"),
    (("sim", "create", "a\nb", "1G"), 2, "control characters"),
    (("sim", "create", "big", "4G", "--max", "2G"), 2, "max"),
    (("sim", "set", "a", "colour=red"), 2, "colour"),
    (("sim", "set", "a", "rate=fast"), 2, "rate"),
    (("sim", "destroy", "nobody"), 5, "nobody: no such domain"),
    (("sim", "create", "c", "1G", "--uuid", "1111"), 2, "UUID"),
    (("sim", "create", "c", "1G", "--uuid", "00000000-0000-0000-0000-000000000000"), 2, "must not be the null UUID"),
    (("sim", "create", "c", "1G", "--uuid", "ba11002d-c1a1-4000-8000-000000000001"), 2, "a guest cannot have"),
    (("sim", "destroy", "a", "--uuid", "11111111-1111-4111-8111-111111111111"), 2, "destroy takes NAME"),
    (("forget",), 2, "DOMAIN is missing"),
    (("forget", "a", "b"), 2, "too many arguments"),
    (("forget", "nobody"), 5, "nobody: no such domain"),
    (("forget", "twin"), 1, "2 domains have that name"),
    (("forget", "33333333-3333-4333-8333-333333333333"), 5, "nothing is remembered"),
]


def call(method, params):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


def claim(**params):
    return call("claim", {"size_bytes": 4096, **params})


# A line to the socket, the code of the error, and what is said.
LINES = [
    (b"x", -32700, ""),
    (b"{", -32700, ""),
    (b"[" * 60000, -32700, ""),
    (b'{"a":' * 10000, -32700, ""),
    (b"\xff\xfe", -32700, ""),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","id":2}', -32700, ""),
    (b"[]", -32600, "batches"),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, "batches"),
    (b"1", -32600, "object"),
    (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600, "2.0"),
    (b'{"jsonrpc":"2.0","id":[],"method":"ping"}', -32600, "id"),
    (b'{"jsonrpc":"2.0","id":1,"method":1}', -32600, "method"),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","extra":1}', -32600, "only"),
    (call("frobnicate", {}), -32601, "frobnicate"),
    (call("Ping", {}), -32601, "Ping"),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32602, "by name"),
    (call("ping", {"x": 1}), -32602, "unknown parameter"),
    (call("pause", {"x": 1}), -32602, "unknown parameter"),
    (call("claim", {}), -32602, "size_bytes: is missing"),
    (claim(size_bytes=0), -32602, "more than 0"),
    (claim(size_bytes=-4096), -32602, "more than 0"),
    (claim(size_bytes=1.5), -32602, "whole number"),
    (claim(size_bytes=1e9), -32602, "whole number"),
    (claim(size_bytes="1G"), -32602, "whole number"),
    (claim(size_bytes=2**62 + 1), -32602, "more than any host"),
    (b'{"jsonrpc":"2.0","id":1,"method":"claim","params":{"size_bytes":9223372036854775808}}',
     -32700, ""),
    (claim(min_bytes=8192), -32602, "min_bytes"),
    (claim(name="a\nb"), -32602, "control characters"),
    (claim(name="a\u0085b"), -32602, "control characters"),
    (claim(name="a\u2066b\u2069"), -32602, "invisible"),
    (claim(name="\U000e0077eb"), -32602, "invisible"),
    (claim(name="x" * 128), -32602, "127"),
    (b'{"jsonrpc":"2.0","id":1,"method":"claim","params":{"size_bytes":4096,"name":"\xc3"}}',
     -32700, ""),
    (b'{"jsonrpc":"2.0","id":1,"method":"claim","params":{"size_bytes":4096,"name":"\\ud800"}}',
     -32700, ""),
    (b'{"jsonrpc":"2.0","id":1,"method":"claim","params":{"size_bytes":1,"size_bytes":2}}',
     -32700, ""),
    (claim(id="00000000-0000-0000-0000-000000000000"), -32602, "null UUID"),
    (claim(id="zzz"), -32602, "UUID"),
    (claim(node=64), -32602, "node"),
    (claim(node=True), -32602, "node"),
    (claim(node=0), 8, "node"),
    (claim(ttl_seconds=0), -32602, "ttl_seconds"),
    (claim(ttl_seconds=90000), -32602, "ttl"),
    (claim(wait_seconds=-1), -32602, "wait_seconds"),
    (claim(wait_seconds=1, now=True), -32602, "only one of"),
    (claim(no_wait=True, now=True), -32602, "only one of"),
    (claim(no_wait=1), -32602, "true or false"),
    (call("release", {}), -32602, "ids: is missing"),
    (call("release", {"ids": []}), -32602, "at least one"),
    (call("release", {"ids": [1]}), -32602, "id"),
    (call("release", {"ids": ["a", "a"]}), -32602, "named twice"),
    (call("release", {"ids": [f"a{n}" for n in range(257)]}), -32602, "at most 256"),
    (call("release", {"ids": ["a\u0000b"]}), 4, "no such claim"),
    (call("renew", {"id": "x"}), -32602, "ttl_seconds: is missing"),
    (call("set", {"domain": "a"}), -32602, "nothing to set"),
    (call("set", {"weight": 1}), -32602, "domain: is missing"),
    (call("set", {"domain": "a", "weight": 0}), -32602, "1 to 65535"),
    (call("set", {"domain": {}, "weight": 1}), -32602, "name, UUID or number"),
    (call("set", {"domain": -1, "weight": 1}), -32602, "name, UUID or number"),
    (call("set", {"domain": "", "weight": 1}), -32602, "empty"),
    (call("set", {"domain": 4294967295, "weight": 1}), 3, "no such domain"),
    (call("set", {"domain": 0, "min_bytes": 1 << 30}), 7, "not managed"),
    (call("status", {"domains": "a"}), -32602, "array"),
    (call("status", {"domains": ["a"] * 2}), -32602, "named twice"),
    (call("status", {"domains": [0, "a", "0"]}), -32602, "named twice"),
    (call("status", {"domains": [f"a{n}" for n in range(257)]}), -32602, "at most 256"),
    (call("status", {"domains": ["a", "nobody"]}), 3, "nobody"),
    (call("forget", {}), -32602, "domain"),
    (call("forget", {"domain": "a", "base": 1}), -32602, "base"),
    (call("explain", {"domain": "twin"}), 5, "2 domains have that name"),
    (call("subscribe", {"since": -1}), -32602, "since"),
    (call("handoff", {"domid": 77, "size_bytes": 4096}), 3, "77"),
    (call("handoff", {"domid": 65536, "size_bytes": 4096}), -32602, "domid"),
    (call("handoff", {"domid": 1, "size_bytes": 4096, "claim": "x"}), 4, "no such claim"),
    (call("handoff", {"domid": 1, "size_bytes": 4096}), 7, "domain 1 is not being built"),
    (call("handoff", {"domid": 1, "size_bytes": 0}), -32602, "size_bytes"),
    (call("built", {}), -32602, "domid"),
    (call("built", {"domid": 1}), 4, "no claim is with domain 1"),
    (call("claim", {"size_bytes": 4096, "hooked": 1}), -32602, "hooked"),
    (call("sim.set", {"name": "a", "values": {}}), -32602, "at least one"),
    (call("sim.set", {"name": "a", "values": {"rate": 1}}), -32602, "strings"),
]

# A configuration, the line that is named, and what is said; the unit test of
# the configuration has many more.
CONFIGS = [
    ("[host]\nreserve = 4\n", 2, "has no unit"),
    ("[hots]\n", 1, "unknown section"),
    ("[host]\n\nspeed = 1\n", 3, "unknown key"),
    ("[domain web]\nmin = 2G\nmax = 1G\n", 3, "min larger than max"),
    ("tick = 1s\n", 1, "before any [section]"),
    ("[metrics]\nlisten = unix:/run/m\n", 2, "not supported"),
]


def same_as_before(h, before):
    """Nothing of it changed anything."""
    after = h.status()
    for s in (before, after):
        for d in s["domains"]:
            d["reason"] = None
    assert after["claims"] == [] and after["domains"] == before["domains"], after


def sizes():
    """sizes: each is refused with its reason, wherever a size stands"""
    with Host(WORLD) as h:
        before = h.status()
        for text, words in SIZES:
            for args in (("claim", "--", text), ("plan", "--", text), ("set", "a", "--", text),
                         ("claim", "1G", "--min=" + text), ("claim", "1G", "--overhead=" + text),
                         ("set", "a", "--max=" + text)):
                r = h.ctl(*args)
                assert r.status == 2 and words in r.err, (args, r)
                assert r.err.startswith("balloonctl: ") and r.err.count("\n") == 1, (args, r)
                assert r.out == "", (args, r)
        same_as_before(h, before)


def commands():
    """arguments: each is refused with its exit status and one line"""
    with Host(WORLD) as h:
        before = h.status()
        for args, status, words in COMMANDS:
            r = h.ctl(*args)
            assert r.status == status and words in r.err, (args, r)
            assert r.err.startswith("balloonctl: ") and r.err.count("\n") == 1, (args, r)
            j = h.ctl(*args, "--json")
            assert j.status == status and set(j.json["error"]) == {"id", "message", "data"}, (args, j)
        same_as_before(h, before)


def not_utf8():
    """names that are no UTF-8 are refused"""
    with Host(WORLD) as h:
        for args in ((b"claim", b"1G", b"--name", b"\xff"), (b"explain", b"a\xc3"),
                     (b"set", b"\xed\xa0\x80", b"--weight", b"1")):
            p = subprocess.run([host.BALLOONCTL.encode(), *args], capture_output=True, env=h.env,
                               stdin=subprocess.DEVNULL, timeout=host.LIMIT)
            assert p.returncode == 2, (args, p)
            assert p.stderr.decode().count("\n") == 1, (args, p)  # itself clean UTF-8


def lines():
    """lines to the socket: each is answered with its code, the connection goes on"""
    with Host(WORLD) as h:
        before = h.status()
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(host.LIMIT)
        s.connect(h.socket)
        f = s.makefile("rwb")
        for line, code, words in LINES:
            f.write(line + b"\n")
            f.flush()
            e = json.loads(f.readline())
            assert "error" in e, (line[:200], e)
            assert e["error"]["code"] == code and words in e["error"]["message"], (line[:200], e)
            if 0 < code < 100:
                assert e["error"]["data"]["id"], e
        f.write(call("ping", {}) + b"\n")
        f.flush()
        assert "result" in json.loads(f.readline())
        same_as_before(h, before)


def configurations():
    """configurations: the start is refused with file and line, --check-config says the same"""
    with Host(WORLD) as h:
        h.stop()
        path = os.path.join(h.dir, "conf")
        for text, line, words in CONFIGS:
            with open(path, "w") as f:
                f.write(text)
            for args in (["--check-config"], ["--backend", "sim", "--socket", h.socket,
                                              "--state-dir", h.state]):
                p = subprocess.run([host.BALLOOND, "--config", path, *args], capture_output=True,
                                   text=True, stdin=subprocess.DEVNULL, timeout=host.LIMIT)
                assert p.returncode == 1, (text, p)
                assert f"{path}:{line}: " in p.stderr and words in p.stderr, (text, p)
        with open(path, "w") as f:
            f.write("[host]\ntick = 5s\n")
        p = subprocess.run([host.BALLOOND, "--config", path, "--check-config"], timeout=host.LIMIT)
        assert p.returncode == 0
        h.start()


def options():
    """options of the daemon: each is refused, exit status 2"""
    for args in (["--backend", "kvm"], ["--sim-speed", "0"], ["--sim-speed", "-1"],
                 ["--sim-speed", "1x"], ["--sim-speed", "nan"], ["--sim-speed", "inf"],
                 ["--frobnicate"], ["extra"], ["--config"], ["--sim-world", "w"]):
        p = subprocess.run([host.BALLOOND, *args], capture_output=True, text=True,
                           stdin=subprocess.DEVNULL, timeout=host.LIMIT)
        assert p.returncode == 2 and p.stderr, (args, p)
    p = subprocess.run([host.BALLOOND, "--config", "/nonexistent", "--check-config"],
                       capture_output=True, text=True, timeout=host.LIMIT)
    assert p.returncode == 1 and "/nonexistent: No such file" in p.stderr, p
    for args in (["--version"], ["--help"]):
        p = subprocess.run([host.BALLOOND, *args], capture_output=True, text=True,
                           timeout=host.LIMIT)
        assert p.returncode == 0 and "balloond" in p.stdout and not p.stderr, p


host.run([sizes, commands, not_utf8, lines, configurations, options])
