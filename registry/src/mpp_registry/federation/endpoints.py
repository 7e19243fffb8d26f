"""The endpoints of federation, as rows of the table of endpoints."""

from __future__ import annotations

import time
from collections.abc import Callable

from mpp.errors import Refused
from mpp_registry.api.answering import Answer, Blob, document, FRESH, IMMUTABLE, PACKAGE, SHORT
from mpp_registry.api.asking import Ask, not_found, PACKAGE as PACKAGE_ID, Parameter, VERSION_OF
from mpp_registry.api.endpoint import Endpoint, Reply
from mpp.protocol.registry.found import write_found
from mpp_registry.federation.discovery import Discovery
from mpp_registry.federation.judging import Question
from mpp_registry.federation.limits import VERSION_CHARS_MAX
from mpp_registry.federation.page import peers_json
from mpp_registry.federation.peers import list_document
from mpp_registry.federation.proxy import Proxy
from mpp_registry.federation.way import BUDGET_HEADER, read_way, VIA_HEADER
from mpp.host.enrolment.wire import Web
from mpp_registry.services import Services

WANTED = Parameter(name="version", words="Of this version; none: of the newest.", most=VERSION_CHARS_MAX)


class Federation:
    """What the endpoints of one process share."""

    def __init__(self, services: Services, *, moment: Callable[[], float] = time.monotonic, web: Web | None = None) -> None:
        used = web or Web()
        self.discovery, self.proxy = Discovery(services, moment, web=used), Proxy(services, used)

    def close(self) -> None:
        self.discovery.close()

    def discover(self, ask: Ask) -> Answer:
        question = Question(package_id=ask.package_id, version=_wanted(ask.query["version"]))
        here = self.discovery.local(question)
        if here is not None:
            return Answer(data=write_found(here, is_local=True), cache=SHORT)
        way = read_way(ask.headers.get(VIA_HEADER), ask.headers.get(BUDGET_HEADER), ask.services.settings.registry_id)
        judged = self.discovery.find(question, way)
        if judged is None:
            # The same words for what is not there and for what is private: nobody learns of the one by the other.
            raise not_found(f"neither here nor at a peer is a package {question.package_id}")
        return Answer(data=write_found(judged.found, is_local=False), cache=SHORT)

    def download(self, ask: Ask) -> Answer:
        question = Question(package_id=ask.package_id, version=_wanted(ask.version))
        judged = self.discovery.find(question, read_way(ask.headers.get(VIA_HEADER), ask.headers.get(BUDGET_HEADER), ask.services.settings.registry_id))
        home = self.discovery.listed_peer(judged.found.registry_id) if judged is not None else None
        if judged is None or home is None:
            raise not_found("no peer of this registry has this version, or its home is none of them")
        wanted = self.proxy.fetch(judged, home)
        blob = Blob(sha256=wanted.file_hash, size=wanted.size, name=f"{question.package_id}-{question.version}.mpp")
        return Answer(blob=blob, media=PACKAGE, cache=IMMUTABLE)

    def peers(self, ask: Ask) -> Answer:
        with ask.services.database.read() as rows:
            return document(peers_json(ask.services, rows, self.discovery.breakers), cache=FRESH)


def _wanted(text: str) -> str:
    if text and VERSION_OF.fault(text):
        raise Refused("registry.parameter", f"the version is not {VERSION_OF.form}", where="?version", hint="write for example 1.0.0")
    return text


def signed_list(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        found = list_document(rows)
    if found is None:
        raise Refused("registry.absent", "this registry has no peers", hint="its administrator adds one: mpp registry peers add")
    return Answer(data=found, cache=FRESH)


def federation_endpoints(services: Services, federation: Federation | None = None) -> tuple[Endpoint, ...]:
    shared = federation or Federation(services)
    found = Reply(status=200, words="Its home registry, and the bundle that proves it.")
    return (
        Endpoint(
            method="GET", path="/v1/discover/{package_id}", name="discover", words="Where a package is: here, or at a registry that peers know.",
            tag="federation", handle=shared.discover, places=(PACKAGE_ID,), query=(WANTED,), replies=(found,),
        ),
        Endpoint(
            method="GET", path="/v1/discover/{package_id}/versions/{version}/download", name="download_from_home",
            words="The file of another registry's package, checked against that registry's log.", tag="federation", handle=shared.download,
            places=(PACKAGE_ID, VERSION_OF), replies=(Reply(status=200, words="The package.", media=PACKAGE),),
        ),
        Endpoint(
            method="GET", path="/v1/peers", name="peers", words="The peers of this registry, and what was seen of them.", tag="federation",
            handle=shared.peers, replies=(Reply(status=200, words="The peers."),),
        ),
        Endpoint(
            method="GET", path="/v1/peers/list", name="peers_list", words="The signed list of peers.", tag="federation", handle=signed_list,
            replies=(Reply(status=200, words="As it was signed."),),
        ),
    )  # fmt: skip
