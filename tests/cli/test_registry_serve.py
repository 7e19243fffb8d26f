"""``mpp registry serve``: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import EXECUTABLE, Mpp

TOKEN = "a long and random token of the administrator"


@contextmanager
def running(*words: str, as_json: bool = True) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The process, and what it said when it listened. It is told to end at the end."""
    command = [*EXECUTABLE, "registry", "serve", "--port", "0", *(("--json",) if as_json else ()), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}) as child:
        assert child.stdout is not None
        try:
            if as_json:
                yield child, json.loads("".join([*iter(child.stdout.readline, "}\n"), "}"]))
            else:
                yield child, {"text": "".join(iter(child.stdout.readline, "Ctrl-C ends it.\n"))}
        finally:
            if child.poll() is None:
                child.terminate()
                child.communicate(timeout=60)


def get(url: str, target: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        connection.request("GET", target, headers=headers or {})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_serves_and_ends_when_it_is_told(tmp_path: Path, end: signal.Signals) -> None:
    data = tmp_path / "registry"
    with running("--data", str(data), "--name", "Example packages") as (child, said):
        assert (said["name"], said["data"], str(said["pid"])) == ("Example packages", str(data), str(child.pid))
        found = json.loads(get(said["url"], "/v1/registry")[1])
        assert (found["registry_id"], found["url"], found["require_namespace"]) == (said["registry_id"], said["url"], False)
        assert get(said["url"], "/")[0] == 200
        child.send_signal(end)
        out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (0, "")
    assert [json.loads(line)["path"] for line in err.splitlines()] == ["/v1/registry", "/"]
    assert {path.name for path in data.iterdir()} >= {"keys", "blobs", "registry.db"}


def test_a_registry_is_the_same_one_after_a_restart(tmp_path: Path) -> None:
    ids = []
    for name in ("First name", "Other name"):
        with running("--data", str(tmp_path / "registry"), "--name", name) as (child, said):
            ids.append((said["registry_id"], said["name"]))
            child.terminate()
            child.communicate(timeout=60)
    assert ids[0] == ids[1]


def test_a_person_is_told_what_to_do_next(home: Path) -> None:
    with running("--quiet", as_json=False) as (child, said):
        url = next(word for word in said["text"].split() if word.startswith("http://"))
        assert get(url, "/health")[0] == 200
        child.terminate()
        _, err = child.communicate(timeout=60)
    assert str(home / "registry") in said["text"]
    assert "this home knows it as 'local', and asks it first" in said["text"]
    assert err == ""


def test_what_it_prints_can_be_pasted(tmp_path: Path, mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    with running("--data", str(tmp_path / "r"), as_json=False) as (child, said):
        words = shlex.split(next(line for line in said["text"].splitlines() if "mpp registry add" in line))
        monkeypatch.setenv("MPP_HOME", str(tmp_path / "another home"))
        assert mpp("registry", "list").code == 0
        answer = mpp(*words[1:])
        assert answer.code == 0, answer
        child.terminate()
        child.communicate(timeout=60)


def test_this_home_knows_the_registry_that_it_runs(tmp_path: Path, mpp: Mpp) -> None:
    for words in ((), (), ("--no-add",)):
        with running("--data", str(tmp_path / "r"), *words) as (_, said):
            assert said["ok"]
        # Each time it has another port, which is noted where nothing else was said.
        assert bool(said["added"]) == (not words)
    rows = mpp("registry", "list", "--json").json
    assert said["registry_id"] in json.dumps(rows)
    with running("--data", str(tmp_path / "other")) as (_, said):
        assert said["ok"]
    assert "another registry" in said["added"]


def test_the_administrators_token_comes_from_a_file(tmp_path: Path) -> None:
    place = tmp_path / "admin.token"
    place.write_text(TOKEN + "\n")
    place.chmod(0o600)
    with running("--data", str(tmp_path / "r"), "--private", "--admin-token-file", str(place), "--url", "https://packages.example.com") as (child, said):
        assert get(said["url"], "/v1/search")[0] == 401
        assert get(said["url"], "/v1/search", {"authorization": f"Bearer {TOKEN}"})[0] == 200
        found = json.loads(get(said["url"], "/v1/registry")[1])
        child.terminate()
        child.communicate(timeout=60)
    assert (found["is_public"], found["require_namespace"], found["url"]) == (False, True, "https://packages.example.com")


REFUSED = [
    (("--listen", "0.0.0.0:0"), "usage.option"), (("--listen", "127.0.0.1"), "usage.listen"), (("--listen", "127.0.0.1:0", "--port", "1"), "usage.option"),
    (("--tls-cert", "x.pem"), "usage.option"), (("--url", "packages.example.com"), "usage.option"), (("--url", "https://a@b.example"), "usage.option"),
    (("--witness", "nobody"), "audit.note"), (("--port", "99999"), "usage.syntax"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code"), REFUSED)
def test_options_that_do_not_go_together(mpp: Mpp, tmp_path: Path, words: tuple[str, ...], code: str) -> None:
    answer = mpp("registry", "serve", "--data", tmp_path / "r", "--json", *words)
    assert answer.json["error"]["code"] == code
    assert not (tmp_path / "r").exists(), "nothing is made before the options are judged"


@pytest.mark.parametrize(("text", "mode", "code"), [
    (TOKEN, 0o644, "usage.option"), ("short", 0o600, "usage.option"), ("täken of an administrator", 0o600, "usage.option"), ("x" * 5000, 0o600, "size.input"),
])  # fmt: skip
def test_a_token_that_others_read_or_find(mpp: Mpp, tmp_path: Path, text: str, mode: int, code: str) -> None:
    place = tmp_path / "admin.token"
    place.write_text(text)
    place.chmod(mode)
    answer = mpp("registry", "serve", "--data", tmp_path / "r", "--json", "--admin-token-file", place)
    assert answer.json["error"]["code"] == code


def test_without_the_registry_installed(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mpp_registry.wiring", None)
    answer = mpp("registry", "serve", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "host.missing")
    assert "mpp-registry" in answer.json["error"]["hint"]


def test_the_group_says_what_it_has(mpp: Mpp) -> None:
    assert "serve" in mpp("registry", "--help").out
    assert "did you mean" in mpp("registry", "serv").err
