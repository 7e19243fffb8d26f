"""A home folder with the fixture packages built, signed and installed, as a newcomer would do it: with the commands alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "examples" / "conformance-fixtures"
ADAPTER = ROOT / "src" / "mpp" / "author" / "templates" / "c"
MPP = Path(sys.executable).parent / "mpp"
POLICY_FOR_OLDER = """mpp_policy = 1
name = "interop-older"

[[rules]]
id = "fixtures"
effect = "allow"
tools = ["*"]
why = "the only server here is our own"
"""
NAMES = ("content", "live", "asking")
EXTRA = "extra"
"""The package that comes and goes. It is built and not installed."""
EXTRA_ID = "com.example.conformance-extra"
STEP_SECONDS_MAX = 300

POLICY = """mpp_policy = 1
name = "interop"

[[rules]]
id = "somebody-looks"
effect = "ask"
tools = ["test_x_mcp_header"]
arguments = [{ pointer = "/region", op = "contains", value = "ask-me" }]
why = "a person is asked about this one, so that clients show how they do it"

[[rules]]
id = "fixtures"
effect = "allow"
packages = ["com.example.*"]
why = "the fixture tools may run; they ask for nothing"
"""


class FailedError(Exception):
    """A step ended otherwise than it should."""


class HomeFolder:
    """Where everything of one run lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("MPP_")} | {"MPP_HOME": str(folder / "home")}

    def mpp(self, *words: str, where: Path | None = None) -> str:
        done = subprocess.run(
            [str(MPP), *words], cwd=where or self.folder, env=self.environment, capture_output=True, text=True,
            timeout=STEP_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode != 0:
            raise FailedError(f"mpp {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def build(self, name: str) -> Path:
        """One fixture package, built and signed."""
        project = self.folder / name
        shutil.copytree(FIXTURES / name, project)
        shutil.copytree(ADAPTER / "include", project / "include")
        shutil.copy(ADAPTER / "src" / "mpp.c", project / "src")
        shutil.copy(FIXTURES / "common" / "fixture.h", project / "include")
        shutil.copy(FIXTURES / "common" / "fixture.c", project / "src")
        package = project / str(json.loads(self.mpp("build", "--json", where=project))["file"])
        self.mpp("sign", str(package), "-k", str(self.folder / "keys" / "publisher.key"), where=project)
        return package

    def use(self, text: str) -> None:
        """Take a policy into use."""
        policy = self.folder / "policy.toml"
        policy.write_text(text, encoding="utf-8")
        self.mpp("policy", "use", str(policy), "--yes")

    def beside(self, upstream: HomeFolder, *, older_era: bool = False) -> None:
        """A home without packages: the fixtures of another one come to it as an older server, over standard input and output."""
        self.folder.mkdir(parents=True)
        self.use(POLICY_FOR_OLDER)
        relay = (sys.executable, str(ROOT / "interop" / "older_era.py")) if older_era else ()
        server = ("env", f"MPP_HOME={upstream.environment['MPP_HOME']}", *relay, str(MPP), "serve", "--plain-names")
        # What comes and goes later is agreed to now, so that the lists here change with it.
        upstream.mpp("install", str(upstream.extra))
        # It has a sandbox of its own inside, which does not start within another one.
        self.mpp("legacy", "add", "fixtures", "--yes", "--unsandboxed", "--", *server)
        upstream.mpp("uninstall", EXTRA_ID, "--yes")

    @property
    def extra(self) -> Path:
        return next((self.folder / EXTRA).glob("*.mpp"))

    def make(self) -> list[Path]:
        """Keys, policy, all fixtures built, signed and installed."""
        self.folder.mkdir(parents=True)
        self.mpp("keygen", "-o", str(self.folder / "keys"), "--no-passphrase", "--name", "Example Publisher")
        self.use(POLICY)
        packages = [self.build(name) for name in NAMES]
        self.build(EXTRA)
        self.mpp("install", *map(str, packages))
        return packages
