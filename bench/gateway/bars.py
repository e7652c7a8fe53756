"""The bars that only a governed gateway has: what holds under load, at a limit, and when something dies."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.parse

import gateways
from gateways import BUDGET, COST, PATH, RATE, yizhan

# A thousand streams at once are then no overload; and steps are taken when the processor is busy.
MORE = {"streams": "[queue]\nleast = 1100\nmost = 2048\nwaiting = 2048\n", "reaction": "[degradation]\nenabled = true\n"}


def show(name, figure, bar, met):
    print(f"{name:44} {figure:44} {bar:24} {'met' if met else 'MISSED'}", flush=True)


def begin(load, gateway, *arguments, key=None):
    """Load beside something else; `end` waits for it."""
    return subprocess.Popen(load.command("load", *gateway.flags(key), *arguments), stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def end(child):
    said, wrong = child.communicate()
    if child.returncode != 0:
        raise SystemExit(wrong)
    return json.loads(said)


def strange(result, *refusals):
    """What was answered neither rightly nor with one of these refusals; a right status has no reason."""
    return " ".join(reason for status, reason in result["reasons"].items() if status not in refusals)


def streams(load, gateway):
    """Memory with a thousand open streams."""
    load.mock.plan(hold_after=1)
    idle = gateway.rss()
    holder = subprocess.Popen(load.command("hold", *gateway.flags(), "--stream", "yes", "--streams", 1000),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    held = json.loads(holder.stdout.readline())
    full = gateway.rss()
    holder.communicate()
    if held["held"] < 1000:
        return show("memory at 1,000 open streams", f"only {held['held']} opened: {held['reason']}", "≤ 80 MB", False)
    show("memory at 1,000 open streams", f"{full:.1f} MB (before: {idle:.1f})", "≤ 80 MB", full <= 80)


def leave(gateway, pieces=3):
    """Asks for a stream, leaves it after so many pieces; returns when."""
    address = urllib.parse.urlparse(gateway.url).netloc
    connection = http.client.HTTPConnection(address, timeout=30)
    body = {"model": gateway.model, "stream": True, "messages": [{"role": "user", "content": "Go on."}]}
    connection.request("POST", PATH, json.dumps(body), {"content-type": "application/json", **gateway.headers()})
    answer = connection.getresponse()
    seen = 0
    while seen < pieces:
        seen += answer.readline().startswith(b"data: ")
    left = time.monotonic_ns()
    answer.close()
    connection.close()
    return left


def gone(load, gateway):
    """Client gone: how long until the connection upstream is closed."""
    load.mock.plan(pieces=2000, gap_ms=20)
    delays = []
    for number in range(20):
        left = leave(gateway)
        until = time.monotonic() + 5
        while load.mock.stats()["abandoned"] <= number and time.monotonic() < until:
            pass
        stats = load.mock.stats()
        delays.append((stats["abandoned_ns"] - left) / 1e6 if stats["abandoned"] > number else 5000.0)
    worst = max(delays)
    show("client gone until upstream is closed", f"p50 {yizhan.quantile(delays, 0.5):.2f} ms, worst {worst:.2f} of 20",
         "≤ 100 ms", worst <= 100)


def usage(load, gateway):
    """Client gone: the tokens on record against the pieces that the model server had sent."""
    load.mock.plan(pieces=2000, gap_ms=2)
    for number in range(10):
        leave(gateway, pieces=40 * (number + 1))
        until = time.monotonic() + 5
        while load.mock.stats()["abandoned"] <= number and time.monotonic() < until:
            time.sleep(0.01)
    sent = load.mock.stats()["abandoned_pieces"]
    gateway.stop()
    left = [one["record"] for one in gateway.records() if one["record"].get("outcome") == "cancelled"]
    noted = sum(record["usage"]["completion_tokens"] for record in left)
    off = noted / sent - 1
    show("client gone: tokens on record", f"{noted} of {sent} sent ({100 * off:+.2f} %), {len(left)} calls", "± 1 %",
         abs(off) <= 0.01 and len(left) == 10)


def reaction(load, gateway):
    """The processor becomes busy: how long until the first step of degradation."""
    said = "the step of degradation changed"
    time.sleep(1)
    if gateway.logged(said):
        return show("reaction to 80 % CPU", "the machine is busy already", "≤ 1 s", False)
    load.mock.plan()
    begun = time.monotonic()
    burning = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count())]
    try:
        while not gateway.logged(said) and time.monotonic() < begun + 10:
            time.sleep(0.005)
        delay = time.monotonic() - begun
    finally:
        for one in burning:
            one.kill()
            one.wait()
    show("reaction to 80 % CPU", f"{delay:.2f} s from idle to all cores busy", "≤ 1 s", delay <= 1)


def replicas(load, gateway):
    """Two gateways on one Redis: what both together let through of a rate and of a budget."""
    program = shutil.which("redis-server")
    if not program:
        return show("two replicas on one Redis", "there is no redis-server", "± 2 %", False)
    redis = gateways.Redis(program)
    more = f'[redis]\nurl = "redis://127.0.0.1:{redis.port}/0"\n'
    both = []
    try:
        for name in ("one", "two"):
            both.append(gateways.Yizhan(gateway.binary, load.mock, os.path.join(gateway.folder, name), more))
        load.mock.plan()
        key = gateways.key_of("rate")
        asked = ["--connections", 32, "--rate", RATE, "--requests", 5 * RATE]
        results = [end(child) for child in [begin(load, one, *asked, key=key) for one in both]]
        through, due = sum(result["right"] for result in results), 5 * RATE
        wrong = " ".join(strange(result, "429") for result in results).strip()
        show("two replicas on one Redis: requests/s", f"{through} of {due} ({100 * (through / due - 1):+.2f} %) {wrong}",
             "± 2 %", abs(through / due - 1) <= 0.02 and not wrong)
        load.mock.plan()
        asked = ["--connections", 32, "--requests", 640, "--most-tokens", 64]
        key = gateways.key_of("budget")
        results = [end(child) for child in [begin(load, one, *asked, key=key) for one in both]]
        spent = load.mock.stats()["whole"] * COST
        show("two replicas on one Redis: budget", f"{spent:.5f} of {BUDGET} spent, "
             f"{' and '.join(str(result['right']) for result in results)} answers", "overshoot 0, ≥ 98 %",
             0.98 * BUDGET <= spent <= BUDGET)
    finally:
        for one in both:
            one.stop()
        redis.stop()


def rate(load, gateway):
    """Twice the rate that is allowed, for five seconds: what was let through."""
    load.mock.plan()
    result = load.run(gateway, "--connections", 64, "--rate", 2 * RATE, "--requests", 10 * RATE,
                      key=gateways.key_of("rate"), check=False)
    due = 5 * RATE
    off = result["right"] / due - 1
    show(f"{RATE} requests/s held", f"{result['right']} of {due} ({100 * off:+.2f} %) {strange(result, '429')}", "± 1 %",
         abs(off) <= 0.01 and not strange(result, "429"))


def budget(load, gateway):
    """64 callers on one small budget."""
    load.mock.plan()
    result = load.run(gateway, "--connections", 64, "--requests", 1280, "--most-tokens", 64,
                      key=gateways.key_of("budget"), check=False)
    served = load.mock.stats()["whole"]
    cut = result["statuses"].get("200", 0) - result["right"]
    show("64 callers, one budget", f"{served * COST:.5f} of {BUDGET} spent, {served} answers, {cut} cut off",
         "overshoot 0", 0 < served * COST <= BUDGET)


def neighbours(load, gateway):
    """A quiet tenant's calls alone, and beside one that asks ten times what it may."""
    load.mock.plan(first_ms=20)
    quiet = ["--connections", 32, "--rate", 50, "--requests", 400, "--warm", 20]
    key = gateways.key_of("quiet")
    alone, noise, beside = [], None, []
    # In turns: the machine may be busier at one time than at another.
    for _ in range(2):
        alone.append(load.run(gateway, *quiet, key=key)["whole_ms"])
        noise = begin(load, gateway, "--connections", 256, "--rate", 10 * RATE, "--requests", 100 * RATE,
                      key=gateways.key_of("noisy"))
        beside.append(load.run(gateway, *quiet, key=key)["whole_ms"])
        end(noise)
    before, after = (min(one["p99"] for one in times) for times in (alone, beside))
    show("quiet tenant's p99 beside a noisy one", f"{after:.1f} ms, alone {before:.1f} ({after / before:.2f} ×)", "≤ 1.2 ×",
         after <= 1.2 * before)


