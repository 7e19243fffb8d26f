"""The draft of a manifest, its README and its project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mpp.author.migrating.draft import Draft, Identity, level_of, make_draft
from mpp.author.migrating.evidence import Observed
from mpp.author.migrating.guide import guide
from mpp.author.migrating.skeleton import identity_of, main_source, write_skeleton
from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.manifest import parse_manifest

WHO = Identity(name="ported", package_id="com.example.ported", publisher="Ada")
ECHO: dict[str, Json] = {
    "name": "echo",
    "title": " Echo\nTool ",
    "description": "Says it",
    "inputSchema": {"type": "object"},
    "outputSchema": {"type": "object"},
}


def drafted(*tools: dict[str, Json], seen: Observed | None = None, workspace: str = "") -> tuple[Draft, Any]:
    draft = make_draft(WHO, tools, "a server", seen or Observed(), workspace)
    return draft, json.loads(draft.manifest)


def test_a_draft_is_a_manifest() -> None:
    draft, document = drafted(ECHO)
    assert draft.faults == ()
    manifest = parse_manifest(draft.manifest)
    tool = manifest.tool_definitions[0]
    assert (tool.name, tool.title, tool.description, tool.security_level) == ("echo", "Echo Tool", "Says it", "medium")
    assert tool.returns is not None
    assert document["capabilities"] == {"network": [], "filesystem": {"read": [], "write": []}, "env_vars": []}


def test_names_become_names_that_no_other_tool_has() -> None:
    tools: list[dict[str, Json]] = [{"name": "a b"}, {"name": "A_b"}, {"name": "a/b"}, {"name": "?"}, {}, {"name": "x" * 100}]
    draft, _ = drafted(*tools)
    assert draft.faults == ()
    assert draft.tools == ("a_b", "A_b_2", "a_b_3", "tool", "tool_2", "x" * 64)
    assert ("a b", "a_b") in draft.renamed


def test_what_nobody_sees_does_not_come_along() -> None:
    hidden = "\u200b"
    tool: dict[str, Json] = {"name": "a", "description": f"Does{hidden} it", "title": f"T{hidden}", "inputSchema": {"type": "object", "description": hidden}}
    draft, document = drafted(tool)
    assert draft.faults == ()
    assert document["tool_definitions"][0]["description"] == "Does it"
    assert document["tool_definitions"][0]["parameters"] == {"type": "object"}
    assert "hidden characters" in " ".join(draft.changes)
    assert "U+200B" in " ".join(draft.changes)


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ({"name": "a"}, "no description"),
        ({"name": "a", "description": "x" * 9000}, "was cut"),
        ({"name": "a", "description": "x", "inputSchema": {"type": "object", "colour": 1}}, "a, parameters: /colour was left out"),
        ({"name": "a", "description": "x", "inputSchema": 5}, ""),
    ],
)
def test_what_had_to_be_changed_is_told(tool: dict[str, Json], words: str) -> None:
    draft, _ = drafted(tool)
    assert draft.faults == ()
    assert words in " ".join(draft.changes)


def test_more_tools_than_a_package_has_are_left_out() -> None:
    tools: list[dict[str, Json]] = [{"name": f"t{i}", "description": "x"} for i in range(130)]
    draft, _ = drafted(*tools)
    assert len(draft.tools) == 128
    assert "130 tools" in draft.changes[0]
    assert draft.faults == ()


@pytest.mark.parametrize(
    ("hints", "level"),
    [({"readOnlyHint": True}, "low"), ({"destructiveHint": True}, "high"), ({"readOnlyHint": 1}, "medium"), (None, "medium"), ({}, "medium")],
)
def test_the_level_is_guessed_from_what_the_server_says(hints: Json, level: str) -> None:
    assert level_of({"annotations": hints}) == level


SEEN = Observed(
    traced=True, calls=1, hosts=("api.example.com", "localhost"), addresses=("127.0.0.1:9", "192.0.2.1:8443"), ports=(8443,),
    reads=("/srv/app/data", "/srv/app", "/etc/app.toml", "/home/ada/.mpp/keys", "/home/ada", "/etc"), home="/home/ada", writes=("/tmp/x|y",), programs=("/usr/bin/node", "/usr/bin/git"),
    variables=("API_TOKEN", "LD_PRELOAD", "lower", "CITY"), sources=("/srv/app/a.js",),
)  # fmt: skip


def test_capabilities_are_drafted_as_they_were_seen_and_only_where_a_manifest_may_ask() -> None:
    draft, document = drafted(ECHO, seen=SEEN, workspace="/srv/app")
    assert draft.faults == ()
    assert document["capabilities"] == {
        "network": ["api.example.com"],
        "filesystem": {"read": ["${workspace}/data", "${workspace}", "/etc/app.toml"], "write": ["/tmp/x|y"]},
        "env_vars": ["API_TOKEN", "CITY"],
    }
    left_out = {row.what: row.evidence for row in draft.rows if not row.drafted}
    assert set(left_out) == {
        "network localhost",
        "connection to 127.0.0.1:9",
        "connection to 192.0.2.1:8443",
        "read /home/ada/.mpp/keys",
        "read /home/ada",
        "read /etc",
        "variable LD_PRELOAD",
        "variable lower",
    }
    drafted_rows = {row.what: row.evidence for row in draft.rows if row.drafted}
    assert "8443" in drafted_rows["network api.example.com"]
    assert "secret" in drafted_rows["variable API_TOKEN"]


def test_lists_of_a_draft_are_bounded() -> None:
    seen = Observed(
        traced=True, hosts=tuple(f"h{i}.example.com" for i in range(70)), reads=tuple(f"/d/{i}" for i in range(70)), variables=tuple(f"V{i}" for i in range(70))
    )
    draft, document = drafted(ECHO, seen=seen)
    assert draft.faults == ()
    assert len(document["capabilities"]["network"]) == len(document["capabilities"]["env_vars"]) == 64


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (SEEN, ["with 1 call.", "| `variable LD_PRELOAD` | no |", "/usr/bin/git", "x\\x7cy", "storage.kv"]),
        (Observed(), ["Nothing was traced", "its sources were not found", "none was seen" * 0]),
        (
            Observed(traced=True, cut=True, sources=("a",)),
            ["no call: only its start", "end was not read", "none was found in its sources", "no name was looked up"],
        ),
    ],
)
def test_the_readme_tells_evidence_and_open_questions(seen: Observed, words: list[str]) -> None:
    draft, _ = drafted({"name": "a b", "inputSchema": {"type": "object", "colour|": 1}}, seen=seen)
    text = guide(WHO, "srv`<x>", ("node", "a.js"), draft, seen, has_calls=seen is SEEN)
    for word in words:
        assert word in text
    assert "`a b` is `a_b` here" in text
    assert "<x>" not in text
    assert ("mpp replay record" in text) is (seen is not SEEN)


def test_a_long_table_is_cut_and_faults_are_told() -> None:
    seen = Observed(traced=True, addresses=tuple(f"192.0.2.1:{i}" for i in range(1, 300)), variables=tuple(f"V{i}" for i in range(20)))
    draft = make_draft(Identity(name="ported", package_id="bad id", publisher="Ada"), [ECHO], "s", seen, "")
    text = guide(WHO, "s", ("x",), draft, seen, has_calls=True)
    assert "more." in text
    assert "manifest.form" in text
    assert "and 10 more" in text


@pytest.mark.parametrize(
    ("server", "out", "name"),
    [
        ("mcp-servers/everything", "", "mcp-servers-everything"),
        ("x", "/a/My Port", "my-port"),
        ("9?", "", "ported-server"),
        ("Ünï 7", "", "n-7"),
        ("x" * 100, "", "x" * 64),
    ],
)
def test_a_project_has_a_sound_name(server: str, out: str, name: str) -> None:
    found = identity_of(server, out, "", "Ada")
    assert (found.name, found.package_id) == (name, f"com.example.{name}")
    assert identity_of(server, out, "org.a.b", "").package_id == "org.a.b"


def test_a_project_is_made_with_a_function_for_each_tool(tmp_path: Path) -> None:
    draft, _ = drafted(ECHO, {"name": "a-b.c", "description": "x"})
    made = Path(write_skeleton(WHO, str(tmp_path), draft, "# Hello\n").folder)
    assert made == tmp_path / "ported"
    assert parse_manifest((made / "manifest.json").read_bytes()).package_id == "com.example.ported"
    assert (made / "README.md").read_text() == "# Hello\n"
    source = (made / "src" / "main.c").read_text()
    assert '{"a-b.c", tool_2_a_b_c},' in source
    assert not (made / "tests").exists()
    with pytest.raises(Refused):
        write_skeleton(WHO, str(tmp_path), draft, "")
    empty, _ = drafted()
    with pytest.raises(Refused) as caught:
        write_skeleton(WHO, str(tmp_path), empty, "")
    assert caught.value.code == "usage.file"


def test_a_made_project_builds(tmp_path: Path) -> None:
    pytest.importorskip("ziglang", reason="the C compiler for WebAssembly (PyPI: ziglang) is not installed")
    from mpp.author.compile import compile_project
    from mpp.author.project import read_project

    draft, _ = drafted(ECHO, {"name": "a-b.c", "description": "x"})
    made = write_skeleton(WHO, str(tmp_path), draft, "# Hello\n")
    assert compile_project(read_project(made.folder), progress=lambda _: None).module.startswith(b"\0asm")
    assert b"tool_1_echo" in main_source("x", ("echo",))
