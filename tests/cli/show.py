#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""balloonctl against a daemon that is played: what it shows to people."""
import json
import os
import re
import subprocess
import time

from ctl import CTL, GIB, HAS_SIM, UUID, Terminal, claim, ctl, domain, environment, inside, main, same, status
from fake import LIMIT, Fake, Hang, HangUp, Raw, error


def status_for_people():
    """the numbers of status, whatever is missing, new or long"""
    long = "n" * 120
    rows = [domain(long), domain("\u732b\u732b", domid=2, state="stuck", reason="no progress for 9 s"),
            domain("half", target_bytes=None, max_bytes=0), {"domid": 9}, {"name": "alien", "x": []}]
    with Fake({"status": [status(rows, [claim(), claim(state="reclaiming", eta_seconds=12.4,
                                                       expires_in_seconds=None, reason="waits")],
                                 health="degraded", problems=["xenstore is slow"], paused=True),
                          status(), {}]}) as fake:
        code, out, err = ctl(fake, "status")
        same((code, err), (0, ""))
        for part in ("balloond 9.9, sim (simulated 1.0), up 1 h 1 min: degraded, paused",
                     "problem: xenstore is slow", "16 GiB, 4 GiB free, 2 GiB available",
                     long, "\u732b\u732b: no progress for 9 s", UUID, "ends in 10 min", "held in 12 s",
                     f"{UUID}: waits", "alien", "\u2588"):
            inside(part, out)
        assert "why it is so" not in out and "\x1b" not in out, out
        code, out, _ = ctl(fake, "status")
        same(code, 0)
        inside("no domains", out)
        assert "CLAIM" not in out, out
        same(ctl(fake, "status")[0], 0)  # a daemon that knows nothing we know


def nothing_invisible():
    """what is invisible, or turns the direction of writing, reaches no terminal"""
    evil = "a\u202ebew\u2066\u200b\U000e0061\ufeff\x1b[31m\u009bb\u2028c"
    shown = "a?bew????" + "?[31m?b?c"
    rows = [domain(evil, state="stuck", reason=f"since {evil}")]
    claims = [claim(name=evil, state="reclaiming", reason=f"waits for {evil}")]
    with Fake({"status": status(rows, claims, health="degraded", problems=[evil]),
               "claims": {"claims": claims},
               "explain": {"domain": rows[0], "reasons": [evil]},
               "release": error(5, "no-such-claim", evil)}) as fake:
        for args in (("status",), ("claims",), ("explain", "1"), ("release", UUID)):
            _, out, err = ctl(fake, *args)
            inside(shown, out + err)
            bad = set(out + err) & (set(evil) - set("abewc[31m"))
            assert not bad, (args, bad)


def plain_terminals():
    """no UTF-8, no blocks"""
    with Fake({"status": status([domain("web")])}) as fake:
        code, out, _ = ctl(fake, "status", LC_ALL="C")
        same(code, 0)
        assert out.isascii() and "##########.........." in out, out


def narrow_terminals():
    """a table fits its terminal: long names give way"""
    rows = [domain("n" * 120), domain("short", domid=2)]
    with Fake({"status": status(rows)}) as fake:
        t = Terminal(fake, "status", columns=72)
        same(t.end(), 0)
        table = [line.rstrip("\r") for line in t.text.split("\n")]
        table = [line for line in table if re.match(r" *(ID|\d+) ", line)]
        same(len(table), 3)
        assert all(len(line) <= 72 for line in table), table


def colours():
    """colours on a terminal alone, and not when they are not wanted"""
    with Fake({"status": status([domain("web", state="stuck")])}) as fake:
        for args, env, want in (((), {}, True), (("--no-color",), {}, False),
                                ((), {"NO_COLOR": "1"}, False), ((), {"NO_COLOR": ""}, True),
                                ((), {"TERM": "dumb"}, False)):
            t = Terminal(fake, "status", *args, **env)
            same(t.end(), 0)
            same((args, env, "\x1b[" in t.text), (args, env, want))


def watch():
    """--watch shows it again and again, --json a line each"""
    with Fake({"status": [status([domain("one")]), status([domain("two")]), HangUp]}) as fake:
        t = Terminal(fake, "status", "--watch=100ms")
        same(t.end(), 6)
        same(t.text.count("\x1b[H\x1b[2J"), 2)
        assert t.text.index("one") < t.text.index("two")
    with Fake({"status": [status(), status(), HangUp]}) as fake:
        code, out, _ = ctl(fake, "status", "--watch=100ms", "--json")
        same((code, len(out.splitlines())), (6, 3))
        same([("daemon" in json.loads(line)) for line in out.splitlines()], [True, True, False])


