"""Does the domain say that a publisher is its own? One look, by one of the two ways."""

from __future__ import annotations

from typing import Literal

from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import read
from mpp.model.names import SHA256_HEX, SHA256_HEX_FORM
from mpp.model.value import value
from mpp_registry.namespaces.limits import PUBLISHERS_NAMED_MAX
from mpp_registry.namespaces.names import DNS_VALUE, record_of
from mpp_registry.namespaces.world import Absent, Unreachable, World

Seen = Literal["there", "absent", "unreachable"]


@value
class Look:
    seen: Seen
    why: str = ""


def look(namespace: str, publisher_id: str, method: str, world: World) -> Look:
    """``there`` only if the very record stands at the very place."""
    name, wanted = record_of(namespace, publisher_id, method)
    try:
        if method == "dns":
            records = [one for one in world.txt(name) if one.startswith(DNS_VALUE)]
            there, absent = wanted in records, "its records name other publishers" if records else "there is no such record"
        else:
            there, absent = publisher_id in named_publishers(world.fetch(name)), "the file names other publishers"
    except Unreachable as fault:
        return Look(seen="unreachable", why=fault.why)
    except Absent as fault:
        return Look(seen="absent", why=fault.why)
    except Refused as fault:
        return Look(seen="absent", why=fault.message)
    return Look(seen="there") if there else Look(seen="absent", why=absent)


def named_publishers(data: bytes) -> tuple[str, ...]:
    """Those that ``mpp-publisher.json`` names. Keys that we do not know are left to whoever wrote them."""
    faults = Faults("registry")
    fields = Fields(read(data, family="registry", where="mpp-publisher.json"), "", faults)
    found = fields.texts("mpp_publishers", most=PUBLISHERS_NAMED_MAX, each_most=64, required=True, pattern=SHA256_HEX, form=SHA256_HEX_FORM)
    faults.stop()
    return found
