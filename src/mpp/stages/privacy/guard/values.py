"""Sentences where values belong: defaults, choices, patterns, keys that no reader expects. Spec: F-77, F-78."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mpp.stages.privacy.guard.hits import REMARK as REMARK_CODE
from mpp.stages.privacy.guard.hits import VALUE as VALUE_CODE
from mpp.stages.privacy.guard.hits import Finding
from mpp.stages.privacy.guard.limits import EXAMPLE_WORDS_MAX, PATTERN_WORDS_MAX, REMARK_WORDS_MAX, VALUE_WORDS_MAX
from mpp.stages.privacy.guard.texts import EXAMPLE, PATTERN, REMARK, VALUE

_MOST = {
    VALUE: (VALUE_WORDS_MAX, VALUE_CODE, "a sentence in place of a value"),
    EXAMPLE: (EXAMPLE_WORDS_MAX, VALUE_CODE, "an essay in place of an example"),
    PATTERN: (PATTERN_WORDS_MAX, VALUE_CODE, "a sentence in a pattern"),
    REMARK: (REMARK_WORDS_MAX, REMARK_CODE, "a sentence under a key that nobody reads"),
}
_WORD = re.compile(r"[^\W\d_]{2,}")
# In a pattern, a word is one with a blank, or what stands for one, beside it.
_IN_PATTERN = re.compile(r"(?<!\\)\b[A-Za-z']{2,}(?=(?: |\\s[+*]?|\\ |\[ \]|\.|_|-)[+*?]?[A-Za-z'(])")
# Chinese, Japanese and Thai have no blanks between words: two characters count as one.
_SOLID = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]{2}")


def value_findings(text: str, kind: str) -> Iterator[Finding]:
    """A value that says more than a value does. Lexical hits in values are judged elsewhere. Spec: F-77, F-78."""
    most, code, says = _MOST[kind]
    count = len(_IN_PATTERN.findall(text)) if kind == PATTERN else len(_WORD.findall(_SOLID.sub(" xx ", text)))
    if count > most:
        yield Finding(code, 0, len(text), says)
