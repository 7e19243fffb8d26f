"""All checks on all texts of a package or a server, and what they come to. Spec: F-64, F-65."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mpp.errors import Fault, Refused
from mpp.limits import FAULTS_MAX
from mpp.model.capabilities import Capabilities
from mpp.model.manifest import Manifest
from mpp.model.value import value
from mpp.stages.privacy.guard.encoded import encoded_findings
from mpp.stages.privacy.guard.hidden import hidden_findings, padding_findings
from mpp.stages.privacy.guard.hits import ASKS, BLOCKS, CONFUSABLE, ENCODED, HIDDEN, LINK, MARKUP, PADDING, SIZE, Finding, Hit
from mpp.stages.privacy.guard.hits import NAME as NAME_CODE
from mpp.stages.privacy.guard.hits import REMARK as REMARK_CODE
from mpp.stages.privacy.guard.hits import VALUE as VALUE_CODE
from mpp.stages.privacy.guard.limits import HITS_MAX, PARAMETER_CHARS_MAX, PROSE_CHARS_MAX, TITLE_CHARS_MAX, TOOL_CHARS_MAX
from mpp.stages.privacy.guard.markup import link_findings, markup_findings
from mpp.stages.privacy.guard.names import confusable_findings, name_findings, words_of
from mpp.stages.privacy.guard.pins import pin_of
from mpp.stages.privacy.guard.structure import doubts
from mpp.stages.privacy.guard.texts import NAME, PATTERN, PROSE, REMARK, TITLE, Described, Text, describe_manifest
from mpp.stages.privacy.guard.values import value_findings
from mpp.stages.privacy.guard.words import NO_ORDERS, WAY_OUT, word_findings

NOTHING = "nothing found by these checks"
"""The most that is ever said. Whoever writes a description can choose words that no table has."""

SCORE_MAX = 100
"""The highest score of one verdict. Reason: above it, more points say nothing new."""

_HINTS = {
    HIDDEN: "write the text without this character",
    CONFUSABLE: "write each word in letters of one script",
    PADDING: "leave out the empty room",
    ENCODED: "write in plain words what is meant, or leave it out",
    MARKUP: "write plain text",
    LINK: "name the address in plain words, without room for data",
    VALUE_CODE: "put sentences into a description",
    NAME_CODE: "take a short name, and describe it in its description",
    REMARK_CODE: "put it into a description, or leave it out",
    SIZE: "make it shorter; long guides belong in the README",
}
_ROOM = {NAME: PARAMETER_CHARS_MAX, TITLE: TITLE_CHARS_MAX}
_SPACERS = re.compile(r"\\s[+*?]?|\\b|[_.()^$|?*+\\\[\]-]")


@value
class Verdict:
    """What was found. It has no word for harmless."""

    hits: tuple[Hit, ...]
    """Those that refuse first; at most ``HITS_MAX``."""
    pin: str
    """The digest of all that a model reads."""

    @property
    def blocked(self) -> tuple[Hit, ...]:
        return tuple(hit for hit in self.hits if hit.tier == BLOCKS)

    @property
    def shown(self) -> tuple[Hit, ...]:
        """What a person should see before saying yes; the weightiest first."""
        return tuple(sorted((hit for hit in self.hits if hit.tier != BLOCKS), key=lambda hit: -hit.points))

    @property
    def score(self) -> int:
        """How much speaks against it, from 0 to 100. It orders what is shown and decides nothing."""
        return min(SCORE_MAX, sum(4 * hit.points for hit in self.shown)) if not self.blocked else SCORE_MAX

    @property
    def words(self) -> str:
        parts = [f"{len(self.blocked)} refused"] if self.blocked else []
        parts += [f"{len(self.shown)} to look at"] if self.shown else []
        return ", ".join(parts) or NOTHING


def judge_manifest(manifest: Manifest, others: frozenset[str] = frozenset()) -> Verdict:
    """All that a model reads of a package, with what the package declares."""
    return judge_described(describe_manifest(manifest), manifest.capabilities, others)


def judge_described(found: Sequence[Described], declared: Capabilities | None = None, others: frozenset[str] = frozenset()) -> Verdict:
    """``declared`` None: an older server, which declares nothing. ``others``: names of tools of other packages."""
    hits = [hit for one in found for hit in (*_of_tool(one), *doubts(one, declared, others - {tool.tool for tool in found}))]
    hits.sort(key=lambda hit: hit.tier != BLOCKS)
    return Verdict(hits=tuple(hits[:HITS_MAX]), pin=pin_of(found))


def accepted(manifest: Manifest, others: frozenset[str] = frozenset()) -> Verdict:
    """The verdict on what a model reads of a package. Raises Refused ``description.*`` with every place, where something is refused."""
    verdict = judge_manifest(manifest, others)
    refused = refusal(verdict)
    if refused is not None:
        raise refused
    return verdict


def refusal(verdict: Verdict) -> Refused | None:
    """The refusal with every place, if there is one."""
    faults = tuple(Fault(hit.kind, f"{hit.where}, character {hit.at}", f'{hit.says}: "{hit.found}"', _HINTS[hit.kind]) for hit in verdict.blocked)
    return Refused.of(faults[:FAULTS_MAX]) if faults else None


def _of_tool(found: Described) -> Iterator[Hit]:
    total = sum(len(text.text) for text in found.texts)
    if total > TOOL_CHARS_MAX:
        yield Finding(SIZE, 0, 1, f"a model reads {total} characters of this tool; at most {TOOL_CHARS_MAX}").placed(found.base, found.tool)
        return
    for text in found.texts:
        # Texts of schemas are mostly short names: what has been looked at is not looked at again by each check.
        for finding in _of_text(text):
            yield finding.placed(text.where, text.text)


def _of_text(text: Text) -> Iterator[Finding]:
    is_prose = text.kind in {PROSE, TITLE}
    most = PROSE_CHARS_MAX if text.kind == PROSE and text.where.count("/") < 4 else _ROOM.get(text.kind, PARAMETER_CHARS_MAX)
    if len(text.text) > most:
        yield Finding(SIZE, 0, 1, f"{len(text.text)} characters; at most {most}")
        return
    is_name = text.kind == NAME
    yield from hidden_findings(text.text, is_name=is_name)
    yield from confusable_findings(text.text, is_name=is_name)
    yield from padding_findings(text.text)
    yield from encoded_findings(text.text)
    if is_name:
        yield from name_findings(text.text)
    elif text.kind != PATTERN:
        yield from markup_findings(text.text)
        yield from link_findings(text.text)
    if not is_prose and not is_name:
        yield from value_findings(text.text, text.kind)
    yield from _of_words(text)


def _of_words(text: Text) -> Iterator[Finding]:
    """Words in prose are shown. Attack: the same words where no sentence belongs, which no reviewer reads. Spec: F-76, F-77."""
    if text.kind in {PROSE, TITLE}:
        yield from word_findings(text.text)
        return
    if text.kind == NAME:
        plain, code = " ".join(words_of(text.text)), NAME_CODE
    else:
        plain, code = (_SPACERS.sub(" ", text.text) if text.kind == PATTERN else text.text), REMARK_CODE if text.kind == REMARK else VALUE_CODE
    for finding in word_findings(plain):
        if finding.kind in NO_ORDERS or (text.kind == NAME and finding.kind == WAY_OUT):
            yield Finding(finding.kind, 0, len(text.text), finding.says, ASKS, finding.points)
        else:
            yield Finding(code, 0, len(text.text), f"{finding.says}, where no sentence belongs")