def claim_prints_its_id():
    """claim prints the id alone; what it became is told on stderr"""
    with Fake({"claim": [{"claim": claim()}, {"claim": claim(size_bytes=GIB // 2)}]}) as fake:
        same(ctl(fake, "claim", "1G"), (0, UUID + "\n", ""))
        same(ctl(fake, "claim", "1G", "--min", "256M"),
             (0, UUID + "\n", "balloonctl: claim: 512 MiB of the 1G asked for\n"))
        same(ctl(fake, "-q", "claim", "1G", "--min", "256M"), (0, UUID + "\n", ""))


def claim_shows_progress():
    """on a terminal claim shows how far it is and the time left, then takes that away"""
    waiting = {"claims": [claim(state="reclaiming", eta_seconds=75, reason="waits for " + "x" * 200)]}
    with Fake({"claim": Hang, "claims": [error(4, "no-such-claim"), waiting]}) as fake:
        t = Terminal(fake, "claim", "3G", columns=60)
        t.read("making room for 1 GiB, about 1 min 15 s left: waits")
        shown = t.text.split("\r\x1b[K")[-1]
        assert len(shown) < 60, shown
        asked = dict(fake.asked)
        same(asked["claims"]["id"], asked["claim"]["id"])
        os.killpg(t.process.pid, 2)  # Ctrl-C hangs up, and that withdraws the claim
        assert t.end() != 0
        assert fake.gone.wait(LIMIT)
    with Fake({"claim": Hang, "claims": waiting}) as fake:
        t = Terminal(fake, "-q", "claim", "3G")
        while not fake.asked:
            time.sleep(0.01)
        os.killpg(t.process.pid, 2)
        t.end()
        assert "making" not in t.text and len(fake.asked) == 1, (t.text, fake.asked)


def claim_shows_what_is_to_come():
    """what the claim lacks is in the line, and what it lacks no more is not"""
    lacks = {"claims": [claim(state="reclaiming", eta_seconds=75, lacking_bytes=GIB // 2)]}
    with Fake({"claim": Hang, "claims": lacks}) as fake:
        t = Terminal(fake, "claim", "3G")
        t.read("making room for 1 GiB, 512 MiB to come, about 1 min 15 s left: ")
        os.killpg(t.process.pid, 2)
        t.end()


def waiting(eta, ends):
    return {"claims": [claim(state="reclaiming", eta_seconds=eta, wait_ends_in_seconds=ends)]}


def claim_says_that_the_wait_is_too_short():
    """a --wait that the known rates cannot meet is said while it waits, once, with what would do"""
    short = ("balloonctl: claim: at the rate at which guests give, --wait 1 min is too short: "
             "--wait 166s would do\n")
    with Fake({"claim": Hang, "claims": [waiting(None, 59.5), waiting(150, 59), waiting(50, 59),
                                         waiting(95, 5), waiting(95, 5), waiting(99, 4)]}) as fake:
        for args in (["claim", "30G"], ["--json", "claim", "30G"]):
            process = subprocess.Popen([CTL, *args, "--wait", "60s"], env=environment(fake),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, start_new_session=True)
            same(process.stderr.readline().decode(), short if args[0] == "claim" else
                 short.replace("166s", "171s"))
            asked = len(fake.asked)
            while len(fake.asked) < asked + 2:
                time.sleep(0.01)
            os.killpg(process.pid, 2)
            out, err = process.communicate(timeout=LIMIT)
            same((out, err), (b"", b""))
    with Fake({"claim": Hang, "claims": waiting(3000, 5)}) as fake:
        t = Terminal(fake, "claim", "3G", "--wait", "1m")
        t.read("--wait 57m would do\r\n")
        t.read("making room for 1 GiB, about 50 min left")
        os.killpg(t.process.pid, 2)
        t.end()


def claim_that_will_be_in_time():
    """nothing is said of a wait that will do, that is not known, or that nobody limited"""
    with Fake({"claim": Hang, "claims": [waiting(50, 59), waiting(None, 58), waiting(58, 57),
                                         waiting(3000, None), waiting(5, 5)]}) as fake:
        for args in (["--wait", "60s"], ["-q", "--wait", "60s"], []):
            process = subprocess.Popen([CTL, "claim", "3G", *args], env=environment(fake),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, start_new_session=True)
            while len(fake.asked) < (7 if args == ["--wait", "60s"] else 8 + (not args)):
                time.sleep(0.01)
            os.killpg(process.pid, 2)
            same(process.communicate(timeout=LIMIT), (b"", b""))


def plan_for_people():
    """plan says who would move, and ends as the claim would"""
    moves = [{"domid": 1, "name": "web", "uuid": UUID, "current_bytes": 3 * GIB,
              "goal_bytes": 2 * GIB, "change_bytes": -GIB},
             {"domid": 2, "name": "db", "uuid": UUID, "current_bytes": GIB, "goal_bytes": 2 * GIB,
              "change_bytes": GIB}]
    rows = [("now", 0, "would be held at once"), ("reclaim", 0, "once balloons have moved, in about 8 s"),
            ("later", 3, "would be refused now"), ("never", 3, "8 GiB is the most"),
            ("tomorrow", 0, "'tomorrow'")]
    for verdict, want, says in rows:
        with Fake({"plan": {"verdict": verdict, "needed_bytes": GIB, "most_bytes": 8 * GIB,
                            "domains": moves, "reason": "because", "eta_seconds": 8}}) as fake:
            code, out, _ = ctl(fake, "plan", "4G")
            same((verdict, code), (verdict, want))
            for part in (says, "because", "-1 GiB", "+1 GiB", "web"):
                inside(part, out)
            same(ctl(fake, "-j", "plan", "4G")[0], want)
    with Fake({"plan": {"verdict": "reclaim", "needed_bytes": GIB, "most_bytes": 8 * GIB, "domains": [],
                        "reason": "because"}}) as fake:
        inside("would be held once pages have come back", ctl(fake, "plan", "4G")[1])


def explain_for_people():
    """explain prints the daemon's sentences"""
    with Fake({"explain": [{"domain": domain("web"), "limits": {}, "reason": "one",
                            "reasons": ["one", "two", 3]},
                           {"domain": domain("web"), "reason": "alone"}]}) as fake:
        out = ctl(fake, "explain", "web")[1]
        for part in ("web: auto, steady, 2 GiB", "  one\n  two\n", UUID):
            inside(part, out)
        inside("  alone\n", ctl(fake, "explain", "web")[1])


def quiet():
    """-q leaves out what nobody asked for"""
    with Fake({"pause": {"paused": True}, "set": {"domain": domain("w")}, "rebalance": {},
               "renew": {"claim": claim()}, "sim.create": {"domain": domain("w")}}) as fake:
        for line in ("pause", "rebalance", "set w 1G", "renew x --ttl 1s") + ("sim create w 1G",) * HAS_SIM:
            same(ctl(fake, "-q", *line.split()), (0, "", ""))
            assert ctl(fake, *line.split())[1]


def event(**members):
    return json.dumps({"jsonrpc": "2.0", "method": "event", "params": members}).encode() + b"\n"


def monitor():
    """monitor shows events as lines, or JSON as it came, and ends when the daemon does"""
    events = (event(seq=4, time="T1", type="claim.held", id=UUID, name="web", uuid=None, domid=None,
                    size_bytes=GIB, reason="held by domain 5")
              + event(seq=5, time="T2", type="domain.target", domid=1, name="web", uuid=UUID,
                      current_bytes=2 * GIB, target_bytes=GIB, reason="gives")
              + event(seq=6, time="T3", type="daemon.lost", missed=12, new={"x": 1}))
    answer = Raw(b'{"jsonrpc":"2.0","id":ID,"result":{"seq":3}}\n' + events)
    for args, params in (((), {}), (("--since", "0"), {"since": 0})):
        with Fake({"subscribe": answer}) as fake:
            process = subprocess.Popen([CTL, "monitor", *args], env=environment(fake),
                                       stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
            got = [process.stdout.readline().decode() for _ in range(3)]
            process.kill()
            process.wait(LIMIT)
            process.stdout.close()
            same(got, [f"4 T1 claim.held {UUID} for web, 1 GiB: held by domain 5\n",
                       "5 T2 domain.target web, 2 GiB -> 1 GiB: gives\n",
                       "6 T3 daemon.lost missed=12\n"])
            same(fake.asked, [("subscribe", params)])
    with Fake({"subscribe": error(6, "not-permitted")}) as fake:
        same(ctl(fake, "monitor")[0], 7)
    with Fake({"subscribe": HangUp}) as fake:
        same(ctl(fake, "monitor")[0], 6)
    with Fake({"subscribe": answer}) as fake:
        process = subprocess.Popen([CTL, "-j", "monitor"], env=environment(fake),
                                   stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        got = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.kill()
        process.wait(LIMIT)
        process.stdout.close()
        same([e["seq"] for e in got], [4, 5, 6])
        same(got[2]["new"], {"x": 1})


CASES = [status_for_people, nothing_invisible, plain_terminals, narrow_terminals, colours, watch,
         claim_prints_its_id, claim_shows_progress, claim_shows_what_is_to_come,
         claim_says_that_the_wait_is_too_short, claim_that_will_be_in_time, plan_for_people,
         explain_for_people, quiet, monitor]


if __name__ == "__main__":
    main(CASES)
