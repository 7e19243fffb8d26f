"""Names that people and machines compare: package ids, versions, tools, keys. Each has one form and one regular expression.

Spec: spec/manifest.md section 3.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from mpp.model.limits import NAME_MAX, PACKAGE_ID_MAX, VERSION_MAX

_DEVICE = r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])\.)"
_LABEL = r"[a-z0-9]+(?:-[a-z0-9]+)*"

# Attacks: look-alikes by case or by a doubled dash; a device name as the folder of a package.
PACKAGE_ID = re.compile(rf"(?=.{{3,{PACKAGE_ID_MAX}}}\Z){_DEVICE}[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?:\.{_LABEL})+")
PACKAGE_ID_FORM = (
    f"a reverse domain name of at most {PACKAGE_ID_MAX} characters such as com.example.hello (lower case, digits, single dashes, two parts or more)"
)

PACKAGE_NAME = re.compile(rf"(?=.{{1,{NAME_MAX}}}\Z)[a-z0-9]+(?:[._-][a-z0-9]+)*")
PACKAGE_NAME_FORM = "a short name such as crm-lookup (lower case and digits, single '-', '_' or '.' between)"

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
VERSION = re.compile(rf"(?=.{{5,{VERSION_MAX}}}\Z)({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_PRE}(?:\.{_PRE})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?")
VERSION_FORM = f"a semantic version of at most {VERSION_MAX} characters such as 1.0.0 or 2.1.0-beta.1"

MPP_VERSION = re.compile(r"(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})\.(?:0|[1-9][0-9]{0,3})")
MPP_VERSION_FORM = "three numbers such as 1.0.0"

TOOL_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{NAME_MAX}}}")
TOOL_NAME_FORM = f"a tool name: 1 to {NAME_MAX} of letters, digits, '_', '.' and '-'"

SHORT_KEY_ID = re.compile(r"pub_[0-9a-f]{16}")
SHORT_KEY_ID_FORM = "a key id: pub_ and 16 lower-case hex digits"

SHA256_HEX = re.compile(r"[0-9a-f]{64}")
SHA256_HEX_FORM = "a SHA-256 in 64 lower-case hex digits"

VersionKey: TypeAlias = tuple[int, int, int, int, tuple[tuple[int, int, str], ...]]


def version_key(text: str) -> VersionKey | None:
    """What orders versions by the precedence of Semantic Versioning 2.0; None for what is no version. Build metadata does not count."""
    found = VERSION.fullmatch(text)
    if found is None:
        return None
    major, minor, patch, pre = found.groups()
    # A pre-release is lower than its release; within it numbers are lower than words, and a longer list is higher.
    parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split(".")) if pre else ()
    return int(major), int(minor), int(patch), 0 if pre else 1, parts
