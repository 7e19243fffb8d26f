"""The border of one call: what a guest asks for, judged before the service sends it."""

from __future__ import annotations

import base64
import json

import pytest

from mpp.errors import Refused
from mpp.host.services.border import SAID_BYTES_MAX, Border, said
from mpp.host.services.http_types import HttpResponse
from mpp.model.jsontext import Json
from tests.unit.privacy.leaving import AWS, OTHER, by

URL = "https://api.example.com/v1"


def params(url: str = URL, *headers: tuple[str, str], body: bytes = b"") -> dict[str, Json]:
    rows: list[Json] = [[name, text] for name, text in headers]
    return {"method": "POST", "url": url, "headers": rows, "timeout_ms": 900} | ({"body": base64.b64encode(body).decode()} if body else {})


def refused(border: Border, asked: dict[str, Json]) -> Refused:
    with pytest.raises(Refused) as fault:
        border.leave(asked)
    assert AWS not in str(fault.value)
    return fault.value


def test_a_clean_request_is_the_same_object() -> None:
    border, asked = Border(by()), params(body=b"hello")
    assert border.leave(asked) is asked
    assert border.leaks == []


def test_a_secret_stays_and_is_counted() -> None:
    border = Border(by())
    assert refused(border, params(URL, ("X-Key", AWS))).where == "request/headers/X-Key"
    assert refused(border, params(body=json.dumps({"k": OTHER}).encode())).where == "request/body/k"
    assert [one.type for one in border.leaks] == ["aws_access_key", "aws_access_key"]


def test_redacted_parameters_keep_the_rest() -> None:
    border = Border(by(action="redact"))
    assert border.leave(params(f"{URL}?k={AWS}", ("X", "y"))) == params(f"{URL}?k=%5BAWS_ACCESS_KEY%5D", ("X", "y"))
    assert border.leave(params(body=AWS.encode())) == params(body=b"[AWS_ACCESS_KEY]")
    assert len(border.leaks) == 2


@pytest.mark.parametrize("asked", [{}, {"method": 1}, {"method": "GET", "url": URL, "body": "no base64!"}])
def test_what_is_no_request_is_left_to_the_service(asked: dict[str, Json]) -> None:
    assert Border(by()).leave(asked) is asked


def test_what_the_host_gave_may_be_used() -> None:
    border = Border(by(), granted=(f"id={AWS};region=x",))
    asked = params(URL, ("X-Key", AWS))
    assert border.leave(asked) is asked
    refused(border, params(URL, ("X-Key", f"{AWS} {OTHER}")))


def test_what_a_service_handed_out_goes_back_to_it_alone() -> None:
    border = Border(by())
    response = HttpResponse(status=200, headers=(("X-Token", OTHER),), body=AWS.encode(), url=f"{URL}/token", observed=(), secrets=(), echoed=())
    border.returned(response.url, said(response))
    for key in (AWS, OTHER):
        asked = params(f"{URL}/next", ("X-Key", key))
        assert border.leave(asked) is asked
        for elsewhere in ("https://other.example.com/", "https://api.example.com:8443/", "http://api.example.com:443/", "not an address"):
            refused(border, params(elsewhere, ("X-Key", key)))


def test_an_address_that_two_readers_take_for_two_is_no_place() -> None:
    border = Border(by())
    border.returned("https://a@b/", AWS.encode())
    refused(border, params("https://a@b/", ("X-Key", AWS)))


def test_of_what_hosts_say_the_newest_is_kept() -> None:
    border = Border(by())
    border.returned(URL, AWS.encode())
    border.returned(URL, OTHER.encode() + b"x" * SAID_BYTES_MAX)
    assert sum(len(data) for _, data in border._said) == SAID_BYTES_MAX
    refused(border, params(URL, ("X-Key", AWS)))
    assert border.leave(asked := params(URL, ("X-Key", OTHER))) is asked
