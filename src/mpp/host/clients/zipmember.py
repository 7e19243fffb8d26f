"""One member out of a zip file that others made, without unpacking it: the list of names is judged, the member is inflated with a bound."""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator

from mpp.errors import HostFailed, Refused
from mpp.host.clients.limits import BUNDLE_LIST_MAX
from mpp.model.jsontext import shown
from mpp.model.value import value

_END, _ENTRY, _LOCAL, _LOCATOR = b"PK\x05\x06", b"PK\x01\x02", b"PK\x03\x04", b"PK\x06\x07"
_TAIL = 22 + 65_535
STORED, DEFLATED = 0, 8


@value
class _Entry:
    name: bytes
    method: int
    is_sealed: bool
    packed: int
    size: int
    offset: int
    crc: int


def read_member(path: str, name: str, most: int) -> bytes:
    """The member ``name`` of the zip file at ``path``."""
    try:
        with open(path, "rb", opener=lambda one, flags: os.open(one, flags | os.O_NONBLOCK)) as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise _wrong("not a regular file", path)
            return _member(stream.fileno(), os.fstat(stream.fileno()).st_size, path, name, most)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot read the file: {fault.strerror}", where=path, hint="check that the path exists") from None


def _wrong(message: str, path: str) -> Refused:
    return Refused("host.bundle", f"this is no sound bundle: {message}", where=path, hint="get it again from where it was made")


def _member(fd: int, size: int, path: str, name: str, most: int) -> bytes:
    wanted = name.encode("ascii")
    found = [one for one in _entries(_list(fd, size, path), path) if one.name == wanted]
    # Attack: two manifests, one for whoever looks and one for whoever starts it.
    if len(found) != 1:
        raise _wrong(f"it has {len(found)} members of the name {name}", path)
    one = found[0]
    if one.is_sealed or one.method not in {STORED, DEFLATED} or max(one.size, one.packed) > most:
        raise _wrong(f"{name} is encrypted, packed in a way of its own, or larger than {most} bytes", path)
    head = os.pread(fd, 30, one.offset)
    if len(head) != 30 or head[:4] != _LOCAL:
        raise _wrong(f"{name} is not where the list says", path)
    lengths = struct.unpack_from("<HH", head, 26)
    if os.pread(fd, lengths[0], one.offset + 30) != wanted:
        raise _wrong(f"{name} has another name in its own place", path)
    packed = os.pread(fd, one.packed, one.offset + 30 + sum(lengths))
    data = packed if one.method == STORED else _inflated(packed, most, path)
    if len(data) != one.size or zlib.crc32(data) != one.crc:
        raise _wrong(f"{name} is damaged", path)
    return data


def _inflated(packed: bytes, most: int, path: str) -> bytes:
    """Attack: a kilobyte that inflates to gigabytes."""
    inflate = zlib.decompressobj(-15)
    try:
        data = inflate.decompress(packed, most + 1)
    except zlib.error:
        raise _wrong("a member does not inflate", path) from None
    if len(data) > most or not inflate.eof:
        raise _wrong(f"a member has more than {most} bytes, or no end", path)
    return data


def _list(fd: int, size: int, path: str) -> bytes:
    """The list of names, read once its size is known to be sound."""
    tail = os.pread(fd, _TAIL, max(0, size - _TAIL))
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22 or tail[max(0, at - 20) : at][:4] == _LOCATOR:
        raise _wrong("no zip file, or one with more than 65,535 members", path)
    length, offset = struct.unpack_from("<II", tail, at + 12)
    end = max(0, size - _TAIL) + at
    if length > BUNDLE_LIST_MAX or offset + length != end:
        raise _wrong("its list of names is too large or not where it must be", path)
    return os.pread(fd, length, offset)


def _entries(listed: bytes, path: str) -> Iterator[_Entry]:
    at = 0
    while at < len(listed):
        if listed[at : at + 4] != _ENTRY or len(listed) - at < 46:
            raise _wrong("its list of names is damaged", path)
        flags, method = struct.unpack_from("<HH", listed, at + 8)
        crc, packed, size, name, extra, comment = struct.unpack_from("<IIIHHH", listed, at + 16)
        offset = struct.unpack_from("<I", listed, at + 42)[0]
        found = listed[at + 46 : at + 46 + name]
        _judge_name(found, path)
        yield _Entry(name=found, method=method, is_sealed=bool(flags & 1), packed=packed, size=size, offset=offset, crc=crc)
        at += 46 + name + extra + comment


def _judge_name(name: bytes, path: str) -> None:
    """Attack: a member that lands outside of the folder in which the bundle is unpacked later, by whatever program."""
    steps = name.removesuffix(b"/").split(b"/")
    if any(step in {b"", b".", b".."} for step in steps) or b"\\" in name or b"\0" in name or name[1:2] == b":":
        raise _wrong(f"a member leads out of its folder: {shown(name.decode('utf-8', 'replace'))}", path)