def overload(load, gateway):
    """A model server with room for 8 calls of 20 ms; answers within a second count."""
    load.mock.plan(first_ms=20, capacity=8)
    limit = ["--deadline-ms", 1000]
    peak = load.run(gateway, "--connections", 16, "--requests", 1200, "--warm", 100, *limit)
    most = peak["in_time"] / peak["seconds"]
    over = load.run(gateway, "--connections", 1024, "--rate", 3 * most, "--requests", int(15 * most), *limit, check=False)
    good = over["in_time"] / over["seconds"]
    show("goodput at three times the peak", f"{good:.0f}/s of {most:.0f}/s ({100 * good / most:.0f} %) {over['statuses']}",
         "≥ 90 %", good >= 0.9 * most)


def reload(load, gateway):
    """The configuration changes a hundred times under load."""
    load.mock.plan(first_ms=2)
    child = begin(load, gateway, "--connections", 8, "--rate", 300, "--requests", 6000)
    with open(gateway.config, encoding="utf-8") as file:
        text = file.read()
    said = "the changed configuration counts from now on"
    before, done = gateway.logged(said), 0
    for number in range(100):
        with open(gateway.config + ".new", "w", encoding="utf-8") as file:
            file.write(f"{text}\n# {number}\n")
        os.replace(gateway.config + ".new", gateway.config)
        os.kill(gateway.child.pid, signal.SIGHUP)
        until = time.monotonic() + 5
        while gateway.logged(said) - before <= done and time.monotonic() < until:
            time.sleep(0.005)
        done = gateway.logged(said) - before
    enough = child.poll() is None
    result = end(child)
    show("hot reloads under load", f"{done} reloads, {result['wrong']} of {result['right'] + result['wrong']} failed "
         f"{result['reasons'] or ''}", "100, 0 failed", result["wrong"] == 0 and done >= 100 and enough)


