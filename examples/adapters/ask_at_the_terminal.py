"""Installed tools in LangChain. Where policy wants a person, the one at this terminal decides.

    python ask_at_the_terminal.py TOOL '{"name": "Ada"}'
"""

from __future__ import annotations

import json
import sys

from mpp.adapters.langchain import tools
from mpp.host.host import Host
from mpp.protocol.mcp.ports import Pending


def ask(pending: Pending) -> bool:
    return input(f"{pending.text}\nYes, this once? y/n: ").strip() == "y"


with Host.open() as host:
    found = {tool.name: tool for tool in tools(host, ask=ask)}
    print(found[sys.argv[1]].invoke(json.loads(sys.argv[2])))
