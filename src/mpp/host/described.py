"""What a model reads of a package, judged before anybody is asked to agree to it. The stage of approval comes before that of the guard, so the host joins the two.

Spec: spec/6-privacy.md F-64, F-65.
"""

from __future__ import annotations

from functools import lru_cache

from mpp.model.manifest import Manifest

LINES_MAX = 5
"""Hits that a question names. Reason: it is read whole; `mpp inspect` lists all of them."""

KNOWN_MAX = 64
"""Packages of which is remembered what was found. Reason: a host has tens in use; each takes milliseconds to judge anew."""


@lru_cache(KNOWN_MAX)
def to_look_at(manifest: Manifest, others: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """What a person should see of the descriptions before a yes, one line each. Raises Refused ``description.*`` for what hides something.

    ``others``: names of the tools of other packages, as far as the caller knows them.
    """
    # Imported here: a package that somebody agreed to is not judged again, and most calls are of such.
    from mpp.stages.privacy.guard import accepted  # noqa: PLC0415

    shown = accepted(manifest, others).shown
    lines = [f'A model reads at {hit.where}: "{hit.found}" ({hit.says}).' for hit in shown[:LINES_MAX]]
    return (*lines, *([f"A model reads {len(shown) - LINES_MAX} more such places: see mpp inspect."] if len(shown) > LINES_MAX else []))
