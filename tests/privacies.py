"""The privacy filter as tests build it, and values to plant: each is put together from parts, so that no scanner of a repository takes it for real."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from mpp.host.patterns.cache import PatternCache
from mpp.model.jsontext import Json
from mpp.stages.policy import CallPrivacy, NO_PRIVACY, PrivacyRules
from mpp.stages.policy.privacy_rules import TypeAction, make_actions
from mpp.stages.privacy import Filter, Pseudonyms, Rules, built_in, choose
from mpp.stages.privacy.engine_re2 import Re2Scanner

PATTERNS = Path(__file__).resolve().parent.parent / "build" / "patterns"

PLANTED: dict[str, str] = {
    "email": "ada.lovelace@" + "analytical-engine.org",
    "credit_card": "4539 1488 " + "0343 6467",
    "iban": "DE89 3704 " + "0044 0532 0130 00",
    "github_token": "ghp_" + "R4nd0mT0k3nF0rT3st1ng0nlyXyZaBcDe9f8"[:36],
    "aws_access_key": "AKIA" + "Q3EGRLX7PHNTBVZ2",
    "ssn": "SSN 536-22-" + "8145",
}
"""A value of some types, as it stands in a sentence."""


@cache
def rules(engine: str = "") -> Rules:
    """All built-in detectors, compiled once for all tests; ``re2`` for the other engine."""
    return Rules(built_in(), Re2Scanner if engine == "re2" else lambda texts: choose(texts, PatternCache(str(PATTERNS))))


def said(action: str = "pseudonym", keep: int = 4) -> CallPrivacy:
    if action == "pseudonym":
        return CallPrivacy(rules=NO_PRIVACY)
    one = TypeAction(action=action, keep=keep if action == "partial" else 0)
    return CallPrivacy(rules=PrivacyRules(actions=make_actions({"default": one})))


def filter_of(action: str = "pseudonym", *, by: Rules | None = None, clock: Callable[[], float] = time.thread_time) -> Filter:
    return Filter(by or rules(), said(action), Pseudonyms(b"k" * 32), clock)


def shown(message: Json) -> str:
    """As it leaves the host, in letters that a grep finds."""
    return json.dumps(message, ensure_ascii=False)
