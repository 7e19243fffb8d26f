"""T42, secrets: a package that wants what was not given to it, a planted or copied store, and ways for a value to slip out."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import traceback
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.cli.app import run
from mpp.errors import MppError
from mpp.host.home import Home
from mpp.host.secret_entry import SecretEntry, make_entry
from mpp.host.secret_store import SecretStore
from mpp.host.services.secrets import resolve_env, resolve_secrets
from mpp.model.capabilities import Secret

VALUE = "sk-" + "live" + "0123456789" * 2
ID = "com.example.crm"
HOST, HEADER = "api.example.com", "Authorization"


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.chdir(tmp_path)
    return Home(path=str(tmp_path / "home"))


def opened(at: Home) -> SecretStore:
    return SecretStore(at.secrets, at.seal)


@pytest.fixture
def store(at: Home) -> SecretStore:
    """One secret for a host and a package, one variable for a package."""
    found = opened(at)
    found.put(make_entry("CRM", VALUE, created=1, host=HOST, header=HEADER, packages=(ID,)), replace=False)
    found.put(make_entry("REGION", VALUE, created=1, packages=(ID,)), replace=False)
    return found


def wants(name: str = "CRM", host: str = HOST, header: str = HEADER, form: str = "{secret}") -> tuple[Secret, ...]:
    return (Secret(name=name, host=host, header=header, format=form),)


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(MppError) as failure:
        act()
    words = "".join(traceback.format_exception(failure.value))
    assert VALUE not in words
    return failure.value.code


# --- a package that wants more

GREEDY: dict[str, tuple[Callable[[SecretStore], object], str]] = {
    "the secret as a variable": (lambda store: resolve_env(("CRM",), ID, store, {}), "secret.binding"),
    "the variable as a secret": (lambda store: resolve_secrets(wants("REGION"), ID, store, {}), "secret.binding"),
    "to its own host": (lambda store: resolve_secrets(wants(host="evil.example.net"), ID, store, {}), "secret.binding"),
    "to a host above": (lambda store: resolve_secrets(wants(host="example.com"), ID, store, {}), "secret.binding"),
    "to a host below": (lambda store: resolve_secrets(wants(host="x.api.example.com"), ID, store, {}), "secret.binding"),
    "to another port": (lambda store: resolve_secrets(wants(host=HOST + ":8443"), ID, store, {}), "secret.binding"),
    "in a header that is echoed": (lambda store: resolve_secrets(wants(header="X-Request-Id"), ID, store, {}), "secret.binding"),
    "as another package": (lambda store: resolve_secrets(wants(), "com.example.crn", store, {}), "secret.package"),
    "as a package below": (lambda store: resolve_secrets(wants(), ID + ".x", store, {}), "secret.package"),
    "a variable as another package": (lambda store: resolve_env(("REGION",), "com.example", store, {}), "secret.package"),
    "a name in another case": (lambda store: resolve_env(("region",), ID, store, {}), "secret.missing"),
    "a variable of the host itself": (lambda store: resolve_env(("AWS_KEY",), ID, store, {"AWS_KEY": VALUE}), "secret.missing"),
    "one of its own and one of another's": (lambda store: resolve_secrets((*wants(), *wants("REGION")), ID, store, {}), "secret.binding"),
}


@pytest.mark.parametrize(("act", "code"), GREEDY.values(), ids=GREEDY.keys())
def test_a_package_gets_only_what_its_owner_bound(store: SecretStore, act: Callable[[SecretStore], object], code: str) -> None:
    assert code_of(lambda: act(store)) == code


def test_what_was_bound_is_given(store: SecretStore) -> None:
    assert resolve_env(("REGION",), ID, store, {}) == (("REGION", VALUE),)
    assert resolve_secrets(wants(header="authorization"), ID, store, {})[0].value == VALUE


# --- ways out


def test_no_text_of_a_value_shows_it(store: SecretStore) -> None:
    carried = resolve_secrets(wants(), ID, store, {})
    for one in (*carried, carried, store.load(), store, *store.load().values()):
        assert VALUE not in f"{one} {one!r} {[one]}"


def test_no_answer_of_the_command_line_shows_it(store: SecretStore, capfd: pytest.CaptureFixture[str]) -> None:
    calls = [
        ["list"], ["list", "--json"], ["set", "CRM", VALUE], ["set", f"CRM={VALUE}"], ["set", "CRM", "--host", "b.example.com", "--header", "X", "--command", "true"],
        ["set", "CRM", "--stdin", "--file", "x"], ["rm", "CRM", "--json"],
    ]  # fmt: skip
    for words in calls:
        run(["secret", *words])
    shown = "".join(capfd.readouterr())
    assert "CRM" in shown
    assert VALUE not in shown
    assert b64encode(VALUE.encode()).decode() not in shown


def test_a_command_that_fails_leaks_through_no_way(store: SecretStore, capfd: pytest.CaptureFixture[str]) -> None:
    for code in (
        f"import sys; sys.exit({VALUE!r})",
        f"print({VALUE!r} * 1000)",
        f"import sys; sys.stdout.buffer.write({VALUE!r}.encode() + b'\\xff')",
        f"print({VALUE!r} + chr(0))",
    ):
        words = subprocess.list2cmdline([sys.executable, "-I", "-S", "-c"])
        store.put(make_entry("CRM", f'{words} "{code}"', created=1, kind="command", host=HOST, header=HEADER), replace=True)
        assert code_of(lambda: resolve_secrets(wants(), ID, store, {})) == "host.secret"
    assert VALUE not in "".join(capfd.readouterr())


def test_a_command_is_no_shell_and_is_not_looked_for_again(store: SecretStore, tmp_path: Path, at: Home) -> None:
    """A program of that name in the current folder, and a path that was changed since."""
    (tmp_path / "echo").write_text("#!/bin/sh\nprintf planted\n")
    (tmp_path / "echo").chmod(0o755)
    assert run(["secret", "set", "SHOWN", "--command", "echo '$HOME;' `id` | cat"]) == 0
    assert resolve_env(("SHOWN",), ID, opened(at), {"PATH": str(tmp_path), "HOME": "/h"}) == (("SHOWN", "$HOME; `id` | cat"),)


# --- the files


def test_a_copy_of_the_document_says_nothing(store: SecretStore, at: Home, tmp_path: Path) -> None:
    shutil.copytree(at.secrets, tmp_path / "copy" / "secrets")
    data = (tmp_path / "copy" / "secrets" / "secrets.sealed").read_bytes()
    for text in (VALUE, b64encode(VALUE.encode()).decode(), "CRM", HOST, HEADER, ID):
        assert text.encode() not in data
    assert code_of(SecretStore(str(tmp_path / "copy" / "secrets"), str(tmp_path / "copy" / "seal" / "secrets.key")).load) == "secret.key"


def test_a_planted_document_is_refused(store: SecretStore, at: Home, tmp_path: Path) -> None:
    """Attack: a document that binds the owner's names to a host of the attacker, sealed with the attacker's key."""
    theirs = SecretStore(str(tmp_path / "theirs" / "secrets"), str(tmp_path / "theirs" / "key"))
    theirs.put(make_entry("CRM", "known", created=1, host="evil.example.net", header=HEADER), replace=False)
    shutil.copyfile(theirs.path, store.path)
    for act in (opened(at).load, store.load, lambda: store.remove("CRM")):
        assert code_of(act) == "secret.sealed"


@pytest.mark.parametrize("place", [0, 40, -40, -1])
def test_a_flipped_bit_is_seen(store: SecretStore, at: Home, place: int) -> None:
    data = bytearray(Path(store.path).read_bytes())
    data[place] ^= 1
    Path(store.path).write_bytes(data)
    assert code_of(opened(at).load) == "secret.sealed"


def test_other_users_of_the_machine_are_kept_out(store: SecretStore, at: Home) -> None:
    for path in (store.path, at.seal):
        os.chmod(path, 0o644)
        assert code_of(opened(at).load) == "secret.mode"
        assert code_of(lambda: opened(at).put(make_entry("B", "x", created=1), replace=False)) == "secret.mode"
        os.chmod(path, 0o600)
    for folder in (at.secrets, os.path.dirname(at.seal)):
        os.chmod(folder, 0o777)
        assert code_of(opened(at).load) == "secret.mode"
        os.chmod(folder, 0o700)
    assert len(opened(at).load()) == 2


@pytest.mark.parametrize("step", ["os.fsync", "os.replace", "files.sync_folder", "bindings.crypto_aead_xchacha20poly1305_ietf_encrypt"])
def test_killed_while_it_writes(store: SecretStore, at: Home, step: str) -> None:
    """The old document or the new one, never half; and the next write goes through."""
    code = f"""
import os, signal, sys
from mpp import files
from mpp.host.secret_entry import make_entry
from mpp.host.secret_store import SecretStore, bindings
{step} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
SecretStore({at.secrets!r}, {at.seal!r}).put(make_entry("NEW", "x", created=1), replace=False)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    after = opened(at).load()
    assert set(after) in ({"CRM", "REGION"}, {"CRM", "REGION", "NEW"})
    assert after["CRM"].value == VALUE
    opened(at).put(make_entry("NEXT", "x", created=1), replace=False)
    assert "NEXT" in opened(at).load()


def test_an_entry_that_is_copied_still_hides_its_value() -> None:
    entry: SecretEntry = make_entry("CRM", VALUE, created=1)
    again = pickle.loads(pickle.dumps(entry))
    assert again.value == VALUE
    assert VALUE not in repr(again)
