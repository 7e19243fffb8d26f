"""A tool runs, and the doctor tells the truth, where there is little: read-only root, no privileges, no user namespaces.

The surroundings are those of a hardened container, made with the kernel's own means: a mount namespace, a read-only copy of the root, a
change of root (which forbids new user namespaces), an unprivileged user without capabilities.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mpp.testing import packages
from mpp.testing.keys import publisher
from tests.cli.test_run import HELLO, says

NOBODY = 65534
TOOLS = ("unshare", "mount", "chroot", "setpriv")

SCRIPT = """
set -e
mount --make-rprivate /
mount --rbind / "$ROOT"
mount --bind "$HOMES" "$ROOT$HOMES"
mount -o remount,bind,ro "$ROOT"
exec chroot "$ROOT" setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups --no-new-privs --bounding-set=-all \
  env -i MPP_HOME="$HOMES/home" PYTHONPATH="$PYTHONPATH" PYTHONDONTWRITEBYTECODE=1 PATH=/usr/bin:/bin sh -c "$COMMAND"
"""


def _python() -> str:
    """An interpreter that an unprivileged user may start: the one that runs us may lie in a private home."""
    for path in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        # Through a shell: setpriv itself may still look into folders that its user may not.
        words = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "sh", "-c", f"exec {path} -c 'import ctypes, ssl'"]
        if os.path.exists(path) and subprocess.run(words, capture_output=True, check=False).returncode == 0:
            return path
    pytest.skip("no Python of this version that an unprivileged user may start")


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory, root: Path):
    if os.geteuid() != 0 or not all(shutil.which(tool) for tool in TOOLS):
        pytest.skip("needs root, unshare, mount, chroot and setpriv to make the container")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    python, place = _python(), tmp_path_factory.mktemp("container")
    for one in (place, *place.parents[:2]):
        one.chmod(0o755)
    homes, new_root = place / "homes", place / "root"
    (homes / "home" / "trust").mkdir(parents=True)
    new_root.mkdir()
    (homes / "hello-0.1.0.mpp").write_bytes(packages.signed(extra={packages.ENTRYPOINT: says(HELLO)}))
    known = publisher()
    chain = json.loads(known.chain.data)
    document = {
        "mpp_trust": 1, "publishers": [{"roots": chain["roots"], "any_package": True}], "pins": {}, "prefixes": {}, "revoked_publishers": [],
        "revoked_content": [], "installed": [], "first_use": False,
    }  # fmt: skip
    (homes / "home" / "trust" / "trust.json").write_text(json.dumps(document))
    for path in (homes, *homes.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o700 if path.is_dir() else 0o600)

    def call(words: str) -> subprocess.CompletedProcess[str]:
        packages_of = [str(root / "src"), *(path for path in sys.path if path.endswith("site-packages"))]
        environment = {
            **os.environ, "ROOT": str(new_root), "HOMES": str(homes), "NOBODY": str(NOBODY), "PYTHONPATH": ":".join(packages_of),
            "COMMAND": f"cd {homes} && {python} -m mpp {words}",
        }  # fmt: skip
        return subprocess.run(["unshare", "--mount", "--fork", "sh", "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False, timeout=120)

    return call


def test_a_tool_runs(container) -> None:
    done = container("run hello-0.1.0.mpp --json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"]["structuredContent"] == {"n": 1}


def test_the_doctor_says_what_is_there_and_what_is_not(container) -> None:
    done = container("doctor --json")
    assert done.returncode == 0, done.stderr
    states = {one["name"]: one["state"] for one in json.loads(done.stdout)["barriers"]}
    required = ("seccomp", "limits", "no new privileges", "no capabilities", "not dumpable", "closed descriptors")
    assert {states[name] for name in required} == {"holds"}
    # These two need user namespaces or privileges, which this place does not give; it must not pretend.
    assert {states["own network"], states["empty root"]} == {"missing"}
