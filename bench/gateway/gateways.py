"""How each gateway is started in front of the scripted model server: ours with its governance on, the floor, the peers.

A peer that is not installed is left out. Pip peers get a virtual environment in the target folder, which `cargo clean` removes.
"""

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../common"))
import yizhan

PATH = "/v1/chat/completions"
# Of the mock's answers: 120 tokens at 10 and 64 at 30 a million.
COST = 120 * 10e-6 + 64 * 30e-6
# Room for 96 calls.
BUDGET = 0.3
RATE = 200


def call(method, url, body=None, headers=None):
    """(status, text) of one request on a connection of its own."""
    parts = urllib.parse.urlparse(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    text = None if body is None else json.dumps(body)
    connection.request(method, parts.path, text, {"content-type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def family(process):
    """A process and its descendants."""
    found = [process]
    for parent in found:
        for task in os.listdir(f"/proc/{parent}/task") if os.path.isdir(f"/proc/{parent}/task") else []:
            found += map(int, (yizhan.read(f"/proc/{parent}/task/{task}/children") or "").split())
    return found


class Running:
    """A started program that answers at `url`."""

    # Python needs a hundredfold of the time: fewer requests then.
    share = 1.0

    def __init__(self, name, command, model="mock", key=None, url=None, ready=None, environment=None, log=None):
        self.name, self.model, self.key, self.command = name, model, key, command
        begin = time.perf_counter()
        self.log = open(log, "ab") if log else None
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=self.log or subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL if ready else subprocess.PIPE,
                                      env={**os.environ, **(environment or {})}, text=not ready)
        self.url = self.wait_for_path(url, ready) if ready else self.wait_for_line()
        self.start_s = time.perf_counter() - begin

    def wait_for_line(self):
        for line in self.child.stdout:
            if line.startswith("ready http://"):
                return line.split()[1]
        raise SystemExit(f"{self.name} did not start: {' '.join(self.command)}")

    def wait_for_path(self, url, path):
        for _ in range(6000):
            with contextlib.suppress(OSError):
                call("GET", url + path)
                return url
            if self.child.poll() is not None:
                break
            time.sleep(0.02)
        raise SystemExit(f"{self.name} did not start: {' '.join(self.command)}")

    @property
    def processes(self):
        return family(self.child.pid)

    def rss(self):
        """Resident megabytes of all its processes."""
        total = 0
        for process in self.processes:
            status = yizhan.read(f"/proc/{process}/status") or ""
            total += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")), 0)
        return total * 1024 / 1e6

    def headers(self, key=None):
        key = key or self.key
        return {"authorization": f"Bearer {key}"} if key else {}

    def flags(self, key=None):
        """For the load generator."""
        flags = ["--url", self.url + PATH, "--model", self.model]
        for name, value in self.headers(key).items():
            flags += ["--header", f"{name}: {value}"]
        return flags

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.child.kill()
        self.child.wait()
        if self.child.stdout:
            self.child.stdout.close()


class Mock(Running):
    """The scripted model server."""

    def __init__(self, tool):
        super().__init__("mock", [tool, "mock"])

    def plan(self, **plan):
        status, text = call("PUT", self.url + "/control", plan)
        if status != 200:
            raise SystemExit(f"the mock refused {plan}: {text}")

    def stats(self):
        return json.loads(call("GET", self.url + "/stats")[1])


def floor(tool, mock, _folder):
    return Running("floor", [tool, "floor", "--upstream", urllib.parse.urlparse(mock.url).netloc])


NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 10000000;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  upstream mock {{ server {mock}; keepalive 128; keepalive_requests 10000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""


def nginx(_tool, mock, folder, program=None):
    program = program or shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not program:
        return None
    port, config = free_port(), os.path.join(folder, "nginx.conf")
    with open(config, "w") as file:
        file.write(NGINX.format(folder=folder, mock=urllib.parse.urlparse(mock.url).netloc, port=port))
    command = [program, "-c", config, "-p", folder, "-e", f"{folder}/nginx.log"]
    return Running("nginx", command, url=f"http://127.0.0.1:{port}", ready="/stats")


def environment_of(name, *packages):
    """The bin folder of a virtual environment with these packages."""
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(yizhan.ROOT, "target"))
    place = os.path.join(target, "bench-gateway", name)
    if not os.path.exists(os.path.join(place, "bin/pip")):
        print(f"installing {' '.join(packages)} into {place}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        install = [os.path.join(place, "bin/pip"), "install", "--quiet", "--disable-pip-version-check", *packages]
        if subprocess.run(install).returncode != 0:
            shutil.rmtree(place)
            raise SystemExit(f"{name} could not be installed")
    return os.path.join(place, "bin")


def litellm(_tool, mock, folder):
    place = environment_of("litellm", "litellm[proxy]")
    config, port, key = os.path.join(folder, "litellm.yaml"), free_port(), "sk-bench-litellm"
    model = {"model": "openai/mock", "api_base": f"{mock.url}/v1", "api_key": "none"}
    with open(config, "w") as file:
        # YAML reads JSON.
        json.dump({"model_list": [{"model_name": "mock", "litellm_params": model}],
                   "general_settings": {"master_key": key}, "litellm_settings": {"telemetry": False}}, file)
    command = [f"{place}/litellm", "--config", config, "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    environment = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION",
                   "PATH": place + ":" + os.environ["PATH"]}
    running = Running("litellm", command, key=key, url=f"http://127.0.0.1:{port}", ready="/health/liveliness",
                      environment=environment, log=os.path.join(folder, "litellm.log"))
    running.share = 0.02
    return running


TENSORZERO = """
import sys, warnings
warnings.simplefilter("ignore")
import openai, tensorzero
client = tensorzero.patch_openai_client(openai.OpenAI(api_key="none"), config_file=sys.argv[1], async_setup=False)
print("ready " + str(client.base_url).split("/openai/")[0], flush=True)
sys.stdin.close()
import signal
signal.pause()
"""


class TensorZero(Running):
    def flags(self, key=None):
        return ["--url", self.url + "/openai/v1/chat/completions", "--model", "tensorzero::model_name::mock"]


def tensorzero(_tool, mock, folder):
    """The gateway that TensorZero's wheel carries, in a Python process that does nothing else."""
    place = environment_of("tensorzero", "tensorzero", "openai")
    config, program = os.path.join(folder, "tensorzero.toml"), os.path.join(folder, "tensorzero_gateway.py")
    with open(config, "w") as file:
        file.write('[gateway]\nobservability.enabled = false\n[models.mock]\nrouting = ["mock"]\n'
                   f'[models.mock.providers.mock]\ntype = "openai"\nmodel_name = "mock"\napi_base = "{mock.url}/v1"\n'
                   'api_key_location = "none"\n')
    with open(program, "w") as file:
        file.write(TENSORZERO)
    running = TensorZero("tensorzero", [f"{place}/python", program, config], log=os.path.join(folder, "tensorzero.log"))
    running.share = 0.5
    return running


def words(count):
    """Words of three or four Chinese characters that no answer has."""
    return ["".join(chr(0x6000 + (number * 7919 + place * 104729) % 0x800) for place in range(3 + number % 2))
            for number in range(count)]


def key_of(tenant):
    return f"yz-bench-{tenant}-0123456789abcdefghijklmnop"


def tenant(name, **limits):
    own = ", ".join(f"{key} = {value}" for key, value in limits.items())
    digest = hashlib.sha256(key_of(name).encode()).hexdigest()
    return (f'[[tenants]]\nid = "{name}"\nlimits = {{ {own} }}\n'
            f'[[tenants.keys]]\nname = "bench"\nsha256 = "{digest}"\nrole = "application"\n')


# Every kind of limit is on and counted; those of the tenant `bench` are too wide to be met.
CONFIG = """
[chat]
default = "mock"
[[providers]]
name = "bench"
vendor = "openai-compatible"
base_url = "{mock}/v1"
[[providers.models]]
name = "mock"
[limits.tenant]
requests_per_second = 1000000
tokens_per_minute = 100000000000
concurrent_requests = 100000
money_per_day = 1000000
money_per_month = 30000000
[limits.key]
requests_per_second = 1000000
tokens_per_minute = 100000000000
[rules]
packs = ["pii"]
files = ["rules.yaml"]
[prices]
file = "prices.toml"
[audit]
payload = "metadata"
{more}
{tenants}
"""

PRICES = """
currency = "CNY"
[[model]]
name = "mock"
[[model.price]]
version = "bench"
[[model.price.tier]]
input = 10
output = 30
"""

RULES = """
rules:
  - id: words
    match: { words_file: words.txt }
    action: block
    message: "This is not answered here."
"""


class Yizhan(Running):
    """Ours: authentication, limits of every kind, rules both ways, prices, audit."""

    def __init__(self, binary, mock, folder, more=""):
        self.binary, self.folder = binary, folder
        self.data, self.config = os.path.join(folder, "data"), os.path.join(folder, "yizhan.toml")
        os.makedirs(folder, exist_ok=True)
        tenants = [tenant("bench"), tenant("rate", requests_per_second=RATE),
                   tenant("budget", requests_per_second=100000, money_per_day=BUDGET),
                   tenant("quiet", requests_per_second=RATE),
                   tenant("noisy", requests_per_second=RATE)]
        files = {"yizhan.toml": CONFIG.format(mock=mock.url, more=more, tenants="".join(tenants)),
                 "prices.toml": PRICES, "rules.yaml": RULES, "words.txt": "\n".join(words(1000))}
        for name, text in files.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--data", self.data, "--config", self.config,
                   "--log", "warn,yizhan=info"]
        # No model of this machine is to be found.
        environment = {"YIZHAN_CACHE": os.path.join(folder, "cache")}
        super().__init__("yizhan", command, key=key_of("bench"), environment=environment,
                         log=os.path.join(folder, "yizhan.log"))

    def logged(self, text):
        """How many lines of its log have this text."""
        return (yizhan.read(os.path.join(self.folder, "yizhan.log")) or "").count(text)

    def audit(self, *arguments):
        """(exit status, what the last line of `yizhan audit …` says)."""
        command = [self.binary, "--json", "--data", self.data, "--config", self.config, "audit", *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        try:
            return done.returncode, json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError):
            raise SystemExit(f"{' '.join(command)}: {done.returncode} {done.stdout} {done.stderr}")

    def records(self):
        """Every record of its audit log, once it has stopped."""
        command = [self.binary, "--data", self.data, "--config", self.config, "audit", "export"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]


class Redis:
    """A Redis of its own, which keeps nothing; None where there is no program."""

    def __init__(self, program):
        self.port = free_port()
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self.child.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
        raise SystemExit(f"{program} did not start")

    def stop(self):
        self.child.terminate()
        self.child.wait()


def governed(binary):
    """Whether a program is there and knows the configuration."""
    if not os.path.exists(binary):
        return False
    said = subprocess.run([binary, "serve", "--help"], capture_output=True, text=True).stdout
    return "--config" in said
