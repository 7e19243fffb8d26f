"""Carry out the build steps of a Containerfile in a plain folder, where no container engine is: what it copies is there, what it runs works.

    python -m tools.containers deploy/container/Containerfile

COPY copies what git tracks, RUN of the first stage is run by sh with /opt and WORKDIR below the folder; then the program is started as the
entry point says, and asked. It shows that the steps fit together. It does not show what the base image lacks.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tools.tidy import ROOT
from tools.wheels import copy_tracked

RUN_SECONDS_MAX = 900
"""Seconds for one RUN. Reason: pip fetches 150 MB on a slow line."""
_JOINED = "\\\n"


class Instruction(NamedTuple):
    stage: int
    word: str
    rest: str


def read(text: str) -> list[Instruction]:
    """The instructions, each with the number of its stage; comments and continued lines are resolved."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")).replace(_JOINED, " ").splitlines()
    found, stage = [], -1
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word:
            stage += word == "FROM"
            found.append(Instruction(stage, word, rest.strip()))
    return found


def copies(instructions: list[Instruction]) -> list[tuple[list[str], str]]:
    """What is copied from the checkout, and where to; what comes from another stage is left out."""
    words = [shlex.split(one.rest) for one in instructions if one.word == "COPY" and "--from=" not in one.rest]
    return [(one[:-1], one[-1]) for one in words]


def starts(instructions: list[Instruction]) -> list[str]:
    """The words of ENTRYPOINT and CMD."""
    return [str(word) for kind in ("ENTRYPOINT", "CMD") for one in instructions if one.word == kind for word in json.loads(one.rest)]


def copy(instructions: list[Instruction], source: Path) -> None:
    for names, target in copies(instructions):
        for name in names:
            # A folder is copied as what is in it, a file into a folder that ends with a slash.
            to = source / target / Path(name).name if target.endswith("/") and (ROOT / name).is_file() else source / target
            if not copy_tracked(ROOT, name, to):
                sys.exit(f"error: COPY {name}: git tracks no such file")


def build(instructions: list[Instruction], folder: Path) -> None:
    source = folder / "source"
    source.mkdir()
    copy(instructions, source)
    for one in instructions:
        if one.word == "RUN" and one.stage == 0:
            # The base image calls it python; a Debian calls it python3.
            command = one.rest.replace("/opt/", f"{folder}/opt/").replace("python -m venv", f"{shlex.quote(sys.executable)} -m venv")
            at = time.monotonic()
            done = subprocess.run(["sh", "-ec", command], cwd=source, capture_output=True, text=True, check=False, timeout=RUN_SECONDS_MAX)
            if done.returncode != 0:
                sys.exit(f"error: RUN {one.rest[:200]}\n{done.stderr[-3000:]}")
            print(f"{time.monotonic() - at:7.1f} s  RUN {one.rest[:100]}", flush=True)


def try_start(words: list[str], folder: Path) -> None:
    """The entry point with its options, at a free port of this machine, until it says that it listens."""
    (program,) = folder.glob(f"opt/*/bin/{words[0]}")
    listening = [re_addressed(word, folder) for word in words[1:]]
    environment = {"PATH": f"{program.parent}:/usr/bin:/bin", "HOME": str(folder), "MPP_HOME": str(folder / "home"), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [str(program), *listening, "--json"], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        said = ""
        for line in server.stdout or ():
            said += line
            if line.startswith("}"):
                break
        server.terminate()
        _, complaint = server.communicate(timeout=60)
    if '"ok": true' not in said:
        sys.exit(f"error: {shlex.join(words)} did not start\n{said}{complaint[-2000:]}")
    print(f"{'':11}{shlex.join(words)}: {json.loads(said).get('url', 'listens')}", flush=True)


def re_addressed(word: str, folder: Path) -> str:
    if word.startswith("0.0.0.0:"):
        return "127.0.0.1:0"
    return word.replace("/var/lib/", f"{folder}/var/")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.containers", description="Carry out the steps of a Containerfile in a plain folder.")
    parser.add_argument("file", type=Path, nargs="+", help="the Containerfile")
    for file in parser.parse_args().file:
        instructions = read(file.read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory(prefix="mpp-container-") as folder:
            os.umask(0o022)
            print(file)
            build(instructions, Path(folder))
            try_start(starts(instructions), Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
