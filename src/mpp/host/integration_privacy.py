"""The privacy filter for a host of one's own: what ``WasmSandbox`` does with every answer, for messages from elsewhere. Spec: spec/6-privacy.md."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Self

from mpp.errors import Refused
from mpp.host.filtering import Whose
from mpp.host.home import find_home
from mpp.host.opening import open_filters
from mpp.host.plugins import plugin_types
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import Json
from mpp.model.manifest import CustomPattern, PrivacyFilters
from mpp.stages.policy import NO_PRIVACY, CallPrivacy, PrivacyRules
from mpp.stages.privacy import Pass, expand, known_types
from mpp.stages.sandbox import Content


class PrivacyFilterEngine:
    """Searches for all built-in patterns and for one's own. Safe to use from several threads."""

    def __init__(self, through: Pass) -> None:
        self._through = through

    @classmethod
    def from_config(cls, patterns: Sequence[str] = (), custom_patterns: Sequence[CustomPattern] = (), rules: PrivacyRules = NO_PRIVACY) -> Self:
        """Patterns can only be added: the built-in ones are searched for whether they are named or not, unless ``rules`` turn one off.

        Raises Refused ``privacy.pattern`` for a name that nobody knows, and HostFailed ``privacy.engine`` where this machine cannot filter.
        """
        ours = {one.id for one in custom_patterns}
        unknown = sorted(expand(tuple(patterns)) - known_types() - plugin_types() - ours)
        if unknown:
            raise Refused("privacy.pattern", f"there is no pattern {unknown[0]!r}", where="patterns", hint="`mpp privacy patterns` lists the built-in ones")
        filters = open_filters(find_home(os.environ), SystemClock(), SystemRandom())
        wanted = PrivacyFilters(enabled=True, patterns=tuple(patterns), custom_patterns=tuple(custom_patterns))
        return cls(filters.bind(CallPrivacy(rules=rules, demanded=tuple(patterns)), wanted, Whose(tenant="local", agent="")))

    def redact_json(self, content: Json | Sequence[Content]) -> tuple[Json, tuple[str, ...]]:
        """The message without what is private, and the patterns that found something. Raises Refused where it has to be withheld."""
        message: Json = (
            [one.to_json() if not isinstance(one, (dict, list, str, int, float, bool, type(None))) else one for one in content]
            if isinstance(content, tuple)
            else _copied(content)
        )
        filtered = self._through(message)
        if filtered.is_withheld:
            raise Refused(
                "privacy.withheld", "the message is withheld: it could not be made fit to be shown", where=filtered.report.withheld, hint="send less at once"
            )
        return filtered.message, tuple(kind for kind, _ in filtered.report.counts)


def _copied(message: Json | Sequence[Content]) -> Json:
    """The caller's own message stays as it is."""
    if isinstance(message, dict):
        return {key: _copied(item) for key, item in message.items()}
    if isinstance(message, list):
        return [_copied(item) for item in message]
    return message  # type: ignore[return-value]
