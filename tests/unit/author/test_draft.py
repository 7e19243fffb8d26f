from __future__ import annotations

import json

import pytest

from mpp.author.draft import completed, read_draft, with_definitions
from mpp.author.languages.ports import Code, Output
from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.manifest import LayerRef
from mpp.testing.packages import manifest

TOOL: dict[str, Json] = {"name": "greet", "description": "Says hello", "parameters": {"type": "object"}, "security_level": "low"}
LAYER = LayerRef(id="dev.example.layer", version="1.0.0", sha256="1" * 64)
PYTHON: dict[str, Json] = {"type": "python", "entrypoint": "app/main.py", "memory_limit_mb": 64, "timeout_ms": 1000}


def written(changes: dict[str, Json], *, without: str = "") -> bytes:
    found = manifest(changes)
    assert isinstance(found, dict)
    return json.dumps({key: item for key, item in found.items() if key != without}).encode()


def output(*definitions: Json, code: Code | None = None) -> Output:
    return Output(members={}, inputs={}, tools={}, definitions=definitions or None, code=code)


def test_what_is_complete_stays_as_it_is() -> None:
    data = written({})
    for lenient in (False, True):
        draft = read_draft(data, lenient=lenient)
        assert draft.declares_tools
        assert completed(draft, None) == completed(draft, output()) == data


def test_stand_ins_hold_places_and_are_filled() -> None:
    draft = read_draft(written({"runtime": PYTHON}, without="tool_definitions"), lenient=True)
    assert not draft.declares_tools
    code = Code(type="python", entrypoint="app/main.py", layer=LAYER)
    found = json.loads(completed(draft, output(TOOL, code=code)))
    assert found["tool_definitions"] == [TOOL]
    assert found["runtime"] == {**PYTHON, "layer": {"id": LAYER.id, "version": LAYER.version, "sha256": LAYER.sha256}}
    as_component = json.loads(completed(draft, output(TOOL, code=Code(type="wasi-component", entrypoint="bin/main.wasm"))))
    assert as_component["runtime"] == {**PYTHON, "type": "wasi-component", "entrypoint": "bin/main.wasm"}


def test_other_faults_show_at_once() -> None:
    with pytest.raises(Refused) as refusal:
        read_draft(written({"runtime": PYTHON, "version": "one"}, without="tool_definitions"), lenient=True)
    assert [fault.where for fault in refusal.value.faults] == ["/version"]


def test_who_finds_nothing_in_sources_must_write_it() -> None:
    with pytest.raises(Refused):
        read_draft(written({}, without="tool_definitions"), lenient=False)
    with pytest.raises(Refused):
        read_draft(b"[]", lenient=True)


@pytest.mark.parametrize(("there", "said"), [
    ([{**TOOL, "description": "Other"}], "tool greet, description"), ([{**TOOL, "name": "other"}], "greet here, other there"), ([TOOL, {**TOOL, "name": "two"}], "greet here, greet, two there"),
])  # fmt: skip
def test_manifest_and_sources_never_differ_in_silence(there: list[Json], said: str) -> None:
    draft = read_draft(written({"tool_definitions": [TOOL]}), lenient=True)
    with pytest.raises(Refused, match=r"project\.definitions") as refusal:
        completed(draft, output(*there))
    assert said in refusal.value.message
    assert "--write-manifest" in refusal.value.hint
    assert completed(draft, output(*there), from_manifest=True) == draft.data
    assert json.loads(with_definitions(draft, tuple(there)))["tool_definitions"] == there


def test_equal_ones_are_fine() -> None:
    draft = read_draft(written({"tool_definitions": [TOOL]}), lenient=True)
    assert completed(draft, output(TOOL)) == draft.data
