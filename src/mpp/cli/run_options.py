"""What ``mpp run`` is given, read and judged in its form."""

from __future__ import annotations

import os
import sys

from mpp.cli.options import here
from mpp.errors import Refused
from mpp.files import read_bounded, read_stream
from mpp.host.agent_identity import Identified, IdentityRequest, identify_fully, read_behalf
from mpp.host.agent_store import AgentStore
from mpp.host.judging import Services
from mpp.model.jsontext import shown as shown_text
from mpp.model.value import value
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import CallFacts, make_proof
from mpp.stages.sandbox import ARGUMENT_BYTES_MAX

TOKEN_FILE_BYTES_MAX = 1024
"""Bytes of a file with an agent's token. Reason: a token is one short line."""

STATEMENT_BYTES_MAX = 16 * 1024
"""Bytes of a file with a statement, an ID token or a delegation. Reason: they have a few kilobytes."""

JTI_BYTES = 16


@value
class AgentOptions:
    """How the caller says which agent calls."""

    name: str = ""
    key_file: str = ""
    passphrase_file: str | None = None
    token_file: str = ""
    statement_file: str = ""
    id_token_file: str = ""
    delegations: tuple[str, ...] = ()
    behalf: tuple[str, ...] = ()

    @property
    def is_given(self) -> bool:
        return bool(self.name or self.key_file or self.token_file)


def identify_agent(options: AgentOptions, package: VerifiedPackage, tool: str, argument_sha256: str, agents: str, on: Services) -> Identified:
    """Who calls. The key stays with the agent: here the command is both, the agent that signs and the host that verifies."""
    now = on.clock.now()
    facts = CallFacts(
        audience=on.host.key_id, tool=tool, publisher_id=package.publisher_id, package_id=package.package_id, argument_sha256=argument_sha256
    )  # fmt: skip
    proof = b""
    if not options.key_file and (options.statement_file or options.id_token_file or options.delegations):
        raise Refused("usage.option", "statements, ID tokens and delegations go with a proof", hint="give --agent NAME and --agent-key FILE")
    if options.key_file:
        if not options.name:
            raise Refused("usage.option", "--agent-key goes with --agent NAME", hint="say which agent the key is of")
        from mpp.cli.agent_keys import load_key  # noqa: PLC0415 - brings what opens key files, and most calls have none

        signer = load_key(options.key_file, "agent", options.passphrase_file)
        links = tuple(_document(one) for one in options.delegations)
        jti = on.random.bytes(JTI_BYTES).hex()
        proof = make_proof(options.name, facts, signer, jti=jti, now=now, delegation=links, with_key=bool(options.id_token_file))
    request = IdentityRequest(
        launched=options.name,
        behalf=tuple(map(read_behalf, options.behalf)),
        token=_line(options.token_file, TOKEN_FILE_BYTES_MAX),
        proof=proof,
        statement=_document(options.statement_file),
        id_token=_line(options.id_token_file, STATEMENT_BYTES_MAX),
    )
    return identify_fully(request, AgentStore(agents).load(), facts, on.approvals, now)


def _line(path: str, most: int) -> str:
    return read_stream(path, most).decode("utf-8", "replace").strip() if path else ""


def _document(path: str) -> bytes:
    """A signed document, without the line end that a shell puts behind it."""
    return read_bounded(path, STATEMENT_BYTES_MAX).removesuffix(b"\n") if path else b""


def read_given(text: str) -> bytes:
    """The arguments. Too many bytes are a fault of the call, not of a package. Spec: call-contract C-3."""
    try:
        return _given(text)
    except Refused as fault:
        if fault.code != "size.input":
            raise
        raise Refused("call.size", fault.message, where=fault.where, hint="send less at once") from None


def _given(text: str) -> bytes:
    if text == "-":
        return read_input(ARGUMENT_BYTES_MAX)
    if text.startswith("@"):
        return read_stream(text[1:], ARGUMENT_BYTES_MAX)
    return text.encode("utf-8", "surrogateescape")


def read_input(most: int) -> bytes:
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise Refused("size.input", f"standard input has more than {most} bytes", where="-", hint="give less")
    return data


def read_mappings(maps: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in maps:
        guest, equals, place = entry.partition("=")
        if not equals or not guest or not place or guest in found:
            raise Refused(
                "usage.map",
                f"{shown_text(entry)!r} is no mapping, or a second one of its path",
                where="--map",
                hint="write each declared path once: --map /data=/home/ada/data",
            )
        found[guest] = os.path.join(here(), os.path.expanduser(place))
    return found


def read_workspace(folder: str) -> str:
    return os.path.realpath(os.path.join(here(), os.path.expanduser(folder))) if folder else ""
