"""The environment of `make bench`: this project and the programs that it is measured beside, each at the version that it was met at."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "bench"
INSTALL_SECONDS_MAX = 1800

RIVALS = (
    "act-cli==0.14.6", "cedarpy==4.12.2", "componentize-py==0.25.1", "cpex-pii-filter==0.3.9", "cpex-secrets-detection==0.3.14", "extism==1.1.1", "fastmcp==4.2.3",
    "gunicorn==27.0.1", "mcp==2.3.0", "presidio-analyzer==2.2.366", "pypiserver==2.4.2", "tracekit-ai==1.4.2", "watchdog==7.1.0", "witness-log==0.6.1",
)  # fmt: skip
"""What others wrote. None of it is a dependency of ours."""


def python(say: Callable[[str], None]) -> Path:
    """The interpreter of the environment, which is made if it is not there or no longer what is wanted."""
    place, done = FOLDER / "venv", FOLDER / "installed.json"
    found = place / "bin" / "python"
    lock = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    wanted = json.dumps({"rivals": RIVALS, "lock": hashlib.sha256(lock.encode()).hexdigest()})
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return found
    say("installing what is measured, and what it is measured beside, into build/bench (650 MB, some minutes)")
    FOLDER.mkdir(parents=True, exist_ok=True)
    venv.create(place, clear=True, with_pip=True)
    pip = [str(found), "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    held = FOLDER / "constraints.txt"
    held.write_text("".join(f"{line.split(' ')[0]}\n" for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))), encoding="utf-8")
    _run([*pip, "--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / "requirements" / "dev.txt")])
    _run([*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT), "--editable", str(ROOT / "registry")])
    # Where both want something, our lock says which: a baseline with another event loop than ours would be another baseline.
    _run([*pip, "--constraint", str(held), *RIVALS])
    done.write_text(wanted, encoding="utf-8")
    return found


def versions(interpreter: Path) -> dict[str, str]:
    """Of all rivals that are installed there, and of what ours stands on."""
    names = [one.partition("==")[0] for one in RIVALS] + ["apsw", "hyperscan", "nacl", "pynacl", "orjson", "starlette", "uvicorn", "uvloop", "wasmtime"]
    script = (
        "import importlib.metadata as m, json, sys\nfound = {}\nfor name in sys.argv[1:]:\n"
        "    try: found[name] = m.version(name)\n    except m.PackageNotFoundError: pass\nprint(json.dumps(found))"
    )
    done = subprocess.run([str(interpreter), "-c", script, *names], capture_output=True, text=True, check=True, timeout=60)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise SystemExit(
            f"error: {' '.join(command[:6])} … ended with {done.returncode}:\n{done.stderr[-2000:]}\nhint:  --here measures with the packages that are installed beside this Python"
        )


if __name__ == "__main__":
    print(python(lambda text: print(text, file=sys.stderr)))
