"""Limits of the author's side."""

from __future__ import annotations

from mpp.limits import KIB, MIB

SETTINGS_BYTES_MAX = 64 * KIB
"""Bytes of ``mpp.toml``. Reason: it holds a few lines; a larger file is not one."""

PATTERNS_MAX = 64
"""Entries of one list in ``mpp.toml``. Reason: real projects have a few; bounds the walks over the folder."""

PATTERN_CHARS_MAX = 240
"""Characters of one pattern or folder in ``mpp.toml``. Reason: as long as a member name may be."""

FLAG_CHARS_MAX = 400
"""Characters of one compiler flag. Reason: a definition may hold a sentence, not a document."""

FILES_MAX = 4096
"""Files that the patterns of a project may name. Reason: as many as a package may have members."""

TOOL_NAME_CHARS_MAX = 40
"""Characters of a new project's name. Reason: it becomes a folder, a file name and part of the package id."""

PACKAGE_ID_CHARS_MAX = 128
"""Characters of a new project's package id. Reason: it is shown in questions and becomes a file name."""

PUBLISHER_CHARS_MAX = 100
"""Characters of a publisher's name. Reason: it is shown on one line of a question."""

GIT_SECONDS_MAX = 5
"""Seconds to wait for git to name the author. Reason: a guess is not worth a longer wait."""

COMPILE_SECONDS_MAX = 600
"""Seconds for one compilation. Reason: the first one compiles the C library, a minute on a slow machine; a hang must end."""

COMPILER_OUTPUT_MAX = 16 * KIB
"""Bytes of the compiler's messages that are kept. Reason: one mistake in a macro can print megabytes."""

STACK_BYTES = 256 * KIB
"""Bytes of a C tool's stack unless its flags give another. Reason: the compiler's 16 MiB would use up the whole memory of a small tool."""

SBOM_SHOWN_MAX = 4 * MIB
"""Bytes of a bill of materials that ``mpp inspect`` reads. Reason: it is not authenticated there; 4,096 files fit."""

MODULE_BYTES_MAX = 128 * MIB
"""Bytes of a compiled module. Reason: as large as a member of a package may be."""
