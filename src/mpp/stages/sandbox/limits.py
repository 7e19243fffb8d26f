"""Limits of the sandbox. A manifest may ask for less, never for more; nothing in a package reaches the engine's own settings."""

from __future__ import annotations

from mpp.limits import KIB, MIB

WASM_STACK_BYTES = 512 * KIB
"""Bytes of native stack for guest code. Reason: the engine's default; the stack below holds our callbacks and is never a package's to choose."""

MEMORY_RESERVED_BYTES = 4096 * MIB
"""Address space of one linear memory. Reason: all a 32-bit memory can reach, so that compiled code needs no bounds checks."""

MEMORY_GUARD_BYTES = 32 * MIB
"""Address space after a memory that no access may touch. Reason: offsets in instructions up to this size are caught without a check."""

TABLES_MAX = 16
"""Tables of one instance. Reason: the pool reserves each; compilers emit one."""

TABLE_ITEMS_MAX = 1_000_000
"""Items of one table. Reason: as in the static rules; 8 MiB of memory that does not count as linear memory."""

INSTANCE_BYTES_MAX = 16 * MIB
"""Bytes of the engine's own record of one instance. Reason: it grows with functions and globals; 100,000 functions need about 3 MiB."""

STDOUT_BYTES_MAX = 4 * MIB
"""Bytes that a guest may write to standard output. Reason: the answer is held in memory, parsed and filtered whole."""

STDERR_BYTES_MAX = 256 * KIB
"""Bytes that a guest may write to standard error. Reason: log lines are for people; a flood is cut, not refused."""

HOST_REQUEST_BYTES_MAX = 12 * MIB
"""Bytes of one host call or its answer. Reason: a body of 8 MiB in base64 and its frame."""

HOST_CALLS_MAX = 10_000
"""Host calls of one call. Reason: each is work of the host that the guest's time limit does not see in full."""

USED_MAX = 1_000
"""Names of used resources that are kept for one call. Reason: bounds the record; what is over is counted."""

KILL_AFTER_SECONDS = 0.005
"""Seconds after the deadline at which the process of a guest is killed. Reason: the engine stops a guest at the deadline by itself; this is for what it cannot stop."""

WORKER_DATA_BYTES = 320 * MIB
"""Bytes that a worker may use beside the guest's memory. Reason: the pool's tables (128 MiB, untouched), interpreter, engine, compiled code, answers in flight."""

WORKER_FILES_MAX = 64
"""Descriptors of a worker without folders. Reason: it opens none after its start."""

FILES_OPEN_MAX = 256
"""Descriptors of a worker with folders. Reason: grants, and what a guest opens."""

WORKER_FILE_BYTES = 1024 * MIB
"""Bytes of one file that a worker may write. Reason: the kernel's stop behind our own count of written bytes."""

WORKER_CALLS_MAX = 10_000
"""Calls that one worker serves. Reason: whatever a guest could leave behind in the process ends with it."""

WORKER_START_SECONDS = 60.0
"""Seconds in which a worker must be ready. Reason: loading compiled code takes milliseconds; a machine under load needs more."""

GRANTS_MAX = 250
"""Descriptors handed to one worker. Reason: the kernel carries 253 in one message."""

ZYGOTE_MESSAGE_BYTES_MAX = 128 * KIB
"""Bytes of one message to or from the zygote. Reason: names of grants; code travels as a descriptor."""

COMPILE_SECONDS = 120.0
"""Seconds that compiling may take. Reason: a Python tool that brings its interpreter (24 MB) needs ten on two cores, and more than sixty on two that are busy."""

COMPILE_DATA_BYTES = 3072 * MIB
"""Bytes that compiling may use. Reason: the largest real module measured needs about one GiB."""

NATIVE_BYTES_MAX = 1024 * MIB
"""Bytes of compiled code. Reason: about eight times the largest WebAssembly file; more is a bomb."""

CACHE_KEY_BYTES = 32
"""Bytes of the key of the cache's seal. Reason: the strength of SHA-256."""

IMAGE_BYTES_MAX = 256 * MIB
"""Bytes of memory in an image. Reason: a host holds one for each tool in use; an interpreter with its library and a tool's imports needs 20 to 60 MiB."""

PAGES_KEPT_MAX = 1024
"""Pages of an image that a worker keeps written between two calls. Reason: an interpreter writes 200 to 300; to write back more takes longer than a new mapping."""

IMAGE_GLOBALS_MAX = 64
"""Globals of an image. Reason: compilers make one, the stack pointer; each is set in every call."""

IMAGE_NAME_BYTES_MAX = 256
"""Bytes of the name of such a global. Reason: it is sent to each worker."""

IMAGE_TRAILER_BYTES_MAX = 32 * KIB
"""Bytes behind the memory in an image's file. Reason: the most globals with the longest names."""

BUNDLE_BYTES_MAX = 128 * MIB
"""Bytes of the files of a tool that its interpreter is given. Reason: they lie in the memory of the image."""

INITIALISE_SECONDS = 30.0
"""Seconds in which a layer must have imported a tool. Reason: a large pure-Python library takes about two; a busy machine several times that."""

IMAGE_WRITE_SECONDS = 10.0
"""Seconds in which the memory of an image must be written out. Reason: 256 MiB to memory take a quarter of a second on an idle machine."""

LAYER_COMPILE_SECONDS = 240.0
"""Seconds that compiling a layer may take. Reason: once for each machine; an interpreter of 25 MB needs a minute on two busy slow cores."""

IMAGES_KEPT_MAX = 64
"""Images in the cache. Reason: each has tens of megabytes; the one that was made first goes first, and is made anew when it is needed."""
