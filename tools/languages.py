"""Every language of ``mpp init``, from an empty folder to an answer: begun, built, signed, verified, run, and the golden set of its SDK.

``python -m tools.languages`` skips a language whose toolchain is not there and says so; with ``--all`` (what ``make languages`` uses) that is a
failure, and what Debian offers of Rust is fetched into a folder of its own. ``--json`` prints one object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from mpp.author.toolchains.places import cache_base
from mpp.host.home import Home
from mpp.host.services.standard import standard_calls
from mpp.stages.archive import read_archive, unseal
from mpp.testing.golden import Case, opened, rights_of, run_one
from tools.golden import golden_package, run_golden
from tools.golden_projects import SOURCES, write_project
from tools.rust_debian import has_wasm, NoDebianRustError, prepare

LANGUAGES = ("python", "javascript", "typescript", "rust", "c", "cpp", "go", "zig", "wat")
MPP = Path(sys.executable).parent / "mpp"
STEP_SECONDS_MAX = 1200
"""Seconds for one command. Reason: a first build compiles a standard library, on a machine that has other work too."""

HOT_CALLS = 100
LAYERED = frozenset(("python", "javascript", "typescript"))
MISSING = ("host.compiler_missing", "project.layer", "layer.missing")
"""Codes by which a build says that something has to be installed."""

_NAME = "Ada \\u00e9 \\ud83d\\ude00"
_WANTED = "Hello, Ada é 😀!"


@dataclass
class Row:
    """What came of one language."""

    language: str
    state: str = "ok"
    """``ok``, ``skipped`` or ``failed``."""
    why: str = ""
    package_bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    """By step: init, build, again (a build without changes), sign, verify, first (call, with compiling), hot (call in a waiting worker)."""
    same_bytes: bool = False
    """Did the second build, from another folder, give the same bytes?"""
    golden: str = ""


class StepError(Exception):
    """One command did not end as it should."""

    def __init__(self, step: str, words: str) -> None:
        super().__init__(f"{step}: {words}")
        self.missing = any(f"[{code}]" in words for code in MISSING)


class Trial:
    """One language in a folder of its own, with a home of its own."""

    def __init__(self, language: str, place: Path, environment: dict[str, str]) -> None:
        self.row, self._place, self.home = Row(language), place, place / "home"
        self._environment = {**environment, "MPP_HOME": str(self.home), "NO_COLOR": "1"}

    def step(self, name: str, words: Sequence[str], where: Path) -> str:
        """One command of mpp, timed."""
        began = time.monotonic()
        done = subprocess.run(
            [str(MPP), *words],
            cwd=where,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS_MAX,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        self.row.seconds[name] = round(time.monotonic() - began, 4)
        if done.returncode != 0:
            raise StepError(name, (done.stderr or done.stdout).strip()[-1500:])
        return done.stdout

    def prepare(self, layers: Sequence[Path]) -> None:
        """A publisher, and the layers that the machine has, signed anew by this publisher: what a layer is does not depend on who signs it."""
        self.step("keygen", ("keygen", "-o", "keys", "--name", "Languages", "--no-passphrase"), self._place)
        for layer in layers if self.row.language in LAYERED else ():
            data = layer.read_bytes()
            archive = read_archive(data)
            copy = self._place / "layer.mpp"
            copy.write_bytes(unseal(archive) if archive.sealed else data)
            self.step("sign the layer", ("sign", copy.name, "-k", "keys/publisher.key"), self._place)
            self.step("install the layer", ("layer", "install", copy.name), self._place)

    def life(self) -> None:
        """The steps that an author takes."""
        language, place, file = self.row.language, self._place, "hello-0.1.0.mpp"
        project, other = place / "hello", place / "other" / "hello"
        self.step("init", ("init", "hello", "--lang", language), place)
        self.step("build", ("build",), project)
        (place / "other").mkdir()
        self.step("init again", ("init", "hello", "--lang", language), place / "other")
        self.step("again", ("build",), other)
        self.row.same_bytes = (project / file).read_bytes() == (other / file).read_bytes()
        self.step("sign", ("sign", file, "-k", "../keys/publisher.key"), project)
        self.step("verify", ("verify", file), project)
        arguments = f'{{"name": "{_NAME}"}}'
        said = self.step("first", ("run", file, "--args", arguments, "--yes"), project)
        if _WANTED not in said:
            raise StepError("run", f"wanted {_WANTED!r}, found {said.strip()!r}")
        self.row.package_bytes = (project / file).stat().st_size
        self.hot(project / file)

    def hot(self, file: Path) -> None:
        """Calls of the waiting worker, in the middle."""
        package = golden_package(file.read_bytes())
        line = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet","arguments":{"name":"Ada"},"_meta":{}}}\n'
        case = Case(name="hot", line=line, tool="greet", host=(), reply={}, stderr="")
        with (
            standard_calls(Home(path=str(self._place / "kv")), None) as calls,
            opened(package, calls, rights_of(package, env=False), str(self._place / "native"), str(self.home)) as (sandbox, ready),
        ):
            times = []
            for _ in range(HOT_CALLS):
                began = time.perf_counter()
                run_one(sandbox, ready, case, env=())
                times.append(time.perf_counter() - began)
        self.row.seconds["hot"] = round(median(times), 6)

    def golden(self) -> None:
        """The golden set of the language's SDK, where it has one."""
        if self.row.language not in SOURCES:
            self.row.golden = "that of typescript" if self.row.language == "javascript" else "has no SDK"
            return
        folder = self._place / "golden"
        folder.mkdir()
        write_project(self.row.language, folder)
        self.step("golden build", ("build",), folder)
        verdicts = list(run_golden((folder / "golden-1.0.0.mpp").read_bytes(), cache=str(self._place / "native"), home=str(self.home)))
        wrong = [verdict for verdict in verdicts if verdict.wrong]
        self.row.golden = f"{len(verdicts) - len(wrong)} of {len(verdicts)}"
        if wrong:
            raise StepError("golden", "; ".join(f"{one.name}: {one.wrong}" for one in wrong[:5]))


