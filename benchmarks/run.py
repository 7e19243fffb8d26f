"""Measure the promised ratios, all of them, and print them.

    python benchmarks/run.py [PART...] [--quick] [--json] [--here] [--seeds FOLDER] [--out FILE]

Each part is a process of its own, one after the other. Without --here they run in an environment that is made below build/bench, with the programs of others that are the baselines; with
it, in this one, and what is not installed is not measured. One part that fails does not take the others with it. Exit code 0 whatever the figures are: this is a measurement, never a test; 1 if a
part could not be run. README.md says how to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import outcome
import rival_programs
from machine import facts
from outcome import Outcome

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "latest.json"
LAYERS = rival_programs.ROOT / "build" / "layers"
FORMAT = 1
PART_SECONDS_MAX = 3600
SEEDS = {"s10k": 10_000, "s100k": 100_000}
SEEDS_QUICK = {"s10k": 10_000}


class Ask(NamedTuple):
    """What every part is told."""

    python: Path
    quick: bool
    seeds: Path
    home: Path

    def words(self, script: str, *more: str, quick: bool = True) -> list[str]:
        return [str(self.python), str(HERE / script), *more, *(["--quick"] if self.quick and quick else []), "--json"]


class Part(NamedTuple):
    """One part: what it is about, what measures it, how its output is read."""

    title: str
    command: Callable[[Ask], list[str]]
    read: Callable[[str], Iterator[Outcome]]


def _one(read: Callable[[Any], Iterator[Outcome]]) -> Callable[[str], Iterator[Outcome]]:
    return lambda text: read(json.loads(text))


def _many(read: Callable[[Any], Iterator[Outcome]]) -> Callable[[str], Iterator[Outcome]]:
    return lambda text: read(outcome.lines(text))


def _registry(part: str, *more: Callable[[Ask], str]) -> Callable[[Ask], list[str]]:
    return lambda ask: ask.words("registry.py", part, *(word(ask) for word in more), quick=False)


_SEEDS = (lambda _: "--seeds", lambda ask: str(ask.seeds))
PARTS: Mapping[str, Part] = {
    "packages": Part("Archive and gatekeeper", lambda ask: ask.words("pipeline.py", "packages"), _one(outcome.ratios)),
    "sandbox": Part("Sandbox", lambda ask: ask.words("pipeline.py", "sandbox"), _one(lambda found: outcome.figures(found["sandbox"]["figures"]))),
    "deciding": Part(
        "Policy, tokens, approval", lambda ask: ask.words("pipeline.py", "deciding"), _one(lambda found: outcome.figures(found["deciding"]["figures"]))
    ),
    "record": Part("The record", lambda ask: ask.words("audit.py"), _one(outcome.record)),
    "privacy": Part(
        "The privacy filter",
        lambda ask: [str(ask.python), "-m", "mpp", "privacy", "bench", "--json", *(["--quick"] if ask.quick else [])],
        _one(outcome.privacy),
    ),
    "kept": Part("What the privacy filter finds and survives", lambda ask: ask.words("privacy_kept.py"), _one(outcome.rows)),
    "front": Part("The front: a call over MCP", lambda ask: ask.words("mcp_front.py", "--rivals", str(ask.python)), _one(outcome.front)),
    "layers": Part("Tools on layers", lambda ask: ask.words("layers.py"), _one(outcome.layers)),
    "starting": Part("At the command line", lambda ask: ask.words("starting.py"), _one(outcome.starting)),
    "runtimes": Part("Other sandboxes for tools", lambda ask: ask.words("runtimes.py"), _one(outcome.rows)),
    "growth": Part("The registry as it grows", _registry("growth", *_SEEDS), _many(outcome.growth)),
    "downloads": Part("Downloads from the registry", _registry("downloads"), _many(outcome.downloads)),
    "accel": Part("Downloads from the registry by nginx", _registry("accel"), _many(outcome.accelerated)),
    "publish": Part("Publishing", _registry("publish", *_SEEDS), _many(outcome.times)),
    "checkpoint": Part("A checkpoint of the registry", _registry("checkpoint", *_SEEDS), _many(outcome.times)),
    "rivals": Part("The registry beside pypiserver", _registry("rivals", lambda _: "--pypiserver", lambda ask: str(ask.python)), _many(outcome.rivals)),
}
NEED_SEEDS = frozenset(("growth", "publish", "checkpoint"))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measured(name: str, ask: Ask) -> dict[str, object]:
    """One part, with what else was going on and how long it took."""
    part = PARTS[name]
    before, begun = os.getloadavg()[0], time.monotonic()
    environment = {**os.environ, "MPP_HOME": str(ask.home)}
    try:
        done = subprocess.run(
            part.command(ask), capture_output=True, text=True, timeout=PART_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL, env=environment
        )
        rows, error = [one.plain() for one in part.read(done.stdout)] if done.returncode == 0 else [], "" if done.returncode == 0 else done.stderr[-1000:]
    except (subprocess.TimeoutExpired, ValueError, KeyError, StopIteration) as fault:
        rows, error = [], f"{type(fault).__name__}: {fault}"[-1000:]
    return {
        "name": name, "title": part.title, "command": f"benchmarks/run.py {name}" + (" --quick" if ask.quick else ""), "load_before": round(before, 1),
        "load_after": round(os.getloadavg()[0], 1), "seconds": round(time.monotonic() - begun), "rows": rows, "error": error,
    }  # fmt: skip


def seeded(ask: Ask) -> None:
    """Registries that are filled with packages that nobody wrote; those that are there already are used."""
    for name, count in (SEEDS_QUICK if ask.quick else SEEDS).items():
        folder = ask.seeds / name
        if not folder.is_dir():
            say(f"filling a registry with {count:,} versions")
            folder.mkdir(mode=0o700, parents=True)
            subprocess.run([str(ask.python), str(HERE / "registry_seed.py"), str(folder), str(count)], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def home_with_layers(python: Path) -> Iterator[Path]:
    """A home of its own, with the layers that were built, signed by a key of its own."""
    with tempfile.TemporaryDirectory(prefix="mpp-bench-") as folder:
        keys, home = Path(folder) / "keys", Path(folder) / "home"
        home.mkdir(mode=0o700)

        def mpp(*words: str) -> None:
            command = [str(python), "-m", "mpp", *words]
            done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "MPP_HOME": str(home)}, stdin=subprocess.DEVNULL)
            if done.returncode:
                say(f"mpp {' '.join(words)}: {done.stderr.strip()[-300:]}")

        mpp("keygen", "-o", str(keys), "--name", "Benchmark", "--no-passphrase")
        for layer in sorted(LAYERS.glob("*.mpp")):
            copy = Path(folder) / layer.name
            shutil.copy(layer, copy)
            mpp("sign", str(copy), "-k", str(keys / "publisher.key"))
            mpp("layer", "install", str(copy))
        yield home


def document(parts: list[dict[str, object]], python: Path) -> dict[str, object]:
    """The results; a part that was not run keeps what the file had."""
    before = {one["name"]: one for one in json.loads(RESULTS.read_text(encoding="utf-8")).get("parts", [])} if RESULTS.exists() else {}
    now = facts()
    kept = before | {one["name"]: {**one, "date": now["date"]} for one in parts}
    return {
        "format": FORMAT,
        "date": now["date"],
        "machine": now,
        "versions": rival_programs.versions(python),
        "parts": [kept[name] for name in PARTS if name in kept],
    }


def shown(part: Mapping[str, Any]) -> None:
    print(f"\n{part['title']} ({part['seconds']} s, load {part['load_before']} before and {part['load_after']} after)\n{outcome.HEAD}")
    for row in part["rows"]:
        print(Outcome(**{key: told for key, told in row.items() if key != "ratio"}).line())
    if part["error"]:
        print(f"could not be measured: {part['error']}")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", choices=[*PARTS, "all"], default="all", help=f"what to measure: {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller registries")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output instead of the tables")
    parser.add_argument("--here", action="store_true", help="install nothing: what this Python has is what is measured")
    parser.add_argument("--seeds", type=Path, default=rival_programs.FOLDER / "seeds", help="where filled registries are, or are made")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results are written")
    given = parser.parse_args()
    chosen = list(PARTS) if "all" in given.part else [name for name in PARTS if name in given.part]
    python = Path(sys.executable) if given.here else rival_programs.python(say)
    found: list[dict[str, object]] = []
    with ExitStack() as undo:
        ask = Ask(python, given.quick, given.seeds.resolve(), undo.enter_context(home_with_layers(python)))
        if NEED_SEEDS & set(chosen):
            seeded(ask)
        for number, name in enumerate(chosen, 1):
            say(f"{number} of {len(chosen)}: {PARTS[name].title}")
            found.append(measured(name, ask))
            if not given.json:
                shown(found[-1])
    text = json.dumps(document(found, python), indent=1, ensure_ascii=False) + "\n"
    given.out.write_text(text, encoding="utf-8")
    if given.json:
        sys.stdout.write(text)
    return int(any(one["error"] for one in found))


if __name__ == "__main__":
    sys.exit(main())
