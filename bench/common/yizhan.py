"""What several benchmarks need: processor time of a process and its workers, a server, HTTP, percentiles.

Needs Linux and nothing but Python 3. A worker is a child of the program; each kind (parse, embed, chat) is named in its
command line.
"""

import contextlib
import http.client
import json
import os
import random
import subprocess
import tempfile
import threading
import time
import urllib.parse

TICKS = os.sysconf("SC_CLK_TCK")
ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))


def built():
    """The release binary of this checkout."""
    return os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target")), "release/yizhan")


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None


def seconds_of(stat):
    """User and system time of a line of /proc/…/stat; names may contain spaces."""
    fields = stat[stat.rindex(")") + 2:].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def name_of(stat):
    return stat[stat.index("(") + 1:stat.rindex(")")]


def processor_seconds(process):
    stat = read(f"/proc/{process}/stat")
    return seconds_of(stat) if stat else 0.0


def workers(process):
    """{process number: kind of worker} of the living workers of a program."""
    found = {}
    for task in os.listdir(f"/proc/{process}/task") if os.path.isdir(f"/proc/{process}/task") else []:
        for child in (read(f"/proc/{process}/task/{task}/children") or "").split():
            words = (read(f"/proc/{child}/cmdline") or "").split("\0")
            if len(words) > 2 and words[1] == "worker":
                found[int(child)] = words[2]
    return found


def cpu(process):
    """Processor seconds so far by part: {"main": …, "embed": …}. Kernel ticks: 10 ms fine."""
    parts = {"main": processor_seconds(process)}
    for number, kind in workers(process).items():
        parts[kind] = parts.get(kind, 0.0) + processor_seconds(number)
    return parts


class Watch:
    """Follows a program until it ends, and keeps each thread's and process's last seen processor time.

    What a thread does in its last milliseconds is seen only in its process's total, so a thread that lives shorter than
    a look is counted as `others` of its process.
    """

    def __init__(self, process, every=0.005):
        self.process, self.every = process, every
        self.totals, self.threads, self.kinds = {}, {}, {process: "main"}

    def look(self):
        self.kinds.update(workers(self.process))
        for number in self.kinds:
            stat = read(f"/proc/{number}/stat")
            if not stat:
                continue
            self.totals[number] = max(self.totals.get(number, 0.0), seconds_of(stat))
            try:
                tasks = os.listdir(f"/proc/{number}/task")
            except OSError:
                continue
            for task in tasks:
                stat = read(f"/proc/{number}/task/{task}/stat")
                if stat:
                    self.threads[number, task] = (name_of(stat), seconds_of(stat))

    def follow(self, child):
        while child.poll() is None:
            self.look()
            time.sleep(self.every)

    def table(self):
        """{(kind of process, thread's name): seconds}; `others` makes a process's threads add up to its total."""
        table = {}
        for (number, _), (name, seconds) in self.threads.items():
            key = self.kinds[number], name
            table[key] = table.get(key, 0.0) + seconds
        for number, total in self.totals.items():
            seen = sum(seconds for (owner, _), (_, seconds) in self.threads.items() if owner == number)
            key = self.kinds[number], "others"
            table[key] = table.get(key, 0.0) + max(0.0, total - seen)
        return table


class Server:
    """`yizhan serve` on a free port of this machine, and calls to it over one kept connection a thread."""

    KEY = "yz-bench-" + "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=20))

    def __init__(self, binary, data, *arguments):
        # Measured is what a request costs, not how many a tenant may send.
        self.config = tempfile.NamedTemporaryFile("w", suffix=".toml")
        self.config.write("[limits.tenant]\nrequests_per_second = 1000000\n")
        self.config.flush()
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--data", data, "--config", self.config.name, *arguments]
        environment = {**os.environ, "YIZHAN_BOOTSTRAP_KEY": self.KEY}
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        line = self.child.stdout.readline()
        if not line.startswith("ready http://"):
            raise SystemExit(f"{binary} did not start: {line!r}")
        self.address = urllib.parse.urlparse(line.split()[1]).netloc
        self.local = threading.local()

    @property
    def process(self):
        return self.child.pid

    def send(self, method, path, body=None):
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(self.address, timeout=600)
        headers = {"Authorization": f"Bearer {self.KEY}", "Content-Type": "application/json"}
        self.local.connection.request(method, path, body and json.dumps(body), headers)
        return self.local.connection.getresponse()

    def call(self, method, path, body=None):
        answer = self.send(method, path, body)
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{method} {path}: {answer.status} {text[:400]!r}")
        return json.loads(text)

    def store(self, name):
        """The number of the vector store with that name."""
        stores = self.call("GET", "/v1/vector_stores?limit=100")["data"]
        return next(store["id"] for store in stores if store["name"] == name)

    def stop(self):
        self.child.terminate()
        self.child.wait()


@contextlib.contextmanager
def serving(binary, data, *arguments):
    server = Server(binary, data, *arguments)
    try:
        yield server
    finally:
        server.stop()


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def interval(scores, rounds=2000):
    """(mean, low, high): the 95 % bootstrap interval of a mean, always the same for the same scores."""
    source = random.Random(1)
    size = len(scores)
    means = sorted(sum(source.choices(scores, k=size)) / size for _ in range(rounds))
    return sum(scores) / size, means[int(0.025 * rounds)], means[int(0.975 * rounds)]


def questions(squad):
    """(question, its passage) of a SQuAD-shaped file, in order."""
    pairs = []
    for article in json.load(open(squad, encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            pairs += [(asked["question"], paragraph["context"]) for asked in paragraph["qas"]]
    return pairs