def kill(load, gateway):
    """`kill -9` in the midst of load: what was answered is in the log, and the log is whole."""
    load.mock.plan()
    before = gateway.audit("verify")[1]["records"]
    child = begin(load, gateway, "--connections", 32, "--requests", 100_000_000, "--fragile", "yes")
    time.sleep(2)
    os.kill(gateway.child.pid, signal.SIGKILL)
    answered = end(child)["right"]
    status, said = gateway.audit("verify")
    kept = said["records"] - before
    show("kill -9 under load", f"{answered} answered, {kept} recorded, intact: {said['intact']}", "0 lost, intact",
         status == 0 and said["intact"] is True and kept >= answered)


def soak(load, gateway, minutes):
    """Memory over time under replies, streams and streams that are left."""
    until, samples = time.monotonic() + 60 * minutes, []
    while time.monotonic() < until or len(samples) < 8:
        load.mock.plan()
        load.run(gateway, "--connections", 16, "--rate", 300, "--requests", 2400)
        load.run(gateway, "--connections", 16, "--rate", 40, "--requests", 80, "--stream", "yes")
        load.mock.plan(pieces=2000, gap_ms=20)
        leave(gateway)
        samples.append(gateway.rss())
    quarter = len(samples) // 4
    early, late = (sum(part) / quarter for part in (samples[quarter:2 * quarter], samples[-quarter:]))
    show(f"soak, {minutes:g} minutes", f"second quarter {early:.1f} MB, last {late:.1f}, most {max(samples):.1f}",
         "flat (≤ 5 % more)", late <= 1.05 * early)


# In this order; `usage` and `kill` end their gateway.
BARS = {"streams": streams, "gone": gone, "usage": usage, "reaction": reaction, "replicas": replicas, "rate": rate, "budget": budget, "neighbours": neighbours,
        "overload": overload, "reload": reload, "kill": kill}


def measure(load, binary, folder, only, minutes):
    """Each bar on a gateway of its own."""
    unknown = set(only or []) - set(BARS)
    if unknown:
        raise SystemExit(f"there is no bar named {', '.join(unknown)}")
    bars = {name: bar for name, bar in BARS.items() if not only or name in only}
    if minutes:
        bars["soak"] = lambda load, gateway: soak(load, gateway, minutes)
    for name, bar in bars.items():
        gateway = gateways.Yizhan(binary, load.mock, os.path.join(folder, name), MORE.get(name, ""))
        try:
            bar(load, gateway)
        finally:
            gateway.stop()
