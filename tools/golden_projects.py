"""The golden package of each SDK as a project that ``mpp build`` builds: sources of sdk/ laid out in one folder, and the common manifest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

SDK = Path(__file__).resolve().parent.parent / "sdk"

_TOML = '[build]\nlanguage = "{language}"\nassets = []\n'

SOURCES: dict[str, dict[str, str]] = {
    "c": {"src/main.c": "c/golden/main.c", "include/mpp.h": "c/mpp.h"},
    "cpp": {"src/main.cpp": "cpp/golden/main.cpp", "include/mpp.h": "c/mpp.h", "include/mpp.hpp": "cpp/mpp.hpp"},
    "go": {name: f"go/{name}" for name in ("go.mod", "mpp.go", "json.go", "host.go", "host_wasip1.go", "host_other.go", "golden/main.go")},
    "zig": {"src/main.zig": "zig/golden/main.zig", "src/mpp.zig": "zig/mpp.zig"},
    "rust": {
        **{name: f"rust/golden/{name}" for name in ("Cargo.toml", "Cargo.lock", "src/main.rs")},
        **{f"vendor/mpp-sdk/{name}": f"rust/mpp-sdk/{name}" for name in ("Cargo.toml", "src/lib.rs", "src/json.rs", "src/host.rs", "src/bytes.rs")},
    },
    "python": {"app/main.py": "python/golden/app/main.py"},
    "typescript": {"app/main.ts": "typescript/golden/app/main.ts"},
}
"""File of the project, file below sdk/."""

_BUILD: dict[str, str] = {
    "c": 'sources = ["src/*.c"]\ninclude = ["include"]\n',
    "cpp": 'sources = ["src/*.cpp"]\ninclude = ["include"]\n',
    "go": 'sources = ["go.mod", "*.go", "golden/*.go"]\npackage = "golden"\n',
    "zig": 'sources = ["src/*.zig"]\n',
    "rust": 'sources = ["Cargo.toml", "Cargo.lock", "src/**", "vendor/**"]\n',
    "python": 'definitions = "manifest"\n',
    "typescript": 'definitions = "manifest"\n',
}

_RUNTIME: dict[str, dict[str, str]] = {
    "python": {"type": "python", "entrypoint": "app/main.py"},
    "typescript": {"type": "javascript", "entrypoint": "app/main.ts"},
}
"""How the package runs, where it is no module of its own."""


def write_project(language: str, folder: Path) -> None:
    """Lay the golden project of ``language`` out in ``folder``."""
    for name, source in SOURCES[language].items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SDK / source, target)
    manifest = json.loads((SDK / "golden" / "manifest.json").read_text(encoding="utf-8"))
    manifest["runtime"].update(_RUNTIME.get(language, {}))
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    (folder / "mpp.toml").write_text(_TOML.format(language=language) + _BUILD[language], encoding="utf-8")
