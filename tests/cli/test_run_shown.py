"""What ``mpp run`` asks and shows, for every kind of right and every kind of answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.model.rights_words import asked_for
from mpp.errors import Refused
from mpp.model.capabilities import NetworkRule, Secret
from mpp.model.rights import Device, Folder
from mpp.testing import packages
from tests.cli.conftest import Mpp
from tests.cli.test_run import Make, package, says  # noqa: F401 - the fixture
from tests.unit.sandbox.conftest import RIGHTS
from tests.unit.sandbox.guests import guest

from dataclasses import replace


def test_every_kind_of_right_is_a_line() -> None:
    rule = NetworkRule(host="example.com", wildcard=True, schemes=("https",), ports=(443,), methods=("GET",), paths=("/v1",))
    plain = NetworkRule(host="example.org", wildcard=False, schemes=("http", "https"), ports=(80, 443), methods=(), paths=())
    rights = replace(
        RIGHTS,
        network=(rule, plain),
        folders=(Folder(guest="/data", host="/srv/data", write=True), Folder(guest="/same", host="/same", write=False)),
        devices=(Device(guest="/dev/ttyUSB0", host="/dev/ttyUSB0", mode="rw"),),
        env=("CITY",),
        secrets=(Secret(name="TOKEN", host="example.org", header="Authorization", format="{secret}"),),
        kv_max_bytes=1000,
    )
    shown = "\n".join(asked_for(rights))
    for part in ("GET https://*.example.com port 443 below /v1", "http://example.org and https://example.org port 80, 443", "/srv/data", "/same", "/dev/ttyUSB0",
                 "CITY", "TOKEN", "example.org", "1000 bytes"):  # fmt: skip
        assert part in shown, shown
    assert len(asked_for(rights)) == 8


ALL_KINDS = {
    "content": [
        {"type": "text", "text": "one\ntwo"},
        {"type": "image", "data": "AAAA", "mimeType": "image/png"},
        {"type": "resource_link", "uri": "https://example.org/x", "name": "x"},
    ]
}


def replied(result: object) -> bytes:
    return says(json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}) + "\n")


def test_what_is_no_text_is_named(mpp: Mpp, package: Make) -> None:  # noqa: F811
    assert mpp("run", package(replied(ALL_KINDS))).out.splitlines() == ["one", "two", "[image]", "[resource_link]"]


def test_without_text_the_structure_is_shown(mpp: Mpp, package: Make) -> None:  # noqa: F811
    answer = mpp("run", package(replied({"content": [], "structuredContent": {"n": 1}})))
    assert json.loads(answer.out) == {"n": 1}


def test_a_question_of_the_tool_is_shown_as_one(mpp: Mpp, package: Make) -> None:  # noqa: F811
    form = {"type": "object", "properties": {"city": {"type": "string"}}}
    asks = {
        "resultType": "input_required",
        "inputRequests": {"q": {"method": "elicitation/create", "params": {"message": "Which city?", "requestedSchema": form}}},
    }
    answer = mpp("run", package(replied(asks)))
    assert answer.code == 30
    assert "tool asks:" in answer.out
    assert "Which city?" in answer.out
    assert "tool.asks" in answer.err


def test_a_long_standard_error_is_cut_on_the_screen(mpp: Mpp, package: Make) -> None:  # noqa: F811
    loop = "(local.set $n (i32.const 300)) (loop $l (call $say (i32.const 2) (i32.const 1024) (i32.const 2)) (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    answer = mpp("run", package(guest(loop, more='(data (i32.const 1024) "x\\0a")')))
    assert "100 more lines" in answer.err


def test_logs_and_progress_are_shown_while_it_runs(mpp: Mpp, package: Make) -> None:  # noqa: F811
    requests = ['{"method":"log","params":{"level":"warning","message":"careful"}}', '{"method":"progress","params":{"progress":1,"total":2,"message":"half"}}',
                '{"method":"log","params":{"level":"debug","message":"hidden"}}', '{"method":"progress","params":{"progress":3}}']  # fmt: skip
    body, data, at = "", "", 2048
    for text in requests:
        body += f"(drop (call $call (i32.const {at}) (i32.const {len(text)}) (i32.const 70000) (i32.const 1000)))"
        data += f'(data (i32.const {at}) "{text.replace(chr(34), chr(92) + chr(34))}")'
        at += 256
    answer = mpp("run", package(guest(body, more=data)))
    assert "tool warning: careful" in answer.err
    assert "tool progress: 1/2 half" in answer.err
    assert "tool progress: 3" in answer.err
    assert "hidden" not in answer.err


def test_large_code_is_announced(mpp: Mpp, package: Make, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("mpp.cli.running.LARGE_CODE_BYTES", 10)
    tool = package(replied({"content": []}))
    assert "preparing 0.0 MB of code" in mpp("run", tool).err
    assert "preparing" not in mpp("run", tool).err, "it is compiled already"


def test_an_unsigned_build_with_secrets_is_not_run(mpp: Mpp, built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import shutil

    project = tmp_path / "project"
    shutil.copytree(built, project)
    manifest = json.loads((project / "manifest.json").read_text())
    manifest["capabilities"]["env_vars"] = ["CITY"]
    (project / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.chdir(project)
    assert mpp("build").code == 0
    assert mpp("run", "--yes", "--json").json["error"]["code"] == "consent.development"


def test_a_person_pins_a_publisher_and_runs(terminal, strange: Path) -> None:
    with terminal("run", strange) as screen:
        screen.wait_for("Type yes")
        screen.type("yes\n")
        # The sample tool answers nothing, so it fails; but it was run.
        assert screen.end() == 30
        assert "tool.reply" in screen.screen


def test_several_tools_must_be_named() -> None:
    from mpp.host.oncall import find_tool
    from mpp.model.manifest import parse_manifest

    found = packages.manifest()
    tools = found["tool_definitions"]
    assert isinstance(tools, list)
    tools.append({**tools[0], "name": "other"} if isinstance(tools[0], dict) else {})
    manifest = parse_manifest(json.dumps(found).encode())
    with pytest.raises(Refused, match="several"):
        find_tool(manifest, "")
    assert find_tool(manifest, "other").name == "other"
