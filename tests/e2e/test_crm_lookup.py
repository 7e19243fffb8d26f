"""The tool of the migration guide: its manifest as it stands there, built, signed, and called in the sandbox against a made-up CRM."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

import pytest

from mpp.cli.app import run
from mpp.host.sandbox import Ready, Sandbox
from mpp.model.jsontext import Json
from mpp.model.rights import Rights
from mpp.testing.golden import Case, opened, run_one, ScriptedCalls
from mpp.testing.keys import publisher
from tools.golden import golden_package

pytest.importorskip("ziglang", reason="the C compiler is not installed")

ROOT = Path(__file__).parents[2]
KEY = "crm-key-" + "0123456789"
FOUND = {"name": "Ada Example", "company": "Example Ltd", "status": "active", "notes": "not promised by the manifest"}


class Crm:
    """The package made ready, and a script in the place of the network."""

    def __init__(self, sandbox: Sandbox, ready: Ready, calls: ScriptedCalls) -> None:
        self._sandbox, self._ready, self._calls = sandbox, ready, calls

    def lookup(self, query: str, *, status: int = 200, body: object = FOUND, error: str = "", key: str = KEY) -> dict[str, Json]:
        """The result of one call; what the tool asked of the network is held against what it should ask."""
        asked: dict[str, Json] = {
            "method": "GET",
            "url": "https://api.crm.mycompany.com/v1/customers?query=CUST-00012345%20%C3%A9",
            "headers": [["Authorization", f"Bearer {key}"], ["Accept", "application/json"]],
        }
        data = base64.b64encode(json.dumps(body).encode()).decode()
        answer: dict[str, Json] = {"result": {"status": status, "headers": [], "body": data, "url": "https://api.crm.mycompany.com/"}}
        self._calls.begin(
            [{"method": "http.fetch", "params": asked, **({"error": {"code": error, "message": "no"}} if error else answer)}] if key and query else []
        )
        line = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "lookup", "arguments": {"query": query}, "_meta": {}}}
        case = Case(name="lookup", line=json.dumps(line).encode() + b"\n", tool="lookup", host=(), reply=None, stderr="")
        done = run_one(self._sandbox, self._ready, case, env=(("CRM_API_KEY", key),))
        assert done.fault is None, done
        assert self._calls.end() == ""
        found: dict[str, Json] = json.loads(done.stdout)["result"]
        return found


@pytest.fixture(scope="module")
def crm(tmp_path_factory: pytest.TempPathFactory, root: Path):
    folder = tmp_path_factory.mktemp("crm") / "crm-lookup"
    shutil.copytree(root / "examples" / "tools" / "crm-lookup", folder)
    (folder / "include").mkdir()
    shutil.copy(root / "sdk" / "c" / "mpp.h", folder / "include")
    assert run(["build", str(folder), "-o", str(folder / "crm.mpp"), "--set-key", f"pub_{publisher().release_ids[0][:16]}"]) == 0
    package = golden_package((folder / "crm.mpp").read_bytes())
    rights = Rights(tenant="local", publisher_id=package.publisher_id, package_id=package.package_id, content_hash=package.content_hash, env=("CRM_API_KEY",))
    calls = ScriptedCalls()
    with opened(package, calls, rights, str(folder / "cache")) as (sandbox, ready):
        yield Crm(sandbox, ready, calls)


def test_the_manifest_is_that_of_the_guide(root: Path, shared: Path) -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted((shared / "seeds").glob("*.txt"))]
    guide = next(text for text in texts if '"package_id": "com.mycompany.crm-lookup"' in text)
    begin = guide.index('{\n  "mpp_version"')
    written, _ = json.JSONDecoder().raw_decode(guide[begin:])
    assert json.loads((root / "examples" / "tools" / "crm-lookup" / "manifest.json").read_text(encoding="utf-8")) == written


def test_what_the_manifest_promises_is_passed_on_and_nothing_else(crm: Crm) -> None:
    found = crm.lookup("CUST-00012345 é")
    assert found["structuredContent"] == {"name": "Ada Example", "company": "Example Ltd", "status": "active"}
    assert found["content"] == [{"type": "text", "text": "Ada Example, Example Ltd: active"}]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"status": 404}, "there is no such customer"),
        ({"status": 500}, "try again later"),
        ({"body": ["no customer"]}, "no customer"),
        ({"error": "not_granted"}, "not_granted"),
        ({"key": ""}, "mpp secret set CRM_API_KEY"),
    ],
)
def test_what_goes_wrong_is_said(crm: Crm, more: dict, words: str) -> None:
    found = crm.lookup("CUST-00012345 é", **more)
    assert found["isError"] is True
    assert words in json.dumps(found["content"])
    assert KEY not in json.dumps(found)


def test_an_empty_query_asks_nobody(crm: Crm) -> None:
    assert crm.lookup("")["isError"] is True
