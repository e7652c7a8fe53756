"""Files that refer to each other: the chart's manifests against Kubernetes' schemas, compose.yaml and the
Dockerfile against what is in the repository."""

import pathlib
import re
import sys

import kubernetes_validate
import yaml

DEPLOY = pathlib.Path(__file__).parent.parent
ROOT = DEPLOY.parent
wrong = []


def expect(holds, sentence):
    if not holds:
        wrong.append(sentence)


def manifests(path):
    """Every manifest is what Kubernetes takes, and what it names is there."""
    all_of_them = [one for one in yaml.safe_load_all(pathlib.Path(path).read_text()) if one]
    kinds = {}
    for one in all_of_them:
        kinds.setdefault(one["kind"], []).append(one)
        if one["apiVersion"].startswith("monitoring.coreos.com"):
            continue
        try:
            kubernetes_validate.validate(one, "1.30", strict=True)
        except kubernetes_validate.ValidationError as error:
            wrong.append(f"{path}: {one['kind']}: {'.'.join(map(str, error.path))}: {error.message}")
    (stateful,) = kinds["StatefulSet"]
    names = {one["metadata"]["name"] for one in kinds["Service"]}
    expect(stateful["spec"]["serviceName"] in names, f"{path}: the StatefulSet's Service is not there")
    pod = stateful["spec"]["template"]
    labels = pod["metadata"]["labels"]
    for service in kinds["Service"]:
        expect(service["spec"]["selector"].items() <= labels.items(), f"{path}: a Service selects nothing")
    volumes = {one["name"] for one in pod["spec"]["volumes"]}
    volumes |= {one["metadata"]["name"] for one in stateful["spec"].get("volumeClaimTemplates", [])}
    mounts = {one["name"] for one in pod["spec"]["containers"][0]["volumeMounts"]}
    expect(mounts == volumes, f"{path}: mounted {mounts}, but there are {volumes}")
    for monitor in kinds.get("ServiceMonitor", []):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        chosen = [one for one in kinds["Service"] if wanted <= one["metadata"]["labels"].items()]
        expect(len(chosen) == 1, f"{path}: the ServiceMonitor chooses {len(chosen)} Services")
    print(f"{path}: {', '.join(sorted(kinds))}")


def compose():
    """Every service, volume, secret, file and variable that is named is there."""
    text = (DEPLOY / "compose.yaml").read_text()
    file = yaml.safe_load(text)
    for name, service in file["services"].items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            there = (DEPLOY / source).exists() if source.startswith(".") else source in file["volumes"]
            expect(there, f"compose.yaml: {name} mounts {source}, which is not there")
        for other in service.get("depends_on", []):
            expect(other in file["services"], f"compose.yaml: {name} depends on {other}, which is not there")
        for secret in service.get("secrets", []):
            expect(secret in file["secrets"], f"compose.yaml: {name} wants the secret {secret}")
    given = set(re.findall(r"^(\w+)=", (DEPLOY / "compose/env.example").read_text(), re.M))
    needed = set(re.findall(r"\$\{(\w+):\?", text))
    expect(needed <= given, f"compose/env.example lacks {needed - given}")
    print(f"compose.yaml: {', '.join(file['services'])}")


def dockerfile():
    for line in (DEPLOY / "Dockerfile").read_text().splitlines():
        words = [word for word in line.split() if not word.startswith("--")]
        if words[:1] == ["COPY"] and "--from=" not in line:
            for source in words[1:-1]:
                expect((ROOT / source).exists(), f"Dockerfile: {source} is not there")
    print("Dockerfile: what it copies is there")


for path in sys.argv[1:]:
    manifests(path)
compose()
dockerfile()
print("\n".join(wrong) or "nothing to complain of")
sys.exit(1 if wrong else 0)
