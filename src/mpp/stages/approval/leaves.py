"""Arguments as lines: one for each value, by its path, in a fixed order. Spec: spec/4-approval.md section 3."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from mpp.limits import JSON_DEPTH_MAX
from mpp.model.jsontext import Json
from mpp.stages.approval.quoting import is_whole, name, quoted

KEY_COLUMNS_MAX = 40
"""Columns of one step of the path to an argument. Reason: names of parameters are short; a longer one is cut and its hash is shown."""

STEPS_SHOWN_MAX = 8
"""Steps of the path to an argument. Reason: two lines; of a deeper one the first and the last are shown."""

_PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_SECRET = frozenset((
    "password", "passwd", "pwd", "passphrase", "passcode", "secret", "token", "credential", "credentials", "authorization", "apikey", "privatekey", "accesskey",
    "secretkey", "signingkey", "encryptionkey", "clientsecret", "pin", "otp", "cvv", "cvc", "cookie",
))  # fmt: skip


class _Widths(NamedTuple):
    """Columns of a value, columns of a step of its path, and steps."""

    value: int
    key: int
    steps: int


class Leaf(NamedTuple):
    """One line, and whether something of it is left out."""

    line: str
    cut: bool


def says_secret(key: str) -> bool:
    """Does a key say that what stands under it is secret? Its last word does, or the last two: ``apiKey``, ``x-api-key``, ``db_password``."""
    words = [word.lower() for word in _PARTS.findall(key[-200:])]
    return bool(words) and (words[-1] in _SECRET or "".join(words[-2:]) in _SECRET)


def leaves(document: Json, most: int, *, whole_paths: bool = False) -> Iterator[Leaf]:
    """Every value that is no object or list with something in it; keys in the order of their characters. Each is written when it is asked for.

    ``most``: columns of a value. ``whole_paths``: of a step of its path too, and all steps are shown.
    """
    widths = _Widths(most, most, JSON_DEPTH_MAX) if whole_paths else _Widths(most, KEY_COLUMNS_MAX, STEPS_SHOWN_MAX)
    yield from _walk(document, [], widths, secret=False)


def count_leaves(document: Json) -> int:
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    return sum(map(count_leaves, inner)) if inner else 1


def _walk(found: Json, steps: list[str], most: _Widths, *, secret: bool) -> Iterator[Leaf]:
    if isinstance(found, dict) and found:
        for key in sorted(found):
            yield from _walk(found[key], [*steps, key], most, secret=secret or says_secret(key))
    elif isinstance(found, list) and found:
        for i, item in enumerate(found):
            yield from _walk(item, [*steps, str(i)], most, secret=secret)
    else:
        yield _leaf(found, steps, most, secret=secret)


def _leaf(found: Json, steps: list[str], most: _Widths, *, secret: bool) -> Leaf:
    shown_steps = steps if len(steps) <= most.steps else [*steps[: STEPS_SHOWN_MAX // 2], *steps[-STEPS_SHOWN_MAX // 2 :]]
    path = "".join(f"/{name(step, most.key)}" for step in shown_steps)
    long_path = len(shown_steps) < len(steps) or not all(is_whole(step, most.key) for step in steps)
    if long_path:
        path += f" ({len(steps)} steps)"
    if secret and found is not None and not isinstance(found, bool):
        # Attack on its owner: a question goes to files, web hooks and screens. The hash of all arguments binds the value all the same.
        return Leaf(f"{path} = (not shown: its name says that it is secret)", cut=long_path)
    if not isinstance(found, str):
        # A number is shown exactly as the tool is given it.
        return Leaf(f"{path} = {json.dumps(found)}", cut=long_path)
    shown = quoted(found, most.value)
    return Leaf(f"{path} = {shown.noted}", cut=shown.cut or long_path)
