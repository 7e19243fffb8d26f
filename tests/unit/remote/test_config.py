"""registries.toml: read strictly, written whole, and which registry a package id belongs to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.crypto.ed25519 import SeedSigner
from mpp.errors import Refused
from mpp.ledger.notes import COSIGNATURE, NoteKey
from mpp.remote.config import Config, ConfigFile, Poll, read_config, Registry, with_registry, without_registry, write_config

ID, OTHER = "a" * 64, "b" * 64
PUBLIC = Registry(name="public", url="https://registry.example.com", registry_id=ID)
CORP = Registry(name="corp", url="https://mpp.corp.example", registry_id=OTHER, namespaces=("com.corp.", "com.corp-labs."), private=True)
WITNESS = str(NoteKey(name="witness.example", public=SeedSigner(b"w" * 32).public_key, algorithm=COSIGNATURE))


def both() -> Config:
    return with_registry(with_registry(Config(registries={}), PUBLIC, default=False), CORP, default=False)


def test_what_is_written_is_read_again() -> None:
    full = Registry(
        name="full", url="http://127.0.0.1:8765", registry_id="c" * 64, namespaces=("org.example.",), mirrors=("https://m.example",), min_age=0, max_age=600,
        trust="namespaces", witnesses=(WITNESS,), quorum=1,
    )  # fmt: skip
    config = Config(default="public", registries={**both().registries, "full": full}, poll=Poll(seconds=7, max_staleness=3600, on_yank="note"))
    found = read_config(write_config(config, where="x"), where="x")
    assert found == config
    assert found.named("full").keys[0].name == "witness.example"


def test_the_first_one_is_the_usual_one_until_another_is() -> None:
    assert both().usual is PUBLIC
    assert with_registry(both(), CORP, default=True).usual is CORP
    gone = without_registry(both(), "public")
    with pytest.raises(Refused, match="has no registry"):
        gone.usual  # noqa: B018 - it raises


def test_a_private_name_space_is_looked_up_in_one_place() -> None:
    config = both()
    assert config.for_package("com.corp.tool") is CORP
    assert config.for_package("com.corp.tool", "corp") is CORP
    # A name that only begins with the same letters is another one.
    assert config.for_package("com.corporate.tool") is PUBLIC
    assert config.for_package("org.example.tool") is PUBLIC
    with pytest.raises(Refused) as caught:
        config.for_package("com.corp.tool", "public")
    assert caught.value.code == "registry.elsewhere"


def test_the_longest_name_space_decides() -> None:
    labs = Registry(name="labs", url="https://labs.example", registry_id="d" * 64, namespaces=("com.corp.labs.",))
    config = with_registry(both(), labs, default=False)
    assert config.for_package("com.corp.labs.tool") is labs
    assert config.for_package("com.corp.tool") is CORP


def test_the_time_to_wait_is_for_strangers() -> None:
    assert PUBLIC.cooldown == 72 * 3600
    assert CORP.cooldown == 0
    assert Registry(name="here", url="http://localhost:1", registry_id=ID).cooldown == 0
    assert Registry(name="here", url="http://localhost:1", registry_id=ID, min_age=5).cooldown == 5


def test_a_name_is_not_given_to_another_registry() -> None:
    for one in (Registry(name="public", url="https://evil.example", registry_id=OTHER), Registry(name="twice", url="https://x.example", registry_id=ID)):
        with pytest.raises(Refused) as caught:
            with_registry(both(), one, default=False)
        assert caught.value.code == "registry.identity"
    moved = with_registry(both(), Registry(name="public", url="https://new.example", registry_id=ID), default=False)
    assert moved.named("public").url == "https://new.example"


def test_a_registry_is_named_by_its_name_or_address() -> None:
    assert both().named("https://mpp.corp.example/") is CORP
    assert both().by_id(OTHER) is CORP
    assert both().by_id("0" * 64) is None
    with pytest.raises(Refused) as caught:
        both().named("nobody\x1b[2J")
    assert caught.value.code == "registry.unknown"
    assert "\x1b" not in str(caught.value)


GOOD = '[registries.a]\nurl = "https://a.example"\nregistry_id = "' + ID + '"\n'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mpp_registries = 2", "registry.range"),
        ("mpp_registries = 1\nmore = 1", "registry.unknown_key"),
        ("not toml", "registry.json"),
        ("mpp_registries = 1\ndefault = 'b'\n" + GOOD, "registry.form"),
        ("mpp_registries = 1\n[registries.A]\nurl = 'https://a.example'", "registry.form"),
        ("mpp_registries = 1\n" + GOOD.replace("https", "http"), "registry.form"),
        ("mpp_registries = 1\n" + GOOD.replace(ID, "a" * 63), "registry.form"),
        ("mpp_registries = 1\n" + GOOD + "namespaces = ['com.corp']", "registry.form"),
        ("mpp_registries = 1\n" + GOOD + "trust = 'always'", "registry.choice"),
        ("mpp_registries = 1\n" + GOOD + "max_age = 1", "registry.range"),
        ("mpp_registries = 1\n" + GOOD + "quorum = 1", "registry.range"),
        ("mpp_registries = 1\n" + GOOD + "witnesses = ['x']", "registry.form"),
        ("mpp_registries = 1\n" + GOOD + "namespaces = ['com.c.']\n" + GOOD.replace("registries.a", "registries.b") + "namespaces = ['com.c.']", "registry.duplicate"),
        ("mpp_registries = 1\n[poll]\nseconds = 0", "registry.range"),
        ("mpp_registries = 1\n[poll]\non_yank = 'x'", "registry.choice"),
        ("mpp_registries = 1\n" + "".join(GOOD.replace("registries.a", f"registries.a{i}") for i in range(51)), "registry.length"),
    ],
)  # fmt: skip
def test_what_is_not_sound_is_refused(text: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read_config(text.encode(), where="registries.toml")
    assert code in {one.code for one in caught.value.faults}


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Refused, match="no TOML"):
        read_config(b"\xff", where="x")


def test_a_file_that_others_may_write_is_not_believed(tmp_path: Path) -> None:
    file = ConfigFile(str(tmp_path / "home" / "registries.toml"))
    assert file.load().registries == {}
    file.change(lambda config: with_registry(config, PUBLIC, default=False))
    assert file.load().usual == PUBLIC
    assert os.stat(file.path).st_mode & 0o777 == 0o600
    os.chmod(file.path, 0o666)
    with pytest.raises(Refused) as caught:
        file.load()
    assert caught.value.code == "registry.config"
    os.rename(file.path, file.path + ".x")
    os.symlink(file.path + ".x", file.path)
    with pytest.raises(Refused):
        file.load()
