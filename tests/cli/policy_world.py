"""What the tests of ``mpp policy`` share: a policy, a machine folder, an enrolment. Plain functions: each file makes its fixtures of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.host import fleet
from mpp.host.fleet import System
from mpp.model.events import Event
from mpp.testing.policies import toml
from tests.records import events

STRICT = toml("strict", "deny").decode()
MINE = """
mpp_policy = 1
name = "mine"

[[rules]]
id = "allow-hello"
effect = "allow"
packages = ["com.example.*"]

[[rules]]
id = "ask-large"
effect = "ask"
why = "large amounts are looked at"
tools = ["greet"]
arguments = [{ pointer = "/name", op = "longer_than", value = 20 }]
"""


def write(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


def machine_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine folder of the test's own."""
    folder = tmp_path / "etc-mpp"
    folder.mkdir(mode=0o755)
    monkeypatch.setattr(fleet, "SYSTEM", System(folder=str(folder), owner=os.getuid()))
    return folder


def enrol(system: Path, keys: Path, mode: str = "fleet", more: str = "") -> None:
    (system / "policy-root.json").write_bytes((keys / "publisher.json").read_bytes())
    (system / "config.toml").write_text(f'mode = "{mode}"\npolicy_root = "policy-root.json"\n{more}')
    for path in system.iterdir():
        path.chmod(0o644)


def fingerprint(keys: Path) -> str:
    from mpp.crypto.roots import read_chain

    return read_chain((keys / "publisher.json").read_bytes().removesuffix(b"\n"), where="x").publisher_id


def told(home: Path) -> list[Event]:
    return [event for event in events(home) if event.kind == "policy"]


RULE = '\n[[rules]]\nid = "{id}"\neffect = "{effect}"\n{more}\n'


def rules(*given: tuple[str, str, str]) -> str:
    return 'mpp_policy = 1\nname = "x"\n' + "".join(RULE.format(id=one, effect=effect, more=more) for one, effect, more in given)
