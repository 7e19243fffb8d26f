"""How the two stand-alone verifiers are asked, and the vectors that both must answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "verifier" / "mpp_audit_verify.py"
PAGE = ROOT / "verifier" / "verify.html"
VECTORS = ROOT / "conformance" / "vectors" / "audit"
NODE = shutil.which("node")
LEVELS = ("chained", "signed", "anchored", "witnessed")
MODES = ("fast", "deep", "thorough")
SCRIPT_MODES = MODES[1:]
"""The script has no fast way: it always hashes each entry."""


@dataclass(frozen=True)
class Case:
    folder: Path
    row: dict[str, object]

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def command(self) -> str:
        return self.folder.parent.name

    @property
    def mode(self) -> str:
        return str(self.row["mode"])

    @property
    def file(self) -> Path:
        return self.folder / {"log": "log", "proof": "proof.json", "checkpoint": "checkpoint"}[self.command]

    def list(self, name: str) -> list[str]:
        found = self.row.get(name, [])
        assert isinstance(found, list)
        return found

    def modes(self) -> tuple[str, ...]:
        """Its own way of verifying and all slower ones: each must find the same."""
        return MODES[MODES.index(self.mode) :] if self.command == "log" else ("fast",)


def load() -> list[Case]:
    return [Case(path.parent, tomllib.loads(path.read_text(encoding="utf-8"))) for path in sorted(VECTORS.glob("*/*/case.toml"))]


def flags(mode: str) -> list[str]:
    return ["--thorough"] if mode == "thorough" else []


def arguments(case: Case, mode: str) -> list[str]:
    """The command line that the vector stands for."""
    out = [case.command, str(case.file), "--json", *flags(mode)]
    if case.command == "log":
        out += [word for name in case.list("anchors") for word in ("--anchor", str(case.folder / name))]
    for word in case.list("witnesses"):
        out += ["--witness", word]
    for key in ("log_id", "quorum", "host_key", "epoch_key"):
        out += [f"--{key.replace('_', '-')}", str(case.row[key])] if key in case.row else []
    return out


def python(*given: str) -> subprocess.CompletedProcess[str]:
    """The script as people run it: isolated, so that nothing of this checkout can be imported by accident."""
    return subprocess.run([sys.executable, "-I", "-W", "error", str(SCRIPT), *given], capture_output=True, text=True, check=False, timeout=120)


def wrong(case: Case, found: dict[str, object]) -> list[str]:
    """What in an answer is not what the vector says."""
    row = case.row
    pairs = [("verdict", found["verdict"])]
    covers = found.get("covers", {})
    assert isinstance(covers, dict)
    pairs += [(level, covers.get(level)) for level in LEVELS if level in row]
    faults = found["faults"]
    assert isinstance(faults, list)
    if "code" in row:
        first = faults[0] if faults else {}
        file = str(first.get("file")).removeprefix(str(case.folder) + "/")
        pairs += [("code", first.get("code")), ("file", file), ("entry", first.get("entry"))]
    elif "entry" in row:
        pairs.append(("entry", found.get("entry")))
    out = [f"{key} should be {row[key]!r}, is {seen!r}" for key, seen in pairs if row[key] != seen]
    return [*out, json.dumps(faults)] if out else []


def job(case: Case, mode: str) -> dict[str, object]:
    """The same for the page."""
    want = {key: case.row[key] for key in ("log_id", "witnesses", "quorum", "host_key", "epoch_key") if key in case.row}
    anchors = [str(case.folder / name) for name in case.list("anchors")]
    return {"command": case.command, "file": str(case.file), "anchors": anchors, "want": {**want, "mode": mode}}


def page(jobs: list[dict[str, object]], *, webcrypto: bool = True) -> list[object]:
    """All of them in one process of Node."""
    given = json.dumps({"page": str(PAGE), "webcrypto": webcrypto, "jobs": jobs})
    done = subprocess.run([str(NODE), str(Path(__file__).with_name("run_page.mjs"))], input=given, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found
