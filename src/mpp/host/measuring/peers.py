"""Other filters, each as JSON in and JSON out. One that is not installed is None. Nothing is downloaded, and no model is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from importlib import import_module

import orjson

from mpp.model.jsontext import Json
from mpp.model.manifest import CustomPattern
from mpp.stages.privacy import Arena, Detector, gather, Place

Run = Callable[[bytes], bytes]


def cpex(custom: Sequence[CustomPattern]) -> Run | None:
    """The Rust plug-ins ``cpex-pii-filter`` and ``cpex-secrets-detection``, one after the other, with all that they can detect."""
    try:
        personal, secret = import_module("cpex_pii_filter"), import_module("cpex_secrets_detection")
    except ImportError:
        return None
    rules: list[dict[str, str]] = [{"pattern": one.regex, "type": "custom", "description": one.description} for one in custom]
    detector = personal.PIIDetectorRust({"custom_patterns": rules, "max_collection_items": 10**6, "max_text_bytes": 10**8})

    def run(data: bytes) -> bytes:
        message = orjson.loads(data)
        changed = detector.process_nested(message, "")[1]
        return orjson.dumps(secret.py_scan_container(message if changed is None else changed, {"redact": True})[1])

    return run


Find = Callable[[str], list[tuple[int, int, str]]]
"""Start, end and kind of what is found in a text."""


def presidio_finder() -> Find | None:
    """``presidio-analyzer`` with its recognisers of six kinds, without a language model."""
    try:
        analyzer, spacy = import_module("presidio_analyzer"), import_module("spacy")
        kinds = import_module("presidio_analyzer.predefined_recognizers")
        engines, domains = import_module("presidio_analyzer.nlp_engine"), import_module("tldextract")
    except ImportError:
        return None
    # It would fetch a list of domains from the network.
    vars(domains)["extract"] = domains.TLDExtract(suffix_list_urls=())
    nlp = engines.SpacyNlpEngine()
    nlp.nlp = {"en": spacy.blank("en")}
    registry = analyzer.RecognizerRegistry(supported_languages=["en"])
    for name in ("EmailRecognizer", "PhoneRecognizer", "CreditCardRecognizer", "UsSsnRecognizer", "IbanRecognizer", "IpRecognizer"):
        registry.add_recognizer(getattr(kinds, name)())
    engine = analyzer.AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])

    return lambda text: [(one.start, one.end, one.entity_type) for one in engine.analyze(text=text, language="en")]


def presidio() -> Run | None:
    """The same, over JSON."""
    find = presidio_finder()
    if find is None:
        return None

    def clean(text: str) -> str:
        for start, end, kind in sorted(find(text), reverse=True):
            text = f"{text[:start]}<{kind}>{text[end:]}"
        return text

    return lambda data: json.dumps(_each(json.loads(data), clean)).encode()


def _each(item: Json, clean: Callable[[str], str]) -> Json:
    if isinstance(item, str):
        return clean(item)
    if isinstance(item, dict):
        return {key: _each(one, clean) for key, one in item.items()}
    return [_each(one, clean) for one in item] if isinstance(item, list) else item


def one_by_one(detectors: Sequence[Detector]) -> Run:
    """Our own detectors, with each expression searched for by Python's ``re``, one after the other."""
    probes = [(re.compile(probe.encode("latin-1")), detector) for detector in detectors for probe in detector.probes]

    def run(data: bytes) -> bytes:
        message = orjson.loads(data)
        arena = gather(message)
        text = arena.text.encode()
        is_plain = len(text) == len(arena.text)
        for expression, detector in probes:
            for found in expression.finditer(text):
                at = found.start() if is_plain else len(text[: found.start()].decode("utf-8", "replace"))
                for hit in detector.look(_place(arena, at)):
                    leaf = arena.leaf_at(hit.start)
                    spot = arena.spots[leaf]
                    if not spot.is_key:
                        spot.put(f"<{hit.type}>")
        return orjson.dumps(message)

    return run


def _place(arena: Arena, at: int) -> Place:
    place = Place(arena)
    place.at = at
    place.leaf = max(arena.leaf_at(at + 3), 0)
    place.low, place.high = arena.starts[place.leaf], arena.end_of(place.leaf)
    return place
