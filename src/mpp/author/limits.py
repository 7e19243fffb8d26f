"""Limits of the author's side."""

from __future__ import annotations

from mpp.limits import KIB, MIB

GIB = 1024 * MIB

SETTINGS_BYTES_MAX = 16 * KIB
"""Bytes of ``mpp.toml``. Reason: it holds a few lines; a larger file is not one, and the time to read TOML grows faster than its size."""

SETTINGS_DOTS_MAX = 16
"""Dots outside of texts on one line of ``mpp.toml``. Reason: the time to read a key grows with the square of its parts; ours have two."""

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

COMPILE_CPU_SECONDS_MAX = 1800
"""Seconds of processor time for each process of the compiler. Reason: all threads count; ends one that outlives a killed build."""

COMPILE_MEMORY_BYTES_MAX = 8 * GIB
"""Bytes of address space of each process of the compiler. Reason: a source can ask for any amount; real ones need under one GiB."""

FETCH_SECONDS_MAX = 1800
"""Seconds for pip to fetch a toolchain or dependencies. Reason: 100 MB over a slow line; a hang must end."""

INPUTS_BYTES_MAX = 4 * MIB
"""Bytes of the compiler's list of what one source includes. Reason: a thousand headers take a tenth of it."""

COMPILER_OUTPUT_MAX = 16 * KIB
"""Bytes of the compiler's messages that are kept. Reason: one mistake in a macro can print megabytes."""

STACK_BYTES = 256 * KIB
"""Bytes of a C tool's stack unless its flags give another. Reason: the compiler's 16 MiB would use up the whole memory of a small tool."""

SBOM_SHOWN_MAX = 4 * MIB
"""Bytes of a bill of materials that ``mpp inspect`` reads. Reason: it is not authenticated there; 4,096 files fit."""

SEAL_BYTES_MAX = 256 * KIB + 2 * MIB + KIB
"""Bytes that a signature can add to a package. Reason: publisher.json and the signature at their largest, and their headers."""

MODULE_BYTES_MAX = 128 * MIB
"""Bytes of a compiled module. Reason: as large as a member of a package may be."""

SOURCE_BYTES_MAX = 4 * MIB
"""Bytes of one Python source. Reason: 100,000 lines; what is larger is generated and belongs into an asset."""

SOURCES_BYTES_MAX = 64 * MIB
"""Bytes of all files of one package that come from dependencies. Reason: a quarter of what a package may hold; pure Python needs a tenth of it."""

WHEEL_BYTES_MAX = 64 * MIB
"""Bytes of one wheel. Reason: as all files from dependencies together."""

WHEELS_MAX = 200
"""Dependencies of one tool. Reason: a tool of that size is an application; each is code that its users trust."""

REQUIREMENTS_BYTES_MAX = 256 * KIB
"""Bytes of a requirements file, a lock or pyproject.toml. Reason: 200 locked dependencies with several hashes each fit."""

DESCRIBE_SECONDS_MAX = 60
"""Seconds to import a tool and describe what it offers. Reason: imports take one or two; who waits longer has a loop."""

DESCRIBE_MEMORY_BYTES_MAX = 2 * GIB
"""Bytes of address space for that. Reason: pure Python of any size needs a tenth of it."""

DESCRIBE_BYTES_MAX = MIB
"""Bytes of a description. Reason: four times what a manifest may have."""

COMPONENT_MEMORY_BYTES_MAX = 64 * GIB
"""Bytes of address space to make a component. Reason: its engine reserves several memories of 4 GiB each and uses almost nothing of them."""

WATCHED_FILES_MAX = 20_000
"""Files that ``mpp dev`` looks at. Reason: a look at so many takes a tenth of a second; a project has hundreds."""

TEST_SECONDS_MAX = 300
"""Seconds for the tests of a project. Reason: who develops waits for them; a hang must end."""

TEST_MEMORY_BYTES_MAX = 4 * GIB
"""Bytes of address space of each process of the tests. Reason: pytest with a few libraries needs under one."""

NATIVE_REPLY_BYTES_MAX = 4 * MIB
"""Bytes of a reply of a tool that runs natively. Reason: as many as the call contract allows in the sandbox."""

NPM_PACKAGE_BYTES_MAX = 64 * MIB
"""Bytes of one archive of npm. Reason: as one wheel; a compiler that comes so has five."""

NPM_UNPACKED_BYTES_MAX = 64 * MIB
"""Bytes that one archive of npm unpacks to. Reason: as all files from dependencies together."""

NPM_FILES_MAX = 8192
"""Files of one archive of npm. Reason: twice what a package may have; libraries ship tests and types that are left out."""

LOCK_BYTES_MAX = 8 * MIB
"""Bytes of package-lock.json. Reason: a project with a thousand development tools has one."""
