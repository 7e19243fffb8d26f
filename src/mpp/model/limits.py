"""Limits of the manifest and of what stands in it. Spec: spec/manifest.md gives the same numbers."""

from __future__ import annotations

from mpp.limits import KIB, MIB

MANIFEST_BYTES_MAX = 256 * KIB
"""Bytes of ``manifest.json``. Reason: it is read whole before anything else is known; real ones have a few kilobytes."""

PACKAGE_ID_MAX = 128
"""Characters of a package id. Reason: it is shown in questions and becomes the name of a folder."""

NAME_MAX = 64
"""Characters of a package name, a tool name, a pattern id or a secret's name. Reason: each stands on one line of a question."""

VERSION_MAX = 64
"""Characters of a version. Reason: it is part of a file name; bounds the numbers inside."""

LINE_MAX = 100
"""Characters of a one-line text: publisher name, tool title, license. Reason: it is shown on one line."""

URL_MAX = 200
"""Characters of an address. Reason: it is shown whole, so that its end cannot hide."""

DESCRIPTION_MAX = 2000
"""Characters of the description of a package or pattern. Reason: people read it before they say yes."""

TOOL_DESCRIPTION_MAX = 8 * KIB
"""Characters of the description of a tool. Reason: models read it with every request; long guides belong in the README."""

KEYWORDS_MAX = 20
"""Keywords of a package. Reason: they serve search, more are spam."""

OPTIONAL_KEYS_MAX = 64
"""Keys marked as optional for older hosts. Reason: one version adds a few keys; bounds the list."""

POINTER_MAX = 256
"""Characters of a pointer to an optional key. Reason: the deepest key of the manifest needs far fewer."""

TOOLS_MAX = 128
"""Tools of one package. Reason: agents choose badly among more; bounds what a person must review."""

MEMORY_MB_MAX = 4096
"""MiB of memory for one call. Reason: the address space of a 32-bit module."""

TIMEOUT_MS_MAX = 600_000
"""Milliseconds for one call. Reason: ten minutes; clients give up long before, and a hang must end."""

NETWORK_RULES_MAX = 64
"""Network rules of one package. Reason: a person must be able to read all of them."""

RULE_ITEMS_MAX = 16
"""Ports, methods or paths of one network rule. Reason: a rule is read as one sentence."""

HOST_CHARS_MAX = 253
"""Characters of a host name. Reason: the limit of the domain name system."""

PATHS_MAX = 64
"""Paths that may be read, or written. Reason: a person must be able to read all of them."""

PATH_CHARS_MAX = 512
"""Characters of one path. Reason: it is shown whole; operating systems allow a few thousand."""

URL_PATH_MAX = 200
"""Characters of one path of a network rule. Reason: it is shown whole."""

ENV_VARS_MAX = 64
"""Environment variables of one package. Reason: a person must be able to read all of them."""

ENV_NAME_MAX = 128
"""Characters of the name of an environment variable. Reason: real ones are shorter."""

SECRETS_MAX = 32
"""Secrets of one package. Reason: each is a question of its own to a person."""

SECRET_FORMAT_MAX = 200
"""Characters of the text around a secret. Reason: it is a prefix such as ``Bearer``, not a document."""

KV_BYTES_MAX = 1024 * MIB
"""Bytes of stored state for one package. Reason: beyond one GiB a tool needs a database, not a key-value store."""

HARDWARE_MAX = 16
"""Devices of one package. Reason: each is a question of its own to a person."""

PATTERNS_MAX = 64
"""Privacy patterns, and custom ones, of one package. Reason: each is matched against every answer."""

REGEX_CHARS_MAX = 512
"""Characters of one regular expression. Reason: it must be readable by a reviewer; bounds its compilation."""

REGEX_REPEAT_MAX = 1000
"""Largest number in ``{m,n}``. Reason: the smallest such limit among common engines."""

REGEX_SIZE_MAX = 2000
"""Positions of a regular expression after repeats are written out. Reason: an automaton has that many states."""

REGEX_DEPTH_MAX = 16
"""Groups inside groups. Reason: bounds every reader that recurses; people cannot follow more."""

SCHEMA_DEPTH_MAX = 20
"""Schemas inside schemas. Reason: it fits under the depth of the manifest with room for values."""

SCHEMA_NODES_MAX = 2000
"""Schemas of one tool's parameters or returns. Reason: real ones have tens; bounds the compiled validator."""

SCHEMA_COST_MAX = 10_000
"""Schemas applied to one value once references are followed. Reason: references can double the work at each step."""

SCHEMA_KEY_MAX = 512
"""Characters of a name in a schema: of a property, a definition or a pattern. Reason: names stand in places and in answers; bounds both."""

SCHEMA_LIST_MAX = 1000
"""Items of one list in a schema, such as ``enum``. Reason: country codes fit; longer lists are data."""
