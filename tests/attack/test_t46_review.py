"""T46, what a second review found: names that never resolve, secrets and paths that are escaped twice, media types with parameters, labels that steer a terminal."""

from __future__ import annotations

import json
import os
import threading
import time
from urllib.parse import quote

import pytest

from mpp.host.services.http_line import Patience, Resolver
from mpp.host.services.http_rules import judge_target, read_url
from mpp.host.services.http_secrets import Haystack, Needles
from mpp.host.services.http_types import Stopped, Target
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json
from mpp.stages.sandbox.contract.content import read_content
from tests.unit.host.http_sites import NAME, VALUE, rule, secret

PLACE = Target(scheme="http", host=NAME, port=80, path="/")


def soon() -> Patience:
    return Patience(time.monotonic() + 0.03)


def test_a_package_whose_names_never_resolve_takes_no_room_of_others() -> None:
    gate = threading.Event()
    resolver = Resolver(lambda name, port: [("127.0.0.1", port)] if name == "good" or gate.wait(10) else [], most=4, each=2)
    good = Target(scheme="http", host="good", port=80, path="/")
    try:
        codes = []
        for _ in range(6):
            with pytest.raises(Stopped) as fault:
                resolver.answer(PLACE, soon(), private=True, key="hostile")
            codes.append(fault.value.code)
        assert codes == ["timeout"] * 2 + ["unavailable"] * 4
        assert resolver.answer(good, Patience(time.monotonic() + 5), private=True, key="other") == [("127.0.0.1", 80)]
    finally:
        gate.set()


@pytest.mark.parametrize(
    ("place", "fault"), [("os.pipe", OSError(24, "Too many open files")), ("threading.Thread.start", RuntimeError("can't start new thread"))]
)
def test_resolving_that_cannot_begin_takes_no_room(monkeypatch: pytest.MonkeyPatch, place: str, fault: Exception) -> None:
    def none_left(*_: object) -> None:
        raise fault

    resolver = Resolver(lambda name, port: [("127.0.0.1", port)], most=1, each=1)
    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patch:
        patch.setattr(place, none_left)
        for _ in range(2):
            with pytest.raises(Stopped) as stopped:
                resolver.answer(PLACE, soon(), private=True, key="k")
            assert (stopped.value.code, "too many" in stopped.value.message) == ("unavailable", False)
    assert len(os.listdir("/proc/self/fd")) == before
    assert resolver.answer(PLACE, Patience(time.monotonic() + 5), private=True, key="k") == [("127.0.0.1", 80)]


QUOTED = "sk-" + 'a"b\\c/d' + "0123456789"
TWICE = [
    (VALUE, quote(quote(VALUE, safe=""), safe="")),
    (VALUE, json.dumps("".join(f"%{ord(one):02x}" for one in VALUE)).replace("%", "\\u0025")),
    (QUOTED, json.dumps(json.dumps({"sent": QUOTED}))),
]


@pytest.mark.parametrize(("value", "echo"), TWICE)
def test_an_echo_that_is_escaped_twice_is_taken_out(value: str, echo: str) -> None:
    needles = Needles(secret(NAME, value))
    assert needles.within(Haystack(echo.encode()))
    assert needles.redact(Haystack(echo.encode())).data == needles.mark


def allowed(path: str, paths: tuple[str, ...]) -> bool:
    rules = (rule(NAME, paths=paths),)
    try:
        judge_target("GET", read_url(f"https://{NAME}{path}", rules), rules)
    except Stopped:
        return False
    return True


@pytest.mark.parametrize(
    "hidden",
    [
        "%25%32%65%25%32%65",
        "%252%65%252%65",
        "%25%32e.",
        "%25%32%35%32e.",
        "..%25%32%66x",
        "%25%35%63..",
        "%c0%ae%c0%ae",
        "..%C0%AFx",
        "%25c0%25ae.",
        "%25" + 6 * "25" + "41",
    ],
)
def test_no_encoding_of_an_encoding_hides_a_step_out_of_a_path(hidden: str) -> None:
    assert not allowed(f"/v1/{hidden}/admin", ("/v1",))


@pytest.mark.parametrize("plain", ["a%20b", "100%25", "100%25%20off", "%C3%A9", "a.b..c", "%2541"])
def test_what_hides_nothing_stays_below_its_path(plain: str) -> None:
    assert allowed(f"/v1/{plain}", ("/v1",))


@pytest.mark.parametrize(
    ("kind", "mime", "passes"),
    [
        ("image", "image/svg+xml; charset=utf-8", True), ("image", 'image/png;note="a b"', True), ("audio", 'audio/ogg; codecs="opus,vorbis"', True),
        ("image", "image/", False), ("image", "audio/ogg", False), ("image", "image/png;", False), ("image", "image/png\n", False), ("audio", "imageaudio/ogg", False),
    ],
)  # fmt: skip
def test_media_types_may_have_parameters(kind: str, mime: str, *, passes: bool) -> None:
    """Spec: call-contract C-32, C-35."""
    faults = Faults("tool")
    read_content({"type": kind, "data": "AAEC", "mimeType": mime}, "/content/0", Fields({}, "", faults))
    assert (not faults.found) == passes


@pytest.mark.parametrize("key", ["name", "title", "description"])
@pytest.mark.parametrize("sign", ["\x00", "\n", "\x1b", "\x7f", "\x85", "\x9b"])
def test_labels_hold_no_control_character(key: str, sign: str) -> None:
    """Spec: call-contract C-38. Attack: U+009B begins a command of a terminal."""
    link: dict[str, Json] = {"type": "resource_link", "uri": "https://example.org/a", "name": "a"}
    for text, count in ((f"a{sign}b", 1), ("ä b", 0)):
        faults = Faults("tool")
        read_content({**link, key: text}, "/content/0", Fields({}, "", faults))
        assert len(faults.found) == count
