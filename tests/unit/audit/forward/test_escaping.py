"""What somebody chose as a name cannot leave its place: read back by readers written from the specifications."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.stages.audit.forward import DOCUMENTATION_ENTERPRISE, framed, SYSLOG_BYTES_MAX, SyslogHead, to_cef, to_syslog
from mpp.stages.audit.forward.cef import extension, header
from mpp.stages.audit.forward.record import one_line
from mpp.stages.audit.forward.syslog import param, printable
from tests.unit.audit.forward.cases import AGENT, record, records

TEXT = st.text(max_size=60)
NASTY = st.text(st.sampled_from('\\|="]\n\r =ab'), max_size=30)


def read_cef(text: str) -> tuple[list[str], dict[str, str]]:
    """The seven fields of the head, and the extension."""
    fields: list[str] = []
    at = 0
    while len(fields) < 7:
        field = ""
        while text[at] != "|":
            if text[at] == "\\":
                at += 1
                assert text[at] in "\\|"
            field += text[at]
            at += 1
        fields.append(field)
        at += 1
    pairs: dict[str, str] = {}
    keys = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", text[at:]))
    for number, key in enumerate(keys):
        end = keys[number + 1].start() if number + 1 < len(keys) else len(text[at:])
        raw = text[at:][key.end() : end]
        pairs[key[1]] = re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), raw)
    return fields, pairs


def read_params(element: str) -> dict[str, str]:
    """The parameters of the one element, by RFC 5424, section 6.3."""
    name = re.match(r"\[([^ =\]\"]+)", element)
    assert name is not None
    at, found = name.end(), dict[str, str]()
    while element[at] == " ":
        key = re.compile(r'([^ =\]"]{1,32})="').match(element, at + 1)
        assert key is not None
        at, text = key.end(), ""
        while element[at] != '"':
            assert element[at] != "]"
            if element[at] == "\\":
                at += 1
                assert element[at] in '\\"]'
            text += element[at]
            at += 1
        found[key[1]] = text
        at += 1
    assert element[at] == "]"
    found[""] = element[at + 1 :]
    return found


@given(NASTY | TEXT)
def test_cef_values_come_back(text: str) -> None:
    found = record("intent", {"tool": text, "package": "p", "agent": {"name": text}})
    fields, pairs = read_cef(to_cef(found).decode())
    assert fields[:4] == ["CEF:0", "Model Package Protocol", "MPP", "1"]
    assert fields[4] == "intent"
    assert (pairs["cn1"], pairs["cs1"]) == ("0", found.leaf)
    # A line break survives in a value; what else cannot be printed does not.
    kept = "".join(c if c.isprintable() or c in "\r\n" else "�" for c in text)
    assert pairs.get("request", "") == kept


@given(TEXT | NASTY)
def test_cef_escapes(text: str) -> None:
    assert re.fullmatch(r"(?:[^\\|\n\r]|\\[\\|])*", header(text))
    assert re.fullmatch(r"(?:[^\\=\n\r]|\\[\\=nr])*", extension(text))


@given(NASTY | TEXT)
def test_syslog_parameters_come_back(text: str) -> None:
    found = record("intent", {"tool": text, "hosts": [text]})
    message = to_syslog(found, SyslogHead(hostname="h")).decode()
    head, _, rest = message.partition(" [")
    assert re.fullmatch(r"<1[01][0-9]>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ h mpp - intent", head)
    params = read_params("[" + rest)
    assert (params["seq"], params["leaf"], params.get("tool", "")) == ("0", found.leaf, one_line(text))
    assert params[""].startswith(" ")


@given(TEXT | NASTY)
def test_parameters_escape(text: str) -> None:
    assert re.fullmatch(r'(?:[^\\"\]]|\\[\\"\]])*', param(text))


@given(st.text(max_size=300))
def test_a_host_name_is_printable_ascii(name: str) -> None:
    assert re.fullmatch("[!-~]{1,255}", printable(name))


def test_a_message_beyond_ascii_says_so() -> None:
    assert b"] \xef\xbb\xbfintent p\xc3\xa9" in to_syslog(record("intent", {"package": "pé"}), SyslogHead())
    assert b"] intent p" in to_syslog(record("intent", {"package": "p"}), SyslogHead())


def test_the_enterprise_number_can_be_set() -> None:
    found = records()[0]
    assert f"[mpp@{DOCUMENTATION_ENTERPRISE} ".encode() in to_syslog(found, SyslogHead())
    assert b"[mpp@4711 " in to_syslog(found, SyslogHead(enterprise=4711))


def test_severity_stands_in_the_priority() -> None:
    assert to_syslog(record("epoch", {}), SyslogHead()).startswith(b"<110>1 ")
    assert to_syslog(record("torn", {}), SyslogHead()).startswith(b"<107>1 ")


@pytest.mark.parametrize("text", [b"", b"CEF:0|" + b"x" * 9000])
def test_what_is_too_long_is_cut_and_says_so(text: bytes) -> None:
    """Attack: long names, so that a server cuts the message and with it the hash."""
    loud = "\\" * 4000
    found = record("result", {"tool": loud, "package": "\U0001f600" * 300, "agent": AGENT, "hosts": ["\U0001f600" * 200] * 32, "rule": loud, "outcome": loud})
    message = to_syslog(found, SyslogHead(hostname="h" * 400), text)
    assert len(message) <= SYSLOG_BYTES_MAX // 2
    params = read_params(message.decode().partition(" [")[1].lstrip() + message.decode().partition(" [")[2])
    assert (params["seq"], params["leaf"], params["origin"], params["cut"]) == ("0", found.leaf, found.origin, "yes")


def test_another_format_is_carried_whole() -> None:
    found = records()[1]
    message = to_syslog(found, SyslogHead(), b"CEF:0|x").decode()
    assert message.endswith("] CEF:0|x")
    assert set(read_params(message[message.index("[") :])) == {"origin", "seq", "leaf", ""}


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_frames_are_taken_apart_by_their_length(messages: list[bytes]) -> None:
    data, found = b"".join(map(framed, messages)), []
    while data:
        count, _, rest = data.partition(b" ")
        found.append(rest[: int(count)])
        data = rest[int(count) :]
    assert found == messages
