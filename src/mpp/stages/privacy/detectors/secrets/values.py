"""Whether a value that stands where a secret would stand is one: not a placeholder, not a type, not code that fetches it, not a sentence about it."""

from __future__ import annotations

import re
from mpp.stages.privacy.later import on_use

OPEN, MIXED, FIRM, CODE, PHRASE = 1, 2, 3, 4, 5
"""How much a value must have for it by itself: anything that is no placeholder; letters with digits or signs; what nobody would write as words;
a few digits; several words."""

VALUE_CHARS_MAX = 4096
"""Characters of a value that are judged. Reason: longer ones are documents, and hold their secrets in forms of their own."""

FIRM_CHARS_MIN = 8
"""Characters of a value that only its name makes a secret. Reason: shorter ones are states, versions and switches."""

UNBROKEN_CHARS = 20
"""Letters in one run that nobody writes as a word. Reason: longer than the words of any field; a compound in German reaches it seldom."""

UNBROKEN_WORD_CHARS = 12
"""Letters in one run that are a secret where the name says secret. Reason: states and kinds are shorter words."""

_SAMPLE = on_use(r"x{6}|\*{3}|\.{3}|\u2026|your[-_ ]|[-_]here\b|placeholder|redacted|replace[-_ ]?me|insert[-_ ]|<[^>]*>|\{\{|\$\{", re.IGNORECASE)

_NO_VALUES = """
null none nil undefined true false yes no on off n/a na empty unset missing unknown required optional default any object array list dict map str
string text bytes int integer number float double bool boolean char varchar secretstr password-input hidden masked redacted removed filtered
invalid incorrect wrong expired valid ok error failed success bearer basic digest oauth oauth2 jwt ldap saml sso kerberos negotiate apikey header
query cookie body env environment file vault prompt stdin interactive enabled disabled auto manual self this set not must should is was the a an
and or to for of in field input label const let var function return async await new import export static final private public protected readonly
type interface enum struct void example sample todo tbd field_name changed reset username user email login
"""
_NOTHING = frozenset(_NO_VALUES.split())

PLACEHOLDER_CHARS_MAX = 160
"""Characters of a placeholder, and of a name or a piece of code in the place of a value. Reason: people write short ones; it bounds the work for one value."""

