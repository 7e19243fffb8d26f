from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host import secret_store as module
from mpp.host.home import Home
from mpp.host.secret_entry import make_entry
from mpp.host.secret_keys import Keyring
from mpp.host.secret_store import SecretStore, open_secrets

VALUE = "sk-" + "abc" * 9


class Box:
    """A keyring in memory."""

    def __init__(self, *, forgets: bool = False, closed: bool = False) -> None:
        self.held: dict[str, str] = {}
        self.forgets, self.closed = forgets, closed

    def get(self, name: str) -> str | None:
        if self.closed:
            raise HostFailed("host.keyring", "closed", hint="open it")
        return self.held.get(name)

    def put(self, name: str, text: str) -> None:
        if self.closed:
            raise HostFailed("host.keyring", "closed", hint="open it")
        if not self.forgets:
            self.held[name] = text


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(path=str(tmp_path / "home"))


@pytest.fixture
def store(home: Home) -> SecretStore:
    return SecretStore(home.secrets, home.seal)


def again(home: Home, keyring: Callable[[], Keyring | None] = lambda: None) -> SecretStore:
    return SecretStore(home.secrets, home.seal, keyring=keyring)


def put(store: SecretStore, name: str = "TOKEN", text: str = VALUE, *, replace: bool = False, host: str = "", packages: tuple[str, ...] = ()) -> None:
    store.put(make_entry(name, text, created=7, host=host, header="X-Key" if host else "", packages=packages), replace=replace)


def refused(act: Callable[[], object], code: str) -> MppError:
    with pytest.raises(MppError) as refusal:
        act()
    assert refusal.value.code == code
    assert refusal.value.hint
    assert VALUE not in str(refusal.value) + refusal.value.hint
    return refusal.value


def test_an_absent_document_holds_nothing(store: SecretStore, home: Home) -> None:
    assert store.load() == {}
    assert store.key_source == ""
    assert not os.path.exists(home.path)


def test_what_is_put_comes_back(store: SecretStore, home: Home) -> None:
    put(store)
    put(store, "B", "ü\n,[{\0"[:-1], packages=("com.example.a",))
    put(store, "C", "plain", host="api.example.com:8443")
    for found in (store.load(), again(home).load()):
        assert {name: (entry.value, entry.host, entry.packages, entry.created) for name, entry in found.items()} == {
            "TOKEN": (VALUE, "", (), 7),
            "B": ("ü\n,[{", "", ("com.example.a",), 7),
            "C": ("plain", "api.example.com:8443", (), 7),
        }
    assert store.key_source == "file"


def test_neither_file_holds_it_plainly_and_both_are_private(store: SecretStore, home: Home) -> None:
    before = os.umask(0)
    try:
        put(store)
    finally:
        os.umask(before)
    files = [path for path in Path(home.path).rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"secrets.sealed", "secrets.sealed.lock", "secrets.key"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in Path(home.path).rglob("*") if path.is_dir()} == {0o700}
    for path in files:
        assert VALUE.encode() not in path.read_bytes()
        assert b"TOKEN" not in path.read_bytes()


def test_two_writes_of_one_thing_differ(store: SecretStore) -> None:
    put(store)
    first = Path(store.path).read_bytes()
    put(store)
    assert Path(store.path).read_bytes() != first


def test_a_new_value_keeps_the_binding_only_if_it_is_the_same(store: SecretStore) -> None:
    put(store, host="api.example.com")
    put(store, text="new", host="api.example.com")
    assert store.load()["TOKEN"].value == "new"
    for more in ({"host": "b.example.com"}, {}, {"host": "api.example.com", "packages": ("com.example.a",)}):
        refused(lambda more=more: put(store, text="evil", **more), "secret.exists")  # type: ignore[misc]
    assert store.load()["TOKEN"].value == "new"
    put(store, text="other", replace=True)
    assert (store.load()["TOKEN"].value, store.load()["TOKEN"].host) == ("other", "")


def test_remove(store: SecretStore, home: Home) -> None:
    put(store)
    put(store, "B")
    store.remove("TOKEN")
    assert set(store.load()) == set(again(home).load()) == {"B"}
    refused(lambda: store.remove("TOKEN"), "secret.missing")
    store.remove("B")
    assert again(home).load() == {}


def test_a_change_by_another_process_is_seen(store: SecretStore, home: Home) -> None:
    put(store)
    assert set(store.load()) == {"TOKEN"}
    put(again(home), "B")
    assert set(store.load()) == {"TOKEN", "B"}


