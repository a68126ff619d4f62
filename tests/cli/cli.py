#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""balloonctl against a daemon that is played: what it asks, and how it ends."""
import json
import os
import re
import subprocess
import tempfile

from ctl import CTL, DAEMON, GIB, HAS_SIM, UUID, claim, ctl, domain, environment, inside, main, same, status
from fake import LIMIT, VERSION, Fake, HangUp, Raw, error

SOURCE = os.environ.get("top_srcdir", ".")


def requests():
    """every command asks for what was typed"""
    row, one = {"domain": domain("web")}, {"claim": claim()}
    answers = {"status": status(), "claim": {"claim": claim(size_bytes=1 << 40)}, "claims": {"claims": []},
               "release": {"released": []}, "renew": one, "set": row, "forget": {**row, "forgotten": True, "uuid": UUID},
               "plan": {"verdict": "now", "domains": []}, "explain": {**row, "reasons": []},
               "rebalance": {}, "pause": {"paused": True}, "resume": {"paused": False},
               "ping": {"daemon": DAEMON}, "sim.create": row, "sim.destroy": {"domid": 3},
               "sim.set": row}
    rows = [
        ("status", "status", {}),
        ("status web 3", "status", {"domains": ["web", "3"]}),
        (f"claim 1.5G --id {UUID}", "claim", {"size_bytes": 3 * GIB // 2, "id": UUID}),
        (f"claim --name web --min 512k --overhead 4M --uuid {UUID} --node 0 --ttl 90s --wait 0s "
         f"--id {UUID} 1T", "claim",
         {"size_bytes": 1 << 40, "id": UUID, "name": "web", "uuid": UUID, "node": 0,
          "min_bytes": 1 << 19, "overhead_bytes": 1 << 22, "wait_seconds": 0, "ttl_seconds": 90}),
        (f"claim 1G --now --id {UUID}", "claim", {"size_bytes": GIB, "id": UUID, "now": True}),
        (f"claim 1G --no-wait --id {UUID}", "claim",
         {"size_bytes": GIB, "id": UUID, "no_wait": True}),
        (f"claim 1G --wait 1.5s --id {UUID}", "claim",
         {"size_bytes": GIB, "id": UUID, "wait_seconds": 1.5}),
        ("claims", "claims", {}),
        ("claims x", "claims", {"id": "x"}),
        ("release a b", "release", {"ids": ["a", "b"]}),
        ("renew a --ttl 2h", "renew", {"id": "a", "ttl_seconds": 7200}),
        ("set web 1G", "set", {"domain": "web", "size_bytes": GIB}),
        ("set web --min 1G --max 2G --weight 50 --mode auto --no-persist", "set",
         {"domain": "web", "min_bytes": GIB, "max_bytes": 2 * GIB, "weight": 50, "mode": "auto",
          "persist": False}),
        ("forget web", "forget", {"domain": "web"}),
        ("plan 4G", "plan", {"size_bytes": 4 * GIB}),
        ("plan 4G --overhead 1M", "plan", {"size_bytes": 4 * GIB, "overhead_bytes": 1 << 20}),
        ("explain web", "explain", {"domain": "web"}),
        ("explain -- -x", "explain", {"domain": "-x"}),
        ("rebalance", "rebalance", {}),
        ("pause", "pause", {}),
        ("resume", "resume", {}),
        ("ping", "ping", {}),
        (f"sim create db 1G --max 2G --claim {UUID} --uuid {UUID}", "sim.create",
         {"name": "db", "size_bytes": GIB, "max_bytes": 2 * GIB, "claim": UUID, "uuid": UUID}),
        ("sim destroy db", "sim.destroy", {"name": "db"}),
        ("sim set db used=1G behaviour=floor:1G", "sim.set",
         {"name": "db", "values": {"used": "1G", "behaviour": "floor:1G"}}),
    ]
    with Fake(answers) as fake:
        for line, method, params in rows:
            for flags in ([], ["--json"]) if HAS_SIM or not method.startswith("sim.") else ():
                fake.asked.clear()
                got = ctl(fake, *flags, *line.split())
                same(got[0], 0)
                same(got[2], "")
                # on a slow machine --wait has looked how the claim gets on
                same([a for a in fake.asked if "--wait" not in line or a[0] != "claims"],
                     [(method, params)])
                if flags:
                    same(json.loads(got[1]), {"version": VERSION, **answers[method]})


def ids_of_its_own():
    """claim makes an id when none is given, each time another"""
    with Fake({"claim": {"claim": claim()}}) as fake:
        ctl(fake, "claim", "1G")
        ctl(fake, "claim", "1G")
        ids = [params["id"] for _, params in fake.asked]
        assert ids[0] != ids[1] and all(re.fullmatch("[0-9a-f-]{36}", i) for i in ids), ids


def exit_statuses():
    """each error has its exit status, one line, and with --json an object"""
    rows = [(1, "no-memory", 3), (2, "timeout", 4), (3, "no-such-domain", 5),
            (4, "no-such-claim", 5), (5, "ambiguous", 1), (6, "not-permitted", 7),
            (7, "bad-state", 1), (8, "unsupported", 1), (9, "backend", 1),
            (-32602, "invalid-params", 2), (42, "of-tomorrow", 1)]
    for code, name, want in rows:
        with Fake({"explain": error(code, name)}) as fake:
            same(ctl(fake, "explain", "x"), (want, "", "balloonctl: explain: the reason\n"))
            got = ctl(fake, "explain", "x", "--json")
            same((got[0], got[2]), (want, "balloonctl: explain: the reason\n"))
            same(json.loads(got[1]),
                 {"error": {"id": name, "message": "the reason", "data": {"id": name}}})


def errors_stay_on_one_line():
    """nothing in a message breaks the line or reaches the terminal"""
    with Fake({"explain": error(1, "no-memory", "a\nb\x1b[1m\u2028c")}) as fake:
        same(ctl(fake, "explain", "x")[2], "balloonctl: explain: a?b?[1m?c\n")
        got = ctl(fake, "frob\n\x1b[1m")
        same((got[0], got[2].count("\n"), "\x1b" in got[2]), (2, 1, False))


def bad_arguments():
    """what is wrong on the command line is named, and nothing is asked for"""
    rows = [
        ("claim 0", "SIZE: '0' has no unit"), ("claim 0M", "SIZE: '0M' is zero"),
        ("claim -1G", "SIZE: '-1G' has a sign"), ("claim 4", "SIZE: '4' has no unit"),
        ("claim 1e3G", "SIZE: '1e3G'"), ("claim 99999999T", "SIZE: '99999999T' is too large"),
        ("claim ", "SIZE: empty"), ("claim 1.0000001K", "SIZE: '1.0000001K' is not a whole"),
        ("claim 1G --min 4", "--min: '4' has no unit"),
        ("claim 1G --overhead 0K", "--overhead: '0K' is zero"),
        ("claim 1G --ttl 5", "--ttl: '5' has no unit"), ("claim 1G --ttl 0s", "--ttl: '0s' is zero"),
        ("claim 1G --wait x", "--wait: 'x' is not a duration"),
        ("claim 1G --id x", "--id: 'x' is not a UUID"),
        ("claim 1G --uuid x", "--uuid: 'x' is not a UUID"),
        ("claim 1G --node x", "--node: 'x' is not a whole number"),
        ("claim 1G --node -1", "--node: '-1' is not a whole number"),
        ("claim 1G --now --no-wait", "only one of"), ("claim 1G --wait 1s --now", "only one of"),
        ("claim", "SIZE is missing"), ("claim 1G 2G", "too many arguments"),
        ("claim 1G --frob", "option --frob is unknown"), ("claim 1G -x", "option -x is unknown"),
        ("claim 1G --min", "--min needs an argument"), ("claim --now=1 1G", "takes no argument"),
        ("set web", "nothing to set"), ("set", "DOMAIN is missing"),
        ("set web 4", "SIZE: '4' has no unit"), ("set web --max 1", "--max: '1' has no unit"),
        ("set web --weight 1.5", "--weight: '1.5' is not a whole number"),
        ("set web -5M", "SIZE: '-5M' has a sign"),
        ("release", "ID is missing"), ("renew x", "--ttl is missing"), ("renew --ttl 1s", "ID is"),
        ("plan 1", "SIZE: '1' has no unit"), ("explain", "DOMAIN is missing"),
        ("ping x", "takes no arguments"), ("monitor --since x", "--since: 'x' is not an event"),
        ("monitor --since -1", "--since: '-1' is not an event"), ("status --watch=0s", "--watch: '0s'"),
        ("sim", "create, destroy or set is missing"), ("sim frob", "'frob' is not create"),
        ("sim create a", "create takes NAME and SIZE"), ("sim create a 5", "SIZE: '5' has no unit"),
        ("sim destroy a --max 1G", "destroy takes NAME"), ("sim set a", "set takes NAME and KEY"),
        ("sim set a b", "'b' is not KEY=VALUE"), ("sim set a =b", "'=b' is not KEY=VALUE"),
        ("sim set a b=1 b=2", "'b' is given twice"),
        ("frob", "no command 'frob'"), ("--frob", "option --frob is unknown"), ("-s", "-s needs an"),
    ]
    with Fake({}) as fake:
        for line, says in rows:
            args = line.split(" ")
            got = ctl(fake, *args)
            same((line, got[0], got[1]), (line, 2, ""))
            inside(says if HAS_SIM or args[0] != "sim" else "no command 'sim'", got[2])
            assert got[2].startswith("balloonctl: ") and got[2].count("\n") == 1, got[2]
            got = ctl(fake, "--json", *args)
            same(json.loads(got[1])["error"]["id"], "invalid-params")
        same(ctl(fake)[0], 2)
        same(fake.asked, [])


def names_that_are_no_text():
    """invalid UTF-8 is refused here; as a claim's id it names no claim"""
    with Fake({}) as fake:
        for args, want in ((["explain", b"a\xff"], 2), (["claim", "1G", "--name", b"\xc0"], 2),
                           (["release", b"\xff"], 5), (["status", b"\xff"], 2)):
            got = ctl(fake, *args)
            same((got[0], got[2].count("\n")), (want, 1))
        same(fake.asked, [])


def no_daemon():
    """nobody listening is 6, in words and as an object"""
    got = ctl(None, "status")
    same(got[:2], (6, ""))
    inside("/nonexistent/socket", got[2])
    inside("is balloond running?", got[2])
    got = ctl(None, "--json", "claim", "1G")
    same((got[0], json.loads(got[1])["error"]["id"]), (6, "no-daemon"))
    same(ctl(None, "-s", "/tmp/" + "x" * 200, "ping")[0], 6)


def broken_connections():
    """a daemon that hangs up is 6; one that says why first is believed; nonsense is 6"""
    refusal = (b'{"jsonrpc":"2.0","id":null,"error":{"code":6,"message":"not for you",'
               b'"data":{"id":"not-permitted"}}}\n')
    for answer, want in ((HangUp, 6), (Raw(refusal), 7), (Raw(b"hello\n"), 6), (Raw(b"\0\n"), 6),
                         (Raw(b"[" * 100000 + b"\n"), 6), (Raw(b"{}\n" * 3 + refusal), 7)):
        with Fake({"ping": answer}) as fake:
            got = ctl(fake, "ping")
            same((got[0], got[1], got[2].count("\n")), (want, "", 1))


def the_socket_option_wins():
    """--socket before the environment, before and after the command"""
    with Fake({"ping": {"daemon": DAEMON}}) as fake:
        same(ctl(None, "--socket", fake.socket, "ping")[0], 0)
        same(ctl(None, "ping", "-s", fake.socket)[0], 0)


def json_as_it_came():
    """--json hands the result on, newer members and all, on one line"""
    result = {**status([domain("w\u00e4\"\n")]), "new": [1.50, {"x": None}], "big": 2**63 - 1}
    with Fake({"status": result}) as fake:
        got = ctl(fake, "-j", "status")
        same((got[0], got[1].count("\n")), (0, 1))
        same(json.loads(got[1]), {"version": VERSION, **result})


def claim_is_asked_again():
    """a daemon that goes away while a claim waits is asked again, for the same claim"""
    with Fake({"claim": [HangUp, HangUp, {"claim": claim()}]}) as fake:
        same(ctl(fake, "claim", "1G"), (0, UUID + "\n", ""))
        same(len(fake.asked), 3)
        same(len({p["id"] for _, p in fake.asked}), 1)


def full_disks():
    """what cannot be printed is an error"""
    with Fake({"ping": {"daemon": DAEMON}}) as fake, open("/dev/full", "wb") as full:
        done = subprocess.run([CTL, "ping"], env=environment(fake), stdout=full, timeout=LIMIT,
                              stderr=subprocess.PIPE, check=False)
        same(done.returncode, 1)
        inside(b"balloonctl: standard output: No space left", done.stderr)


def help_everywhere():
    """--help and --version, of all and of each command"""
    code, out, err = ctl(None, "--help")
    same((code, err), (0, ""))
    verbs = re.findall(r"^  ([a-z]+) +\S", out, re.M)
    assert verbs
    for verb in verbs:
        for args in ([verb, "--help"], ["--json", verb, "x", "-h"]):
            code, out, err = ctl(None, *args)
            same((code, err), (0, ""))
            assert out.startswith(f"Usage: balloonctl {verb}") and len(out.splitlines()) > 2, out
            assert all(len(line) <= 90 for line in out.splitlines()), out
    for args in (["-V"], ["--version"], ["status", "-V"]):
        code, out, _ = ctl(None, *args)
        same((code, bool(re.fullmatch(r"balloonctl \d+\.\d+\.\d+\n", out))), (0, True))


def completes(line, fake):
    words = json.dumps(line.split(" "))[1:-1].replace(", ", " ")
    script = (f'. "{SOURCE}/cli/balloonctl.bash"; COMP_WORDS=({words}); '
              'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _balloonctl; printf "%s\\n" "${COMPREPLY[@]}"')
    with tempfile.TemporaryDirectory() as bin:
        # However long the machine takes: who presses tab waits for two seconds.
        with open(os.path.join(bin, "timeout"), "w", encoding="ascii") as f:
            f.write('#!/bin/sh\nshift\nexec "$@"\n')
        os.chmod(f.name, 0o755)
        env = environment(fake, PATH=":".join([bin, os.path.dirname(CTL), os.environ["PATH"]]))
        done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, timeout=LIMIT,
                              check=False)
    same(done.stderr, b"")
    return done.stdout.decode().split("\n")[:-1]


def completion():
    """bash completes commands, options, domains and claims"""
    claims = {"claims": [claim()]}
    with Fake({"status": status([domain("web"), domain("my db", domid=2)], [claim(name="web")]),
               "claims": claims}) as fake:
        for line, want in (("balloonctl st", ["status"]), ("balloonctl -j re", ["release", "renew",
                                                                              "rebalance", "resume"]),
                           ("balloonctl claim 1G --no", ["--no-wait", "--node", "--now", "--no-color"]),
                           ("balloonctl explain w", ["web"]), ("balloonctl set ", ["web", "my\\ db"]),
                           ("balloonctl set web --mode m", ["manual"]),
                           ("balloonctl release ", [UUID]), ("balloonctl explain web ", [""]),
                           ("balloonctl run --claim ", [UUID]), ("balloonctl claim --wait 1s --no-w", ["--no-wait"]),
                           ("balloonctl claim --wait ", [""]), ("balloonctl status web m", ["my\\ db"]),
                           ("balloonctl sim set w", ["web"]), ("balloonctl sim d", ["destroy"])):
            if HAS_SIM or "sim" not in line.split():
                same((line, completes(line, fake)), (line, want))
    same(completes("balloonctl explain w", None), [""])
    help_text = ctl(None, "--help")[1]
    same(sorted(completes("balloonctl ", None)), sorted(re.findall(r"^  ([a-z]+) +\S", help_text, re.M)))


CASES = [requests, ids_of_its_own, exit_statuses, errors_stay_on_one_line, bad_arguments,
         names_that_are_no_text, no_daemon, broken_connections, the_socket_option_wins,
         json_as_it_came, claim_is_asked_again, full_disks, help_everywhere, completion]


if __name__ == "__main__":
    main(CASES)
