"""Expressions that a policy brings for the filter are judged before the policy is in force: by check, use, sign and pull."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.patterns import judging
from mpp.host.policy_patterns import admit_patterns
from mpp.host.policy_pull import Fetched, Puller
from mpp.stages.policy import read_policy
from mpp.testing.packages import NOW
from mpp.testing.policies import body, bundle, PolicyMachine
from tests.cli.conftest import Mpp
from tests.cli.policy_world import write

GENERAL = """
mpp_policy = 1
name = "mine"

[[privacy.patterns]]
id = "any_word"
regex = "[a-z]{3}"
"""
SOUND = GENERAL.replace("[a-z]{3}", "EMP-[0-9]{6}").replace("any_word", "employee")


def test_check_says_what_no_host_would_take(mpp: Mpp) -> None:
    found = mpp("policy", "check", write("general.toml", GENERAL), write("sound.toml", SOUND), "--json")
    assert found.code != 0
    general, sound = found.json["files"]
    assert (general["ok"], general["error"]["code"], sound["ok"]) == (False, "privacy.pattern", True)
    assert "privacy/patterns/0/regex" in str(general["error"])


def test_what_is_not_let_in_is_never_in_force(mpp: Mpp) -> None:
    found = mpp("policy", "use", write("general.toml", GENERAL), "--yes")
    assert "privacy/patterns/0/regex" in found.err
    assert "[privacy.pattern]" in found.err
    assert '"mine"' not in mpp("policy", "show", "--json").out
    assert mpp("policy", "use", write("sound.toml", SOUND), "--yes").code == 0


def test_it_is_not_signed_for_a_fleet(mpp: Mpp, keys: Path) -> None:
    found = mpp("policy", "sign", write("general.toml", GENERAL))
    assert "[privacy.pattern]" in found.err
    assert not Path("mine-bundle.json").exists()


def test_a_bundle_that_another_signed_with_it_is_not_taken_and_the_one_before_stays(tmp_path: Path) -> None:
    machine = PolicyMachine(str(tmp_path / "machine"))
    puller = Puller(machine.store.bundle_paths, machine.store.memory, system=machine.system, admit=partial(admit_patterns, home=machine.home))

    def fetched(text: str, version: int) -> Fetched:
        of = replace(body(version, layer="user"), policy=read_policy(tomllib.loads(text), "p"))
        return Fetched(source="somewhere", data=bundle(machine.org, of), layer="user", chain=machine.org.chain)

    puller.install(fetched(SOUND, 1), NOW, enrol=machine.org.chain)
    before = Path(machine.store.bundle_paths["user"]).read_bytes()
    with pytest.raises(Refused) as caught:
        puller.install(fetched(GENERAL, 2), NOW)
    assert caught.value.code == "privacy.pattern"
    assert Path(machine.store.bundle_paths["user"]).read_bytes() == before
    # It was not remembered as seen either: a mended bundle of the same version is taken.
    assert puller.install(fetched(SOUND, 2), NOW).bundle.body.version == 2


def test_where_this_machine_cannot_judge_check_says_so_and_use_refuses(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> None:
        raise HostFailed("host.patterns", "there is no jail here")

    monkeypatch.setattr(judging, "admit", absent)
    checked = mpp("policy", "check", write("sound.toml", SOUND))
    assert checked.code == 0
    assert "were not judged here" in checked.out + checked.err
    assert mpp("policy", "use", "sound.toml", "--yes").code != 0
