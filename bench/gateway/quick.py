"""The measures that every gateway goes through: processor time, time to the first token, memory, start."""

import json
import statistics
import subprocess

PIECES = 64


class Load:
    """Runs the load generator."""

    def __init__(self, tool, mock):
        self.tool, self.mock = tool, mock

    def command(self, *arguments):
        return [self.tool, *map(str, arguments)]

    def run(self, gateway, *arguments, key=None, check=True):
        """What the load generator counted. With `check`, one wrong answer ends everything."""
        processes = [flag for process in gateway.processes for flag in ("--process", process)]
        done = subprocess.run(self.command("load", *gateway.flags(key), *processes, *arguments),
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{gateway.name}: {done.stderr}")
        result = json.loads(done.stdout)
        if check and result["wrong"]:
            raise SystemExit(f"{gateway.name}: {result['wrong']} of {result['wrong'] + result['right']} replies were "
                             f"wrong: {result['reasons']}")
        return result

    def first_token(self, gateway, requests):
        """Added milliseconds to the first token: (median, 99th hundredth), asked in turns with the mock itself."""
        arguments = ["load", *gateway.flags(), "--direct", self.mock.url + "/v1/chat/completions", "--stream", "yes",
                     "--pieces", 2, "--requests", requests, "--warm", 10]
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{gateway.name}: {done.stderr}")
        result = json.loads(done.stdout)
        if result["through"]["wrong"] or result["direct"]["wrong"]:
            raise SystemExit(f"{gateway.name}: {result}")
        without, through = result["direct"]["first_ms"], result["through"]["first_ms"]
        return through["p50"] - without["p50"], through["p99"] - without["p99"]


def count(gateway, requests):
    return max(20, int(requests * gateway.share))


def unary(load, gateway):
    """{connections: microseconds of processor time a request}"""
    load.mock.plan()
    costs = {}
    for connections in (1, 8, 64):
        requests = count(gateway, 4000)
        result = load.run(gateway, "--connections", connections, "--requests", requests, "--warm", requests // 4)
        costs[connections] = result["cpu_us"]
    return costs


def streams(load, gateway, gap_ms=0, connections=8, requests=600):
    """Microseconds of processor time a stream of 64 pieces."""
    load.mock.plan(pieces=PIECES, gap_ms=gap_ms)
    requests = count(gateway, requests)
    return load.run(gateway, "--connections", connections, "--requests", requests, "--warm", requests // 4,
                    "--stream", "yes", "--pieces", PIECES)["cpu_us"]


def first_token(load, gateway):
    # The pieces after the first come later, so that the first is not held up by them.
    load.mock.plan(pieces=2, gap_ms=1)
    return load.first_token(gateway, 200 if gateway.share > 0.1 else 40)


def one(load, gateway):
    """One request: what a server does at the first is done then."""
    load.mock.plan()
    load.run(gateway, "--requests", 1)


def measure(load, make):
    """Everything of one gateway. `make` starts it, each time afresh."""
    gateway = make()
    if gateway is None:
        return None
    try:
        print(f"{gateway.name} …", flush=True)
        starts = [gateway.start_s]
        one(load, gateway)
        idle = gateway.rss()
        costs = unary(load, gateway)
        stream, paced = streams(load, gateway), streams(load, gateway, gap_ms=2, connections=32, requests=160)
        median, tail = first_token(load, gateway)
        loaded = gateway.rss()
    finally:
        gateway.stop()
    for _ in range(2 if gateway.start_s < 2 else 0):
        again = make()
        starts.append(again.start_s)
        again.stop()
    return {"unary": costs, "stream64": stream, "stream64_paced": paced, "ttft": median, "ttft_p99": tail,
            "rss_idle": idle, "rss_loaded": loaded, "start": statistics.median(starts)}


def brief(result):
    """The figures under the names of the interface; a request is one of eight connections."""
    return {"cpu_us_unary": round(result["unary"][8], 1), "cpu_us_stream64": round(result["stream64"], 1),
            "ttft_added_ms": round(result["ttft"], 3), "rss_idle_mb": round(result["rss_idle"], 1),
            "start_s": round(result["start"], 3)}


def table(results):
    """All figures, as Markdown."""
    floor = results["floor"]
    lines = ["| | CPU µs a unary request, 1 / 8 / 64 connections | × floor | CPU µs a stream of 64 | × floor | "
             "paced by 2 ms | added to first token, p50 / p99 ms | RSS idle / loaded MB | start s |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for name, one in results.items():
        costs = " / ".join(f"{cost:.1f}" for cost in one["unary"].values())
        lines.append(
            f"| {name} | {costs} | {one['unary'][8] / floor['unary'][8]:.1f} | {one['stream64']:.0f} | "
            f"{one['stream64'] / floor['stream64']:.1f} | {one['stream64_paced']:.0f} | "
            f"{one['ttft']:.3f} / {one['ttft_p99']:.3f} | {one['rss_idle']:.1f} / {one['rss_loaded']:.1f} | "
            f"{one['start']:.3f} |")
    return "\n".join(lines)