_PLACEHOLDER = on_use(
    r"""
      [*\u2022\u25cf.#_?\-\s=~]+                                  # masked
    | x{3,} | 0+ | (.)\1{5,}                                      # filled up
    | <.*> | \[.*\] | \{.*\} | \(.*\)                             # brackets
    | \$\w* | \$[A-Za-z_]+(?:\.\w+)* | [$#%@!]?[({].* | %\w+%? | %\(\w+\)s  # variables
    | [:@?&]\w*                                                   # bound parameters
    | (?:enter|insert|paste|add|replace|put|type|use|see|choose|provide|set|get|create|example|sample|dummy|fake|placeholder)[-_ ].*
    | (?-i:[A-Z0-9]+_)+(?-i:PASSWORD|PASS|PWD|SECRET|TOKEN|KEY|CREDENTIALS)  # names of variables in quotes
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_FILL_IN = on_use(
    r"\byour|(?:your|my)[-_ ]?(?:own[-_ ]?)?(?:api|secret|access|token|key|password|passwd|pass|client|auth|private|app)(?![0-9A-Za-z])|[-_ ](?:here|placeholder)$"
    r"|placeholder|redacted|\bomitted\b|replace[-_ ]?me",
    re.IGNORECASE,
)

_CODE = on_use(
    r"""
      [A-Za-z_$][\w$]*(?:(?:\.|->|::)[A-Za-z_$][\w$]*)+(?:[(\[!?].*)?     # a.b, a->b, A::b
    | [A-Za-z_$][\w$.]*[(\[].*                                    # f(, a[
    | (?:await|new|return|typeof|not|lambda|func|function)\b.*
    | (?:[a-z]+_)+[a-z]+ | [a-z]+(?:[A-Z][a-z]+)+ | [A-Z][A-Z_]*_[A-Z_]+    # names of variables
    | [&*!]\w+                                                    # anchors, tags
    """,
    re.VERBOSE | re.DOTALL,
)

_ELSEWHERE = on_use(
    r"[a-z][a-z0-9+.-]{1,20}://.*|arn:aws.*|(?:vault|file|env|ssm|ref|keyring|secretsmanager):.*|(?:~|\.{1,2})?(?:/[a-z0-9_.-]+){2,}/?|[a-z0-9_-]+\.(?:json|pem|txt|ya?ml|key|env|crt|toml|ini)|[A-Za-z]:\\.*",
    re.DOTALL,
)
_LETTER, _DIGIT = on_use(r"[^\W\d_]"), on_use(r"\d")
_SIGN = on_use(r"[^\w\-./:' ]")
_NUMBERS = on_use(r"[\d.,:+/TZ \-]+")
_FEW_DIGITS = on_use(r"\d{4,8}|\d{3}[ -]\d{3}")
_CAMEL = on_use(r"(?<=[a-z0-9])(?=[A-Z])")
_BREAK = on_use(r"[\W_]+")
_WORDLIKE = on_use(r"[a-z]{2,19}\d{0,2}|\d{1,4}|v\d{1,4}|[a-z]")


def is_sample(token: str) -> bool:
    """A token of an issuer's form that was filled up by hand: ``x`` in a row, dots, or words such as "your-key-here"."""
    return _SAMPLE.search(token, 0, PLACEHOLDER_CHARS_MAX) is not None


def words(name: str) -> list[str]:
    """The words of an identifier: camelCase, snake_case, kebab-case."""
    return [word for word in _BREAK.split(_CAMEL.sub(" ", name).lower()) if word]


def is_wordy(text: str) -> bool:
    """Made of words and small numbers, as people write names: ``oauth2-bearer``, ``aes-256-gcm``."""
    found = words(text) if len(text) <= PLACEHOLDER_CHARS_MAX else []
    return bool(found) and sum(map(len, found)) >= 3 * len(found) and all(map(_WORDLIKE.fullmatch, found))


def is_secret(text: str, level: int, *, quoted: bool, name: str = "") -> bool:
    """Whether ``text`` may be the secret that ``name`` announces. ``quoted``: it stands in quotes or alone in its leaf, so it is no code."""
    if not 3 <= len(text) <= VALUE_CHARS_MAX or (len(text) <= PLACEHOLDER_CHARS_MAX and _stands_in(text, name, quoted=quoted)):
        return False
    return _LEVELS[level](text)


def _stands_in(text: str, name: str, *, quoted: bool) -> bool:
    """Something short in the place of a value: a placeholder, a type, a piece of code, a path."""
    if text.lower() in _NOTHING or _PLACEHOLDER.fullmatch(text) or _FILL_IN.search(text) or _ELSEWHERE.fullmatch(text):
        return True
    # A label for the field, as catalogues of texts have it: "password": "Password".
    return words(text) == words(name) or (not quoted and _CODE.fullmatch(text) is not None)


def _is_open(text: str) -> bool:
    """A password may be a word, but a sentence is a text about passwords. A number of one or two digits is a length or a state."""
    spaces = text.count(" ")
    if spaces:
        return (spaces <= 2 and _DIGIT.search(text) is not None and "\n" not in text) or _is_passphrase(text)
    return "\n" not in text and not (text.isdigit() and len(text) < 4) and text[-1] != ":"


_PASSPHRASE = on_use(r"[a-z]{3,12}(?: [a-z]{3,12}){1,7}")
_OF_MESSAGES = frozenset((
    "account", "again", "and", "are", "blank", "can", "cannot", "change", "changed", "characters", "confirm", "current", "did", "digits", "does", "empty",
    "enter", "expired", "expires", "field", "for", "forgot", "forgotten", "from", "given", "has", "have", "hidden", "incorrect", "invalid", "least",
    "letters", "login", "long", "match", "matches", "may", "missing", "most", "must", "new", "not", "old", "password", "passwords", "please", "policy",
    "provided", "required", "reset", "same", "secret", "should", "short", "stored", "strong", "that", "the", "this", "too", "try", "used", "user", "value",
    "was", "weak", "were", "with", "wrong", "you", "your",
))  # fmt: skip
"""Words of what programs say about passwords; a passphrase is made of others."""


def _is_passphrase(text: str) -> bool:
    return _PASSPHRASE.fullmatch(text) is not None and _OF_MESSAGES.isdisjoint(text.split(" "))


def _is_mixed(text: str) -> bool:
    if not _is_open(text) or len(text) < 4 or _NUMBERS.fullmatch(text):
        return False
    is_mixed = _DIGIT.search(text) or _SIGN.search(text) or (text.isalpha() and len(text) >= UNBROKEN_WORD_CHARS)
    return bool(is_mixed) and _LETTER.search(text) is not None


def _is_firm(text: str) -> bool:
    if len(text) < FIRM_CHARS_MIN or " " in text or "\n" in text or _NUMBERS.fullmatch(text) or is_wordy(text):
        return False
    has_cases = text != text.lower() and text != text.upper()
    return _LETTER.search(text) is not None and (_DIGIT.search(text) is not None or has_cases or len(text) >= UNBROKEN_CHARS)


def _is_code(text: str) -> bool:
    return _FEW_DIGITS.fullmatch(text) is not None


def _is_phrase(text: str) -> bool:
    """A recovery phrase has a dozen words or two; what has signs of a sentence is one."""
    return len(text) >= FIRM_CHARS_MIN and (
        (_is_open(text) and _DIGIT.search(text) is not None) or (3 <= text.count(" ") <= 30 and all(sign.isalnum() or sign == " " for sign in text))
    )


_LEVELS = {OPEN: _is_open, MIXED: _is_mixed, FIRM: _is_firm, CODE: _is_code, PHRASE: _is_phrase}
