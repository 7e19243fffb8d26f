"""Tools whose names clients do not take, through the whole host."""

from __future__ import annotations

import os

import pytest

from mpp.errors import Refused
from mpp.host.backend import open_backend, ServeOptions
from mpp.host.home import Home
from mpp.host.sources.naming import fit, public_name
from mpp.protocol.mcp.ports import Caller
from mpp.testing.installing import install_tool, tools_named
from mpp.testing.tools import greeting
from tests.unit.host.test_host import called, place, text_of

__all__ = ["place"]


def test_a_name_that_no_client_takes_is_shown_and_called_under_another(place: Home) -> None:
    """Spec: mcp-front J-37. Whatever the mode."""
    whole = "read.document_" + "x" * 50
    name = public_name("hello", whole)
    install_tool(place, greeting("done"), changes={"tool_definitions": tools_named([whole])})
    for options in (ServeOptions(), ServeOptions(plain_names=True), ServeOptions(search_mode=True)):
        with open_backend(place, options, environment=os.environ) as made:
            if options.search_mode:
                found = called(made, "mpp_search_tools", {"query": "document"}).result["structuredContent"]
                assert isinstance(found, dict)
                assert [one["name"] for one in found["tools"]] == [name]
                assert text_of(called(made, "mpp_call", {"name": name})) == "done"
                assert called(made, "mpp_call", {"name": f"hello__{whole}"}).result["isError"] is True
                continue
            shown = [tool["name"] for tool in made.tools(Caller()).items if isinstance(tool, dict)]
            assert shown == [fit(whole) if options.plain_names else name]
            assert text_of(called(made, shown[0], {})) == "done"
            with pytest.raises(Refused, match="there is no tool"):
                called(made, f"hello__{whole}", {})
