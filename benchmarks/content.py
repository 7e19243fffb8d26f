"""Packages to measure with. The contents come from the running Python: real text and real machine code, on every machine."""

from __future__ import annotations

import glob
import os
import random
import sys
import sysconfig
from functools import cache
from itertools import cycle

from mpp.limits import MIB
from mpp.stages.gatekeeper import TrustState
from mpp.testing.keys import publisher
from mpp.testing.packages import signed, trusting

PUBLISHER = publisher()
TRUST: TrustState = trusting(PUBLISHER)
SMALL_FILES = 4000


def _filled(paths: list[str], size: int) -> bytes:
    out = bytearray()
    for path in cycle(paths):
        with open(path, "rb") as stream:
            out += stream.read(size - len(out))
        if len(out) >= size:
            return bytes(out)
    return bytes(out)


@cache
def text(size: int) -> bytes:
    """Source text: the standard library."""
    return _filled(sorted(glob.glob(os.path.join(sysconfig.get_path("stdlib"), "**", "*.py"), recursive=True)), size)


@cache
def code(size: int) -> bytes:
    """Machine code: the interpreter, its library and its extension modules."""
    library = os.path.join(sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("INSTSONAME") or "")
    extensions = glob.glob(os.path.join(sysconfig.get_config_var("DESTSHARED") or sys.prefix, "*.so"))
    found = [path for path in (library, os.path.realpath(sys.executable), *sorted(extensions)) if os.path.isfile(path)]
    return _filled(found, size)


@cache
def noise(size: int) -> bytes:
    """What no compressor makes smaller: pictures, archives, models."""
    return random.Random(2).randbytes(size)


def package(extra: dict[str, bytes]) -> bytes:
    return signed(PUBLISHER, extra=extra)


@cache
def one_noise(size: int) -> bytes:
    return package({"assets/noise.bin": noise(size)})


def _in_ten(whole: bytes) -> dict[str, bytes]:
    step = len(whole) // 10
    return {f"assets/part{i}": whole[i * step : (i + 1) * step] for i in range(10)}


@cache
def ten_of_code() -> bytes:
    return package(_in_ten(code(20 * MIB)))


@cache
def ten_of_text() -> bytes:
    return package(_in_ten(text(20 * MIB)))


@cache
def one_member() -> bytes:
    """Half text, half code."""
    return package({"assets/all": text(10 * MIB) + code(10 * MIB)})


@cache
def many() -> bytes:
    """20 MiB inflated in 4,000 members of 5 KiB."""
    whole, step = text(20 * MIB), 20 * MIB // SMALL_FILES
    return package({f"assets/d{i // 100}/f{i}": whole[i * step : (i + 1) * step] for i in range(SMALL_FILES)})


@cache
def small() -> bytes:
    return package({})
