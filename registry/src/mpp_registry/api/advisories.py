"""Endpoints about packages that went wrong."""

from __future__ import annotations

from mpp.protocol.registry import bodies
from mpp_registry.advisories import advisories_page, publish_advisory, report
from mpp_registry.api.answering import Answer, document, NEVER
from mpp_registry.api.asking import Ask


def advisories(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        return document(advisories_page(rows, ask.query["cursor"], ask.count("limit")).to_json())


def post_advisory(ask: Ask) -> Answer:
    found = publish_advisory(ask.services, bodies.read_advisory(ask.body), None if ask.is_admin else ask.need_actor())
    return document(found.to_json(), status=201, cache=NEVER)


def post_report(ask: Ask) -> Answer:
    return document({"report_id": report(ask.services, bodies.read_report(ask.body), ask.address)}, status=201, cache=NEVER)
