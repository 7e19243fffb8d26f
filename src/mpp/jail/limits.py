"""Limits that the jail sets by itself. Those of a worker come from whoever starts it."""

from __future__ import annotations

from mpp.limits import MIB

COMPILE_DATA_BYTES_MAX = 1024 * MIB
"""Bytes of memory that a compiler may write. Reason: the largest module of a package compiles within it; a bomb ends here and not in swap."""

COMPILE_CPU_SECONDS_MAX = 120
"""Seconds of processor time of one compilation. Reason: a net below the starter's own clock, over all threads."""

COMPILE_FILE_BYTES_MAX = 512 * MIB
"""Bytes of native code. Reason: twice the largest package, so that it never is the first bound that is met."""

COMPILE_DESCRIPTORS_MAX = 64
"""Descriptors of a compiler. Reason: it needs its input, its output and a pipe; the numbers it was started with may be higher."""

STACK_BYTES_MAX = 8 * MIB
"""Bytes of the main thread's stack. Reason: what Linux gives by default; guests run on stacks that the engine bounds by itself."""
