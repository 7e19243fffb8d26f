"""The way of a question through registries: who was asked already, and how many more questions it may cause. Pure.

Spec: spec/federation.md section 3.
"""

from __future__ import annotations

import re

from mpp.errors import Refused
from mpp.model.names import SHA256_HEX
from mpp.model.value import value

from mpp_registry.federation.limits import BUDGET, PARALLEL_MAX
from mpp.protocol.registry.limits import HOPS_MAX

VIA_HEADER, BUDGET_HEADER = "Mpp-Via", "Mpp-Budget"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,3}")


@value
class Way:
    """Where a question has been. Of a client's own question nothing is on it."""

    via: tuple[str, ...] = ()
    budget: int = BUDGET

    @property
    def is_whole(self) -> bool:
        """Is it a client's own, so that nobody has bounded it? Only then a no means that nobody was found."""
        return not self.via and self.budget == BUDGET

    def split(self, registry_id: str, count: int) -> tuple[int, Way]:
        """How many of ``count`` peers may be asked, and the way that each of these questions goes. Spec: federation U-21, U-22."""
        if len(self.via) + 1 >= HOPS_MAX:
            return 0, self
        asked = min(count, PARALLEL_MAX, self.budget)
        left = (self.budget - asked) // asked if asked else 0
        return asked, Way(via=(*self.via, registry_id), budget=left)

    def headers(self) -> dict[str, str]:
        return {VIA_HEADER: ", ".join(self.via), BUDGET_HEADER: str(self.budget)}


def read_way(via: str | None, budget: str | None, registry_id: str) -> Way:
    """What a request says of its way. What it says can only make it shorter. Spec: federation U-20.

    Attack: a loop of registries that ask each other for ever; a budget that somebody made larger.
    """
    if via is None and budget is None:
        return Way()
    ids = tuple(one.strip() for one in via.split(",")) if via else ()
    number = int(budget) if budget is not None and _NUMBER.fullmatch(budget) else 0
    if len(ids) > HOPS_MAX or any(SHA256_HEX.fullmatch(one) is None for one in ids):
        raise Refused("registry.form", "the way of the question cannot be read", where=VIA_HEADER, hint="name at most three registries by their whole ids")
    if registry_id in ids or len(set(ids)) != len(ids):
        raise Refused(
            "registry.loop",
            "the question has been here already",
            where=VIA_HEADER,
            hint="take the registries out of each other's lists, or nothing: it ends here",
        )
    return Way(via=ids, budget=min(number, BUDGET))