def try_language(language: str, environment: dict[str, str], *, golden: bool, layers: Sequence[Path] = ()) -> Row:
    """All of one language; its folder is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mpp-languages-") as made:
        trial = Trial(language, Path(made), environment)
        try:
            trial.prepare(layers)
            trial.life()
            if golden:
                trial.golden()
        except (StepError, subprocess.TimeoutExpired) as fault:
            trial.row.state = "skipped" if isinstance(fault, StepError) and fault.missing else "failed"
            trial.row.why = str(fault)
        return trial.row


def layers_here(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """The layers of the user's own home."""
    home = Path(environment.get("MPP_HOME", "") or Path.home() / ".mpp")
    return tuple(sorted((home / "layers").glob("*.mpp")))


def surroundings(*, everything: bool, say: Callable[[str], object]) -> dict[str, str]:
    """The environment, with a Rust in front that compiles to WebAssembly where it can be had."""
    environment = dict(os.environ)
    folder = os.path.join(cache_base(environment), "rust-debian")
    if has_wasm(environment) or not (everything or os.path.isdir(folder)):
        return environment
    try:
        if not os.path.isdir(folder):
            say("rust: fetching what Debian offers, 140 MB, once\n")
        environment["PATH"] = os.pathsep.join((prepare(folder), environment.get("PATH", "")))
    except (NoDebianRustError, OSError, subprocess.SubprocessError) as fault:
        say(f"rust: {fault}\n")
    return environment


def table(rows: Sequence[Row]) -> str:
    """The rows for a person."""
    lines = [f"{'language':<11}{'state':<9}{'package':>10}{'build':>9}{'again':>8}{'first call':>12}{'hot call':>10}  {'same bytes':<12}golden set"]
    for row in rows:
        took = row.seconds
        lines.append(
            f"{row.language:<11}{row.state:<9}{row.package_bytes / 1000:>7.1f} kB{took.get('build', 0):>7.1f} s{took.get('again', 0):>6.1f} s"
            f"{took.get('first', 0):>10.2f} s{1000 * took.get('hot', 0):>7.2f} ms  {'yes' if row.same_bytes else 'no':<12}{row.golden}"
        )
        if row.why:
            lines.append(f"           {row.why}")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.languages", description="Try every language of mpp init.")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"of {', '.join(LANGUAGES)}; all of them if none is named")
    parser.add_argument("--all", action="store_true", help="a missing toolchain is a failure; fetch Rust from Debian")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--layer", action="append", default=[], type=Path, metavar="FILE", help="a layer to use; else those of your home")
    parser.add_argument("--no-golden", action="store_true", help="leave the golden set out")
    given = parser.parse_args(arguments)
    chosen = tuple(given.languages) or LANGUAGES
    unknown = [name for name in chosen if name not in LANGUAGES]
    if unknown:
        parser.error(f"no such language: {', '.join(unknown)}")
    environment = surroundings(everything=given.all, say=sys.stderr.write) if "rust" in chosen else dict(os.environ)
    rows = []
    for language in chosen:
        sys.stderr.write(f"{language} …\n")
        rows.append(try_language(language, environment, golden=not given.no_golden, layers=given.layer or layers_here(environment)))
    sys.stdout.write(json.dumps({"languages": [asdict(row) for row in rows]}, indent=2) + "\n" if given.json else table(rows))
    wrong = {"failed", "skipped"} if given.all else {"failed"}
    return 1 if any(row.state in wrong for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
