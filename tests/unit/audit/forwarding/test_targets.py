"""Addresses, stored targets and files of headers: what is taken, and what is turned down with a word on what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.audit.forwarding.addresses import read_address
from mpp.host.audit.forwarding.cursor import Cursor
from mpp.host.audit.forwarding.tls import tls_context, words_of
from mpp.host.audit.forwarding.headers import read_headers
from mpp.host.audit.forwarding.opening import batch_bytes, encoder, open_transport
from mpp.host.audit.forwarding.targets import check_target, Target, TargetStore
from mpp.host.audit.forwarding.to_file import ToFile
from mpp.host.audit.forwarding.to_http import ToLines, ToOtlp
from mpp.host.audit.forwarding.to_syslog import ToSyslog
from mpp.host.system import FixedClock
from tests.unit.audit.forward.cases import records
from tests.unit.audit.forwarding.conftest import AT, World

GOOD = {
    "file:/var/log/x.jsonl": "file:/var/log/x.jsonl",
    "file:///var/log/x.jsonl": "file:/var/log/x.jsonl",
    "/var/log/../x": "file:/var/x",
    "tcp://127.0.0.1": "tcp://127.0.0.1:601",
    "tls://logs.example.com": "tls://logs.example.com:6514",
    "tls://[2001:db8::1]:7000": "tls://[2001:db8::1]:7000",
    "http://localhost:4318": "http://localhost:4318",
    "http://[::1]:4318/x?y=1": "http://[::1]:4318/x?y=1",
    "https://otel.example.com/base": "https://otel.example.com:443/base",
}


@pytest.mark.parametrize(("text", "shown"), GOOD.items())
def test_addresses(text: str, shown: str) -> None:
    found = read_address(text, insecure=False)
    assert found.shown() == shown
    assert read_address(found.shown(), insecure=False) == found


BAD = [
    "", "file:", "a\0b", "x" * 5000, "tcp://", "tcp://host:99999", "ftp://example.com/", "https://a b/", "https://user:" + "word" + "@h/", "https://u@h/",
    "https://h/#x", "https://[::1", "tls://h:1/path", "https://é.example/", "http://example.com", "tcp://10.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(Refused) as caught:
        read_address(text, insecure=False)
    assert caught.value.code == "usage.forward"
    assert caught.value.hint


def test_plain_text_needs_a_word() -> None:
    assert read_address("tcp://10.0.0.1", insecure=True).port == 601
    assert read_address("http://example.com", insecure=True).port == 80


def target(to: str, form: str, **more: object) -> Target:
    return Target(name="siem", to=to, format=form, **more)  # type: ignore[arg-type]


WRONG = [
    Target(name="Siem", to="file:/x", format="jsonl"),
    target("file:/x", "otlp"),
    target("tls://h", "jsonl"),
    target("https://h", "syslog"),
    target("tcp://127.0.0.1", "syslog", ca="/ca"),
    target("file:/x", "jsonl", cert="/c", key="/k"),
    target("tls://h", "syslog", cert="/c"),
    target("tls://h", "syslog", header_file="/h"),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_targets_that_cannot_work(wrong: Target) -> None:
    with pytest.raises(Refused) as caught:
        check_target(wrong)
    assert (caught.value.code, bool(caught.value.hint)) == ("usage.forward", True)


def test_targets_are_kept(world: World) -> None:
    store = TargetStore(world.places)
    assert store.load() == {}
    with pytest.raises(Refused):
        store.get("siem")
    full = target("tls://h:6514", "cef", ca="/ca", cert="/c", key="/k", ack="sent", enterprise=4711)
    plain = Target(name="web", to="http://10.0.0.1:80/x", format="otlp-logs", header_file="/h", insecure=True)
    store.change(lambda _: {"siem": full, "web": plain})
    assert store.load() == {"siem": full, "web": plain}
    assert store.get("siem") == full
    assert Path(world.places.targets).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", [{"mpp_forward": 2}, {"targets": 7}, {"x": 1}, {"targets": [{"name": "a", "to": "http://example.com", "format": "otlp"}]}])
def test_a_document_that_was_changed_is_refused(world: World, change: dict[str, object]) -> None:
    """Attack: plain text over the network by a hand in the file. It needs the word there too."""
    Path(world.places.targets).write_text(json.dumps({"mpp_forward": 1, "targets": [], **change}))
    with pytest.raises(MppError):
        TargetStore(world.places).load()


def headers(tmp_path: Path, text: str, mode: int = 0o600) -> str:
    path = tmp_path / "headers.txt"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return str(path)


def test_headers(tmp_path: Path) -> None:
    word = "Bearer " + "s3" + "cret"
    path = headers(tmp_path, f"# a token\n\nAuthorization:  {word} \nX-Scope-OrgID: a:b\n")
    assert read_headers(path) == {"Authorization": word, "X-Scope-OrgID": "a:b"}


@pytest.mark.parametrize(
    "text", ["word", "Host: x\n", "content-length: 0\n", "A b: c\n", "A:\n", "A: b\x01c\n", "A: \u00e9\n", "".join(f"H{i}: x\n" for i in range(17))]
)
def test_headers_that_cannot_be_sent(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refused) as caught:
        read_headers(headers(tmp_path, text))
    assert caught.value.code == "audit.forward_headers"
    assert "word" not in caught.value.message


def test_headers_that_others_can_read(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        read_headers(headers(tmp_path, "A: b\n", 0o644))
    assert "chmod 600" in caught.value.hint


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")
    for wrong in (target("tls://h", "syslog", ca=str(path)), target("tls://h", "syslog", cert=str(path), key=str(path)), target("tls://h", "syslog", ca="/no")):
        with pytest.raises(HostFailed) as caught:
            tls_context(wrong)
        assert caught.value.code == "audit.forward_tls"


def test_words() -> None:
    assert words_of(TimeoutError()) == "it takes too long"
    assert words_of(OSError()) == "the connection broke"
    assert words_of(ConnectionRefusedError(111, "Connection refused")) == "Connection refused"
    assert words_of(ValueError("what the other side said")) == "its answer breaks off or is no HTTP"


KINDS = [
    ("file:/x", "jsonl", ToFile), ("tcp://127.0.0.1", "syslog", ToSyslog), ("tls://h", "cef", ToSyslog), ("https://h", "ecs", ToLines),
    ("http://127.0.0.1", "otlp", ToOtlp), ("http://127.0.0.1", "otlp-logs", ToOtlp),
]  # fmt: skip


@pytest.mark.parametrize(("to", "form", "kind"), KINDS)
def test_each_target_has_its_transport(world: World, to: str, form: str, kind: type) -> None:
    assert isinstance(open_transport(target(to, form), world.source, None, FixedClock(AT)), kind)
    assert batch_bytes(target(to, form)) > 0


def test_spans_know_the_calls_that_began_before(world: World) -> None:
    world.put(1, "intent", "0f" * 16, tool="find")
    world.put(1, "stop")
    world.log.checkpoint()
    cursor = Cursor(origin=world.source.origin(), seq=2, leaf=world.source.leaf(2))
    found = open_transport(target("http://127.0.0.1", "otlp"), world.source, cursor, FixedClock(AT))
    assert isinstance(found, ToOtlp)
    assert [*found._calls._open] == ["0f" * 16]


def test_each_format_is_written() -> None:
    one = records()[13]
    found = {form: encoder(target("file:/x", form))(one) for form in ("jsonl", "ecs", "ocsf", "cef", "syslog")}
    assert len(set(found.values())) == 5
    assert encoder(target("https://h", "otlp"))(one) == one.line
    wrapped = encoder(target("tcp://127.0.0.1", "cef", enterprise=7), "h.example")(one)
    assert wrapped.startswith(b"<110>1 ")
    assert b" h.example mpp - intent [mpp@7 origin=" in wrapped
    assert wrapped.endswith(found["cef"])