def test_an_unchanged_document_is_opened_once(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store)
    first = store.load()
    monkeypatch.setattr(store, "_opened", lambda _: pytest.fail("opened again"))
    assert store.load() is first


def test_a_step_that_changes_nothing_writes_nothing(store: SecretStore, home: Home) -> None:
    assert store.change(lambda entries: entries) == {}
    assert not os.path.exists(store.path)
    assert not os.path.exists(home.seal)


def test_writers_do_not_lose_each_others_secrets(home: Home) -> None:
    threads = [threading.Thread(target=put, args=(again(home), f"S{i}")) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(again(home).load()) == 12


def test_the_number_and_the_size_are_bounded(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store)
    monkeypatch.setattr(module, "SECRETS_STORED_MAX", 1)
    refused(lambda: put(store, "B"), "secret.count")
    put(store, text="new")
    monkeypatch.setattr(module, "SECRETS_STORED_MAX", 10)
    monkeypatch.setattr(module, "SEALED_BYTES_MAX", 400)
    refused(lambda: put(store, "B"), "secret.count")
    assert set(store.load()) == {"TOKEN"}


def test_the_largest_store_can_be_read(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values of commas and brackets only: a reader that bounds what it reads by them must not lock the owner out."""
    text = ",[" * 4096
    packages = tuple(f"com.example.p{i}" for i in range(64))
    store.change(lambda _: {f"S{i}": make_entry(f"S{i}", text, created=1, packages=packages) for i in range(1000)})
    assert len(store.load()) == 1000
    refused(lambda: put(store, "MORE"), "secret.count")


# --- the document


def sealed(store: SecretStore) -> dict[str, object]:
    put(store)
    found: dict[str, object] = json.loads(Path(store.path).read_bytes())
    return found


CHANGES: dict[str, dict[str, object]] = {
    "another box": {"box": "AAAA" * 20},
    "an empty box": {"box": ""},
    "a box that is no base64": {"box": "!"},
    "another nonce": {"nonce": "A" * 32},
    "a short nonce": {"nonce": "AAAA"},
    "another name": {"name": "0" * 32},
    "a name that is no name": {"name": "x" * 32},
    "another place of the key": {"key": "nowhere"},
    "another cipher": {"cipher": "none"},
    "another version": {"mpp_sealed": 2},
    "an unknown key": {"more": 1},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_document_is_refused(store: SecretStore, change: dict[str, object]) -> None:
    data = json.dumps({**sealed(store), **change}).encode()
    Path(store.path).write_bytes(data)
    for act in (store.load, lambda: put(store, "B"), lambda: store.remove("TOKEN")):
        refused(act, "secret.sealed")
    assert Path(store.path).read_bytes() == data


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b"x" * 100])
def test_what_is_no_document_is_refused(store: SecretStore, data: bytes) -> None:
    put(store)
    Path(store.path).write_bytes(data)
    refused(store.load, "secret.sealed")


def test_a_document_that_is_too_large_is_refused(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store)
    monkeypatch.setattr(module, "SEALED_BYTES_MAX", 10)
    refused(store.load, "secret.sealed")


def test_an_unsound_entry_inside_is_refused(store: SecretStore) -> None:
    """Sealed with the right key by something else than this program."""
    put(store)
    source, name = store._header()
    entry = make_entry("A", "x", created=0)
    object.__setattr__(entry, "host", "localhost")
    object.__setattr__(entry, "header", "X")
    Path(store.path).write_bytes(store._seal({"A": entry}, source, name))
    refused(store.load, "secret.sealed")


def test_the_document_says_in_vain_that_its_key_is_elsewhere(store: SecretStore, home: Home) -> None:
    document = json.dumps({**sealed(store), "key": "keyring"}).encode()
    Path(store.path).write_bytes(document)
    refused(store.load, "host.keyring")
    box = Box()
    box.held[str(json.loads(document)["name"])] = "A" * 43 + "="
    refused(again(home, lambda: box).load, "secret.sealed")


# --- the key


def test_a_lost_key_is_said_and_not_made_anew(store: SecretStore, home: Home) -> None:
    put(store)
    os.unlink(home.seal)
    fresh = again(home)
    for act in (fresh.load, lambda: put(fresh, "B")):
        refused(act, "secret.key")
    assert not os.path.exists(home.seal)


def test_another_key_does_not_open_it(store: SecretStore, home: Home, tmp_path: Path) -> None:
    put(store)
    other = SecretStore(str(tmp_path / "o" / "secrets"), str(tmp_path / "o" / "key"))
    put(other)
    os.replace(tmp_path / "o" / "key", home.seal)
    refused(again(home).load, "secret.sealed")


def test_a_key_that_is_there_already_is_used(store: SecretStore, home: Home) -> None:
    put(store)
    key = Path(home.seal).read_bytes()
    os.unlink(store.path)
    assert store.load() == {}
    put(store)
    assert Path(home.seal).read_bytes() == key
    assert set(again(home).load()) == {"TOKEN"}


def test_a_keyring_that_works_holds_the_key(home: Home) -> None:
    box = Box()
    store = again(home, lambda: box)
    put(store)
    assert store.key_source == "keyring"
    assert not os.path.exists(home.seal)
    assert again(home, lambda: box).load()["TOKEN"].value == VALUE
    put(store, "B")
    assert set(again(home, lambda: box).load()) == {"TOKEN", "B"}
    refused(again(home).load, "host.keyring")
    box.closed = True
    refused(again(home, lambda: box).load, "host.keyring")
    refused(again(home, Box).load, "host.keyring")


@pytest.mark.parametrize("box", [Box(forgets=True), Box(closed=True)])
def test_a_keyring_that_does_not_work_is_left_alone(home: Home, box: Box) -> None:
    store = again(home, lambda: box)
    put(store)
    assert store.key_source == "file"
    assert again(home).load()["TOKEN"].value == VALUE


def test_a_document_with_a_key_file_asks_no_keyring(store: SecretStore, home: Home) -> None:
    put(store)
    asked = again(home, lambda: pytest.fail("asked"))
    assert set(asked.load()) == {"TOKEN"}
    put(asked, "B")


# --- who may use it


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610])
@pytest.mark.parametrize("what", ["document", "key"])
def test_what_others_may_use_is_refused(store: SecretStore, home: Home, mode: int, what: str) -> None:
    put(store)
    path = store.path if what == "document" else home.seal
    os.chmod(path, mode)
    fresh = again(home)
    for act in (fresh.load, lambda: put(fresh, "B")):
        assert refused(act, "secret.mode").where == path
    os.chmod(path, 0o600)
    assert set(fresh.load()) == {"TOKEN"}


@pytest.mark.parametrize("what", ["document", "key"])
def test_a_folder_that_others_may_write_is_refused(store: SecretStore, home: Home, what: str) -> None:
    put(store)
    folder = home.secrets if what == "document" else os.path.dirname(home.seal)
    os.chmod(folder, 0o770)
    assert refused(again(home).load, "secret.mode").where == folder
    os.chmod(folder, 0o700)
    again(home).load()


@pytest.mark.parametrize("what", ["document", "key"])
@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_what_is_no_file_is_refused(store: SecretStore, home: Home, tmp_path: Path, what: str, kind: str) -> None:
    put(store)
    path = Path(store.path if what == "document" else home.seal)
    path.rename(tmp_path / "aside")
    if kind == "link":
        path.symlink_to(tmp_path / "aside")
    else:
        os.mkfifo(path)
    assert refused(again(home).load, "secret.mode").where == str(path)


def test_another_users_document_is_refused(store: SecretStore, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store)
    us = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: us + 1)
    refused(again(home).load, "secret.mode")


def test_a_known_document_is_judged_again_when_it_opens_to_others(store: SecretStore) -> None:
    put(store)
    store.load()
    os.chmod(store.path, 0o644)
    refused(store.load, "secret.mode")


def test_what_cannot_be_looked_at_is_the_hosts_failure(home: Home) -> None:
    Path(home.path).write_text("")
    refused(again(home).load, "host.file")


def test_a_lock_that_is_a_link_is_not_followed(store: SecretStore, tmp_path: Path) -> None:
    put(store)
    os.unlink(store.path + ".lock")
    os.symlink(tmp_path / "elsewhere", store.path + ".lock")
    refused(lambda: put(store, "B"), "host.file")
    assert not (tmp_path / "elsewhere").exists()


def test_a_document_that_vanishes_while_it_is_read(store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
    put(store)
    monkeypatch.setattr(module, "check_private", lambda _: True)
    os.unlink(store.path)
    refused(store.load, "host.file")


def test_the_homes_store(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_keyring", lambda: None)
    put(open_secrets(home))
    assert set(again(home).load()) == {"TOKEN"}
    with pytest.raises(Refused):
        open_secrets(home).remove("B")
