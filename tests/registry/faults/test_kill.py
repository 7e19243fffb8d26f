"""SIGKILL at each step of a publish, on both stores: never a visible half version, never a lost accepted one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.registry.servers import Objects

STEPS_MIN = 25
"""A publish has more steps; fewer would say that the harness no longer sees them."""

STRIDE = 5
"""Each fifth step, another fifth in each of the tests; MPP_TEST_EVERY_STEP=1 takes all, which lasts some minutes."""

SECONDS_MAX = 300


def killed(
    root: Path, folder: Path, *, database_url: str = "", blobs: str = "", is_new: bool, begin: int = 1, environment: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    stride = 1 if os.environ.get("MPP_TEST_EVERY_STEP") else STRIDE
    case = {
        "begin": min(begin, stride),
        "stride": stride,
        "data": str(folder / "data"),
        "database_url": database_url,
        "blobs": blobs,
        "publisher": "Killed",
        "is_new": "yes" if is_new else "",
    }
    path = folder / "case.json"
    path.write_text(json.dumps(case))
    paths = os.pathsep.join(str(root / one) for one in ("src", "registry/src", "."))
    env = {**os.environ, "PYTHONPATH": paths, **(environment or {})}
    words = ["setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "tests.registry.faults.dying", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS_MAX, env=env, stdin=subprocess.DEVNULL, cwd=root)
    assert done.returncode == 0, done.stderr[-3000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert found[-1]["code"] == 0, f"the publish never came to its end: {done.stderr[-3000:]}"
    return found


def whole(told: dict[str, Any]) -> bool:
    """The row, its one leaf, the file, and the proof that joins them."""
    return bool(told["row"] and told["leaf"] == 1 and told["blob"] and told["agree"] and told["proven"])


def judge(found: list[dict[str, Any]]) -> None:
    """Of each process: what it told before it was gone, and what the stores say now."""
    *deaths, last = found
    deaths = [*deaths[2:], *deaths[:2]]
    assert [one["told"][-1]["died"].split()[0] for one in deaths[-2:]] == ["in", "after"]
    assert last["step"] >= STEPS_MIN
    size, visible = 0, set()
    for one in deaths:
        what = f"step {one['step']}: {one['told']}"
        assert one["code"] == -9, what
        # The publisher tried again.
        assert one["again"] == 0, what
        seen, after = one["seen"], one["after"]
        # All of it, or nothing: the row, its leaf, the file, and the proof that joins them.
        assert (seen["row"], seen["leaf"]) in {(True, 1), (False, 0)}, what
        if seen["row"]:
            assert whole(seen), what
        visible.add(seen["row"])
        assert seen["leaves_whole"], what
        assert seen["size"] >= size, what
        assert one["is_new"] is not seen["row"], what
        assert whole(after), what
        assert after["leaves_whole"], what
        assert set(seen["sizes"]) <= set(after["sizes"]), what
        size = after["size"]
    # Whatever was answered is there; the answer is the last step of all.
    assert last["told"][-1]["is_new"]
    assert (last["seen"]["row"], last["is_new"]) == (True, False)
    # The harness saw both: deaths that leave nothing, and deaths after which all is there and nobody was told.
    assert visible == {False, True}
    assert deaths[-1]["seen"]["row"]


@pytest.mark.parametrize("is_new", [False, True], ids=["a further version", "a new package each time"])
def test_one_machine(root: Path, tmp_path: Path, is_new: bool) -> None:
    judge(killed(root, tmp_path, is_new=is_new, begin=1 + is_new))


def test_many_machines(root: Path, tmp_path: Path, postgres_url: str, objects: Objects, bucket: str) -> None:
    judge(killed(root, tmp_path, database_url=postgres_url, blobs=f"s3://{bucket}/blobs", is_new=False, begin=3, environment=objects.environment))
