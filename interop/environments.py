"""Python environments of other people's clients, one for each, outside of the project."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

from interop.home import ROOT, FailedError

INSTALL_SECONDS_MAX = 1200
REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "sdk": ("mcp==2.3.0",),
    "langchain": ("langchain-core==1.8.3", "langgraph==1.2.24", "langchain-mcp-adapters==0.3.2"),
    "pydantic": ("pydantic-ai-slim[mcp]==2.68.0",),
    "openai": ("openai-agents==0.24.0",),
    "agent_framework": ("agent-framework-core==1.23.0",),
    "semantic_kernel": ("semantic-kernel==1.45.0",),
    "autogen": ("autogen-core==0.7.5",),
    "crewai": ("crewai==1.15.30",),
}
"""By the name of the environment. Each was met at these versions."""


def environment(folder: Path, name: str) -> Path:
    """The interpreter of an environment, made if it is not there yet. MPP is beside what it has; where both have something, its own counts."""
    place = folder / name
    done, wanted = place / "installed.json", json.dumps(REQUIREMENTS[name])
    python = place / "bin" / "python"
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        _run([sys.executable, "-m", "venv", "--clear", str(place)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS[name]])
        site = next((place / "lib").glob("python*")) / "site-packages"
        (site / "mpp.pth").write_text(f"{ROOT / 'src'}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
        done.write_text(wanted, encoding="utf-8")
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise FailedError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
