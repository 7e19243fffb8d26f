"""All installed tools in a program of your own: list them, call one, ask a person where policy wants one.

mpp install hello-0.1.0.mpp
python tools.py hello__greet '{"name": "Ada"}'
"""

from __future__ import annotations

import sys

from mpp import Caller, Host, MppError


def main(name: str, arguments: bytes) -> int:
    me = Caller(user="the person at this terminal")
    with Host.open() as host:
        for tool in host.tools(me).items:
            print(f"{tool['name']}: {tool['description']}", file=sys.stderr)
        outcome = host.call(name, arguments, who=me)
        if outcome.pending:
            print(outcome.pending.text, file=sys.stderr)
            said = input("Run this once? y/n: ").strip()
            # What needs a passphrase, or two people, is answered with `mpp approve` and does not count here.
            host.answer(outcome.pending.question, yes=said == "y", who=me)
            outcome = host.call(name, arguments, who=me)
        for part in outcome.result.get("content", ()):
            print(part.get("text", f"[{part['type']}]"))
        return 1 if outcome.result.get("isError") else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        sys.exit(main(sys.argv[1], sys.argv[2].encode()))
    except MppError as fault:
        sys.exit(f"{fault.code}: {fault.message}. {fault.hint}")
