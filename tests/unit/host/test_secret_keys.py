from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.secret_keys import SEAL_FILE_BYTES_MAX, file_key, find_keyring, keyring_key, works
from mpp.host.system import SystemRandom


class Fault(Exception):
    pass


def keyring_module(backend: str, fault: type[Exception] | None = None) -> ModuleType:
    """What the optional module looks like from outside."""
    held: dict[tuple[str, str], str] = {}

    def act(*words: str) -> str | None:
        if fault is not None:
            raise fault("sensitive words")
        if len(words) == 3:
            held[words[0], words[1]] = words[2]
        return held.get((words[0], words[1]))

    found = ModuleType("keyring")
    place = type("Keyring", (), {"__module__": backend})
    found.__dict__.update(get_keyring=place, get_password=act, set_password=act, errors=SimpleNamespace(KeyringError=Fault))
    return found


@pytest.mark.parametrize(
    ("backend", "taken"),
    [
        ("keyring.backends.SecretService", True),
        ("keyring.backends.macOS", True),
        ("keyring.backends.macOS.api", True),
        ("keyring.backends.fail", False),
        ("keyring.backends.null", False),
        ("keyrings.alt.file", False),
    ],
)
def test_only_keyrings_of_operating_systems_are_taken(monkeypatch: pytest.MonkeyPatch, backend: str, taken: bool) -> None:
    monkeypatch.setitem(sys.modules, "keyring", keyring_module(backend))
    found = find_keyring()
    assert (found is not None) is taken
    if found is not None:
        assert works(found, SystemRandom())
        assert found.get("absent") is None
        found.put("a", "AA==")
        assert found.get("a") == "AA=="


def test_without_the_module_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert find_keyring() is None


@pytest.mark.parametrize("fault", [Fault, OSError, RuntimeError, ValueError])
def test_a_keyring_that_fails_does_not_work(monkeypatch: pytest.MonkeyPatch, fault: type[Exception]) -> None:
    monkeypatch.setitem(sys.modules, "keyring", keyring_module("keyring.backends.kwallet", fault))
    found = find_keyring()
    assert found is not None
    assert not works(found, SystemRandom())
    for act in (lambda: found.get("a"), lambda: found.put("a", "b")):
        with pytest.raises(HostFailed) as failure:
            act()
        assert failure.value.code == "host.keyring"
        assert "sensitive" not in str(failure.value)


def test_a_module_without_errors_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    module = keyring_module("keyring.backends.kwallet", OSError)
    module.__dict__["errors"] = SimpleNamespace(KeyringError="none")
    monkeypatch.setitem(sys.modules, "keyring", module)
    found = find_keyring()
    assert found is not None
    assert not works(found, SystemRandom())


@pytest.mark.parametrize("text", [None, "", "AAAA", "!", "A" * 44])
def test_a_keyring_that_holds_no_key(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    with pytest.raises(HostFailed) as failure:
        keyring_key(SimpleNamespace(get=lambda _: text, put=None), "n")
    assert failure.value.code == "host.keyring"


@pytest.mark.parametrize(
    "data", [b"", b"mpp-seal-1 AAAA\n", b"mpp-seal-1 " + b"A" * 43 + b"=", b"mpp-seal-1 " + b"A" * 42 + b"B=\n", b"\xff" * 20, b"x" * (SEAL_FILE_BYTES_MAX + 1)]
)
def test_what_is_no_key_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "k" / "key"
    file_key(str(path), SystemRandom(), create=True)
    path.write_bytes(data)
    for create in (True, False):
        with pytest.raises(Refused) as refusal:
            file_key(str(path), SystemRandom(), create=create)
        assert refusal.value.code == "secret.key"
    assert path.read_bytes() == data


def test_a_key_is_made_once(tmp_path: Path) -> None:
    path = str(tmp_path / "k" / "key")
    first = file_key(path, SystemRandom(), create=True)
    assert len(first) == 32
    assert file_key(path, SystemRandom(), create=True) == file_key(path, SystemRandom(), create=False) == first
