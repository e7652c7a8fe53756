"""Asks a running Prometheus every expression of the rules and of the dashboard: each must have an answer.

The load is that of crates/telemetry/examples/serve.rs, so some numbers are known.
"""

import json
import math
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

DEPLOY = pathlib.Path(__file__).parent.parent
API = sys.argv[1] + "/api/v1/"
# What the load keeps quiet about.
QUIET = {"YizhanDown", "YizhanFilesShort"}
# Grafana fills these in.
VARIABLES = {"$__rate_interval": "1m", "$tenant": ".*", "$model": ".*"}


def get(path, **parameters):
    url = API + path + "?" + urllib.parse.urlencode(parameters)
    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return json.load(reply)["data"]
    except urllib.error.HTTPError as error:
        sys.exit(f"{parameters}: {error.read().decode()}")


def query(expression):
    found = get("query", query=expression)
    if found["resultType"] == "scalar":
        return [float(found["result"][1])]
    return [float(series["value"][1]) for series in found["result"]]


def wait_for_scrapes(count):
    """Until the target was scraped so often, and the recording rules have run on it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            # The second, as the rules of the group run on their own clock.
            if query("count_over_time(up[5m])") >= [count] and query("yizhan:error_ratio:rate5m"):
                return
        except urllib.error.URLError:
            pass
        time.sleep(0.5)
    sys.exit("Prometheus did not scrape the load in a minute: " + json.dumps(get("targets"))[:2000])


def expressions():
    rules = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield rule.get("record") or rule["alert"], rule["expr"]
    board = json.loads((DEPLOY / "grafana/dashboards/yizhan.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            yield "dashboard: " + panel["title"], expression


def main():
    wait_for_scrapes(5)
    wrong, count = [], 0
    for name, expression in expressions():
        count += 1
        values = query(expression)
        if not values and name not in QUIET:
            wrong.append(f"{name}: no answer to {expression}")
        if any(math.isnan(value) for value in values):
            wrong.append(f"{name}: not a number: {expression}")
        if values and name in QUIET:
            wrong.append(f"{name} warns without a cause")
    # One call in ten fails, one is refused, one falls back, one is asked of the embedding model.
    for name, expression, least, most in [
        ("failed calls", "sum(rate(yizhan_requests_total{outcome='failed'}[1m])) / sum(rate(yizhan_requests_total[1m]))", 0.099, 0.101),
        ("fallbacks", "sum(rate(yizhan_fallbacks_total[1m])) / sum(rate(yizhan_requests_total[1m]))", 0.099, 0.101),
        ("a call's money", "sum(yizhan_charge_total) / sum(yizhan_requests_total)", 0.00136999, 0.00137001),
        ("first token, p99", "histogram_quantile(0.99, sum by (le) (rate(yizhan_first_token_seconds_bucket[1m])))", 10, 20),
        ("series of the scrape", "scrape_samples_scraped", 100, 2000),
    ]:
        values = query(expression)
        if len(values) != 1 or not least <= values[0] <= most:
            wrong.append(f"{name}: {values} is not between {least} and {most}")
    firing = {alert["labels"]["alertname"] for alert in get("alerts")["alerts"]}
    if "YizhanBreakerOpen" not in firing:
        wrong.append(f"the open breaker raises no alert, only {sorted(firing)}")
    print("\n".join(wrong) or f"{count} expressions have answers; alerts raised: {', '.join(sorted(firing))}")
    sys.exit(1 if wrong else 0)


main()
