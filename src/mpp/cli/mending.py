"""``mpp doctor --fix``: each change is shown, agreed to, made, and said."""

from __future__ import annotations

import contextlib
import os
import pwd
import sys
import time

import click

from mpp.cli.screen import CAREFUL, CROSS, fault_json, HEADING, mark, note, safe, say, styled, TICK
from mpp.errors import MppError
from mpp.host.home import Home
from mpp.host.repairing import carry_out, Left, plan_repairs, Repair
from mpp.model.jsontext import Json
from mpp.model.value import value

SHOWN_MAX = 40
"""Changes that are listed on the screen. Reason: a person reads a page; --json has all of them."""


@value
class Mended:
    """What became of each repair."""

    done: tuple[tuple[Repair, str], ...]
    failed: tuple[tuple[Repair, MppError], ...]
    refused: tuple[Repair, ...]
    """Shown, and not agreed to."""
    left: tuple[Left, ...]

    @property
    def is_well(self) -> bool:
        return not (self.failed or self.refused or self.left)

    def to_json(self) -> Json:
        made: list[Json] = [{"kind": one.kind, "path": one.path, "words": one.words, "result": how} for one, how in self.done]
        failed: list[Json] = [{"kind": one.kind, "path": one.path, "words": one.words, "error": fault_json(fault.faults[0])} for one, fault in self.failed]
        planned: list[Json] = [{"kind": one.kind, "path": one.path, "words": one.words} for one in self.refused]
        left: list[Json] = [{"path": one.path, "words": one.words, "command": one.command} for one in self.left]
        return {"done": made, "failed": failed, "planned": planned, "left": left}


def mend(home: Home, *, yes: bool, as_json: bool) -> Mended:
    """Show what would be changed, and change it after a yes. Without a terminal and without ``yes`` nothing is changed."""
    plan = plan_repairs(home, uid=os.getuid(), people=_people(), now=int(time.time()), unsound=lambda: len(_unsound(home)))
    if not as_json:
        _show(home, plan.repairs, plan.left)
    if plan.repairs and not (yes or (not as_json and _agreed(len(plan.repairs)))):
        return Mended(done=(), failed=(), refused=plan.repairs, left=plan.left)
    done: list[tuple[Repair, str]] = []
    failed: list[tuple[Repair, MppError]] = []
    for repair in plan.repairs:
        try:
            done.append((repair, carry_out(repair, home, lambda: _checked(home))))
        except MppError as fault:
            failed.append((repair, fault))
    if not as_json:
        _tell(done, failed)
    return Mended(done=tuple(done), failed=tuple(failed), refused=(), left=plan.left)


def _people() -> frozenset[str]:
    """The folder of the person, as the environment has it and as the system has it."""
    with contextlib.suppress(KeyError):
        return frozenset({os.path.expanduser("~"), pwd.getpwuid(os.getuid()).pw_dir})
    return frozenset({os.path.expanduser("~")})


def _unsound(home: Home) -> tuple[tuple[str, bool], ...]:
    """Code in the cache that is of another engine, or not as it was sealed: its name, and whether it is of today's engine."""
    from mpp.host.sandbox import native_cache  # noqa: PLC0415 - brings the engine

    cache = native_cache(home.cache)
    return tuple((one.wasm_sha256, one.current) for one in cache.entries() if not (one.current and cache.holds(one.wasm_sha256)))


def _checked(home: Home) -> int:
    """Remove it; how many pieces."""
    from mpp.host.sandbox import native_cache  # noqa: PLC0415 - brings the engine

    cache = native_cache(home.cache)
    broken = [digest for digest, is_current in _unsound(home) if is_current]
    for digest in broken:
        # What does not check goes when it is loaded, as at any call.
        memory = cache.load(digest)
        if memory is not None:
            os.close(memory)
    return len(broken) + cache.clear(outdated_only=True)[0]


def _show(home: Home, repairs: tuple[Repair, ...], left: tuple[Left, ...]) -> None:
    say(styled("mending", HEADING), f" {home.path}")
    for repair in repairs[:SHOWN_MAX]:
        say("  ", styled("~", CAREFUL), f" {_shorter(home, repair.path)}: {repair.words}")
    if len(repairs) > SHOWN_MAX:
        say(f"    and {len(repairs) - SHOWN_MAX} more of the same kinds: --json has them")
    for one in left[:SHOWN_MAX]:
        say("  ", mark(CROSS), f" {_shorter(home, one.path)}: {one.words}")
        if one.command:
            say(f"      an administrator can run: {one.command}")
    if not repairs:
        say("  ", mark(TICK), " there is nothing that could be mended here")


def _shorter(home: Home, path: str) -> str:
    return os.path.relpath(path, home.path) if path != home.path else path


def _agreed(count: int) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        note("nothing was changed: --yes makes these changes where nobody can be asked")
        return False
    words: str = click.prompt(f"Make {'this change' if count == 1 else f'these {count} changes'}? Type yes", default="no", show_default=False, err=True)
    return words.strip().lower() == "yes"


def _tell(done: list[tuple[Repair, str]], failed: list[tuple[Repair, MppError]]) -> None:
    for repair, fault in failed:
        note(f"error: {safe(repair.path)}: {fault.message} [{fault.code}]")
    if done:
        say("  ", mark(TICK), f" {len(done)} of {len(done) + len(failed)} done")
    if any("others may write" in repair.words for repair, _ in done):
        note("hint:  others could write here: look at `mpp trust list`, `mpp policy show` and `mpp list` before you rely on them")
    if any(_is_key(repair.path) for repair, _ in done):
        note("hint:  others could read keys: rotate them (`mpp keygen --rotate`), for nobody knows who did")


def _is_key(path: str) -> bool:
    return path.endswith(".key") and os.sep + "cache" + os.sep not in path
