"""What must be sound of a package before it is put in place: its descriptions, its patterns, its code.

Spec: spec/store.md D-46. All of it is judged again before a call; here a person learns of it while they can still choose.
"""

from __future__ import annotations

from collections.abc import Callable

from mpp.host import static
from mpp.host.described import to_look_at
from mpp.host.home import Home
from mpp.host.layers import layers_of
from mpp.host.patterns.cache import PatternCache
from mpp.host.patterns.judging import admit
from mpp.host.sandbox import CompiledPackage, judge_runtime, prepare_package
from mpp.model.value import value
from mpp.stages.gatekeeper import VerifiedPackage


@value
class Prepared:
    """A package that this host can run."""

    looks: tuple[str, ...]
    """What a person should see of its descriptions."""
    compiled: CompiledPackage


def judge_texts(package: VerifiedPackage, home: Home, others: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The quick part. ``others``: names of the tools of what is installed beside it. Raises Refused ``description.*``, ``manifest.*``, ``privacy.pattern`` or ``call.runtime``; gives what a person should look at."""
    judge_runtime(package)
    if package.manifest.runtime.layer is not None:
        # Spec: layers Y-30. Nobody is asked about a tool that could not run.
        layers_of(home, lambda: None).judge(package)
    # Spec: static-content X-2. A list with a fault would be left out by each host; here its author or installer hears of it.
    looks = (*to_look_at(package.manifest, others), *static.to_look_at(package))
    patterns = package.manifest.privacy_filters.custom_patterns
    if patterns:
        admit(patterns, PatternCache(home.cache))
    return looks


def prepare(package: VerifiedPackage, home: Home, *, working: Callable[[int], None] = lambda _: None) -> Prepared:
    """All of it. ``working`` is told the size of the code before it is compiled, which may take seconds."""
    looks = judge_texts(package, home)
    code = package.archive.find(package.manifest.runtime.entrypoint)
    working(0 if code is None else code.size)
    return Prepared(looks=looks, compiled=prepare_package(package, home))
