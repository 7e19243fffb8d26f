"""Kernel barriers for a process that is about to run hostile code. Linux only; nothing but the standard library.

``enter`` puts all of them up in the right order. What is imported after that fails, because the jail opens no files by name:
import everything, load native code and make every ctypes callback before entering. Start threads and timers after it, so that
they are held too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.jail.entry import COMPILE_PLAN, Entered, Held, Plan, compile_plan, enter, worker_plan
    from mpp.jail.landlock import Rule
    from mpp.jail.memfd import is_sealed, open_sealed, seal_memory, sealed_copy, sealed_memory
    from mpp.jail.process import Limits, end_with, isolate, open_descriptors
    from mpp.jail.profiles import PROFILE_COMPILE, PROFILE_COMPONENT, PROFILE_COMPUTE, PROFILE_FILES, Profile, with_code
    from mpp.jail.seccomp import close_code

__getattr__ = door(
    __name__,
    {
        "entry": "COMPILE_PLAN Entered Held Plan compile_plan enter worker_plan",
        "landlock": "Rule",
        "memfd": "is_sealed open_sealed seal_memory sealed_copy sealed_memory",
        "process": "Limits end_with isolate open_descriptors",
        "profiles": "PROFILE_COMPILE PROFILE_COMPONENT PROFILE_COMPUTE PROFILE_FILES Profile with_code",
        "seccomp": "close_code",
    },
)

__all__ = [
    "COMPILE_PLAN",
    "PROFILE_COMPILE",
    "PROFILE_COMPONENT",
    "PROFILE_COMPUTE",
    "PROFILE_FILES",
    "Entered",
    "Held",
    "Limits",
    "Plan",
    "Profile",
    "Rule",
    "close_code",
    "compile_plan",
    "end_with",
    "enter",
    "is_sealed",
    "isolate",
    "open_descriptors",
    "open_sealed",
    "seal_memory",
    "sealed_copy",
    "sealed_memory",
    "with_code",
    "worker_plan",
]
