from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.secret_entry import SECRET_BYTES_MAX, make_entry
from mpp.host.secret_store import SecretStore
from mpp.host.services import secrets as module
from mpp.host.services.secrets import resolve_env, resolve_secrets, run_command
from mpp.model.capabilities import Secret

VALUE = "sk-" + "abc" * 9
ID = "com.example.crm"
WANTED = Secret(name="TOKEN", host="api.example.com", header="Authorization", format="Bearer {secret}")


@pytest.fixture(autouse=True)
def ample(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine an interpreter alone takes seconds to start."""
    monkeypatch.setattr(module, "COMMAND_SECONDS_MAX", 120)


@pytest.fixture
def store(tmp_path: Path) -> SecretStore:
    return SecretStore(str(tmp_path / "secrets"), str(tmp_path / "seal" / "key"))


def put(store: SecretStore, name: str = "TOKEN", text: str = VALUE, **more: object) -> None:
    store.put(make_entry(name, text, created=1, **more), replace=True)  # type: ignore[arg-type]


def bind(store: SecretStore, **more: object) -> None:
    put(store, **{"host": "api.example.com", "header": "authorization", **more})


def refused(act: Callable[[], object], *codes: str) -> MppError:
    with pytest.raises(Refused) as refusal:
        act()
    assert tuple(fault.code for fault in refusal.value.faults) == codes
    for fault in refusal.value.faults:
        assert "mpp secret set " in fault.hint
        assert VALUE not in fault.message + fault.hint + fault.where
    return refusal.value


def test_nothing_asked_is_nothing_read(tmp_path: Path) -> None:
    Path(tmp_path / "secrets").write_text("not even a folder")
    store = SecretStore(str(tmp_path / "secrets"), str(tmp_path / "key"))
    assert resolve_env((), ID, store, {}) == ()
    assert resolve_secrets((), ID, store, {}) == ()


def test_variables_come_in_the_order_asked(store: SecretStore) -> None:
    put(store, "B", "two\nlines\n")
    put(store, "A", "1")
    put(store, "NOT_ASKED", "x")
    assert resolve_env(("B", "A"), ID, store, {}) == (("B", "two\nlines\n"), ("A", "1"))


def test_the_surroundings_give_no_value(store: SecretStore) -> None:
    refused(lambda: resolve_env(("HOME_REGION",), ID, store, {"HOME_REGION": "leak"}), "secret.missing")


def test_all_that_is_missing_is_named_with_its_command(store: SecretStore) -> None:
    put(store, "B", "1")
    bind(store, name="BOUND")
    put(store, "KEPT", "1", packages=("com.example.other",))
    fault = refused(
        lambda: resolve_env(("A", "B", "C", "BOUND", "KEPT"), ID, store, {}), "secret.missing", "secret.missing", "secret.binding", "secret.package"
    )
    assert [one.where for one in fault.faults] == ["A", "C", "BOUND", "KEPT"]
    assert [one.hint.partition("run: ")[2] for one in fault.faults] == [
        "mpp secret set A",
        "mpp secret set C",
        "mpp secret set BOUND --replace",
        f"mpp secret set KEPT --package com.example.other --package {ID} --replace",
    ]
    other = Secret(name="OTHER", host="b.example.com:8443", header="X-Key", format="{secret}")
    fault = refused(lambda: resolve_secrets((WANTED, other), ID, store, {}), "secret.missing", "secret.missing")
    assert fault.faults[0].hint.endswith("mpp secret set TOKEN --host api.example.com --header Authorization")
    assert fault.faults[1].hint.endswith("mpp secret set OTHER --host b.example.com:8443 --header X-Key")


def test_a_bound_secret_goes_where_its_owner_said(store: SecretStore) -> None:
    bind(store, packages=(ID,))
    (found,) = resolve_secrets((WANTED,), ID, store, {})
    assert (found.secret, found.value) == (WANTED, VALUE)


@pytest.mark.parametrize(
    "stored",
    [
        {"host": "b.example.com", "header": "Authorization"},
        {"host": "example.com", "header": "Authorization"},
        {"host": "api.example.com:8443", "header": "Authorization"},
        {"host": "api.example.com", "header": "X-Key"},
        {},
    ],
)
def test_a_manifest_can_only_match(store: SecretStore, stored: dict[str, str]) -> None:
    put(store, **stored)
    refused(lambda: resolve_secrets((WANTED,), ID, store, {}), "secret.binding")


@pytest.mark.parametrize("package", ["com.example.crm2", "com.example", "com.example.cr", "COM.EXAMPLE.CRM"])
def test_a_kept_secret_is_for_exact_ids(store: SecretStore, package: str) -> None:
    bind(store, packages=(ID,))
    refused(lambda: resolve_secrets((WANTED,), package, store, {}), "secret.package")
    put(store, packages=(ID,))
    refused(lambda: resolve_env(("TOKEN",), package, store, {}), "secret.package")


# --- commands


def command(code: str, *words: str) -> str:
    return shlex.join([sys.executable, "-I", "-S", "-c", code, *words])


def run(code: str, environment: dict[str, str] | None = None) -> str:
    return run_command(shlex.split(command(code)), "TOKEN", environment or {})


def failed(act: Callable[[], object]) -> str:
    with pytest.raises(HostFailed) as failure:
        act()
    assert failure.value.code == "host.secret"
    assert "TOKEN" in failure.value.hint
    assert VALUE not in str(failure.value)
    return failure.value.message


def test_a_command_is_run_at_each_use(store: SecretStore, tmp_path: Path) -> None:
    (tmp_path / "now").write_text("first\n")
    bind(store, text=command(f"print(open({str(tmp_path / 'now')!r}).read(), end='')"), kind="command")
    assert resolve_secrets((WANTED,), ID, store, {})[0].value == "first"
    (tmp_path / "now").write_text("second\r\n")
    assert resolve_secrets((WANTED,), ID, store, {})[0].value == "second"


def test_one_line_end_is_cut(store: SecretStore) -> None:
    put(store, text=command("print('a\\n')"), kind="command")
    assert resolve_env(("TOKEN",), ID, store, {}) == (("TOKEN", "a\n"),)


@pytest.mark.parametrize("code", ["print()", "pass", "print('a\\nX: y')", "print('a\\0b')", "print(' a')"])
def test_what_is_printed_is_judged(store: SecretStore, code: str) -> None:
    bind(store, text=command(code), kind="command")
    assert "no sound secret" in failed(lambda: resolve_secrets((WANTED,), ID, store, {}))


def test_a_failing_command_shows_nothing_of_what_it_says() -> None:
    words = failed(lambda: run(f"import sys; print({VALUE!r}); print({VALUE!r}, file=sys.stderr); sys.exit(3)"))
    assert "exit code 3" in words


def test_a_command_prints_a_bounded_text() -> None:
    assert len(run(f"print('x' * {SECRET_BYTES_MAX})")) == SECRET_BYTES_MAX
    assert "more than" in failed(lambda: run("while True: print('x' * 1000)"))


def test_a_command_prints_text() -> None:
    assert "UTF-8" in failed(lambda: run("import sys; sys.stdout.buffer.write(b'\\xff')"))


def test_a_program_that_is_not_there() -> None:
    for words in (["/no/such"], ["a\0b"], ["/"]):
        assert "did not start" in failed(lambda words=words: run_command(words, "TOKEN", {}))  # type: ignore[misc]


@pytest.mark.parametrize("code", ["import time; time.sleep(60)", "import os, time; os.close(1); time.sleep(60)"])
def test_a_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(module, "COMMAND_SECONDS_MAX", 0.3)
    before = time.monotonic()
    assert "no answer" in failed(lambda: run(code))
    assert time.monotonic() - before < 30


def test_what_a_hanging_command_started_is_ended_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "COMMAND_SECONDS_MAX", 2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-I', '-S', '-c', 'import time; f = open({str(pipe)!r}, \"w\"); print(1, file=f, flush=True); time.sleep(60)']); time.sleep(60)"
    failed(lambda: run(code))
    os.set_blocking(reader, True)
    with open(reader, "rb") as stream:
        # The end of the file comes only when the grandchild is gone.
        assert stream.read() in {b"1\n", b""}


def test_a_command_gets_a_clean_environment() -> None:
    given = {
        "LD_PRELOAD": "/x.so",
        "PYTHONPATH": "/x",
        "NODE_OPTIONS": "-r x",
        "BASH_ENV": "x",
        "HTTPS_PROXY": "x",
        "HOME": "/h",
        "PATH": "/p",
        "SSH_AUTH_SOCK": "/s",
        "LANG": "C",
        "MPP_HOME": "/m",
    }
    said = run("import os; print(sorted(name for name in os.environ if name != 'LC_CTYPE'), os.getcwd())", given)
    assert said == "['HOME', 'LANG', 'PATH', 'SSH_AUTH_SOCK'] /"


def test_a_command_has_nothing_to_read_and_no_terminal() -> None:
    said = run("import os, sys; print(repr(sys.stdin.read()), os.getsid(0) == os.getpid())")
    assert said == "'' True"
