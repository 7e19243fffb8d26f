"""What a host gives to ``WasmSandbox`` and gets from it, and how a configuration narrows a token. Spec: spec/3-policy.md section 5."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import timedelta

from mpp.errors import Refused
from mpp.host.oncall import find_tool
from mpp.limits import KIB, MIB
from mpp.model.capabilities import NetworkRule
from mpp.model.fields import Faults, Fields
from mpp.model.hosts import WEB_PORTS, read_host
from mpp.model.jsontext import Json, read, shown
from mpp.model.limits import NAME_MAX
from mpp.model.manifest import Manifest, ToolDefinition
from mpp.model.scope import Scope, host_covered, meet_network, path_covered, rule_covered
from mpp.model.value import value
from mpp.stages.policy import CapabilityToken
from mpp.stages.privacy import Report
from mpp.stages.sandbox import ARGUMENT_BYTES_MAX, Arguments, ToolReply, Used, read_arguments

REQUEST_BYTES_MAX = ARGUMENT_BYTES_MAX + 16 * KIB
"""Bytes of a request as a host passes it on. Reason: the largest arguments and the frame around them."""

_WHERE = "stdin_data"


@value
class SandboxConfig:
    """One run. Everything in it narrows what the token opens; what is left out of a list or a mapping is not opened."""

    stdin_data: bytes
    """The request: a JSON-RPC line of ``tools/call``, or ``{"tool": NAME, "arguments": {...}}``."""
    capability_token: CapabilityToken | None = None
    memory_limit_bytes: int = 0
    """Whole mebibytes count. More than the manifest says is as much as it says; 0 is that, too."""
    timeout: float | timedelta = 0.0
    """Seconds. More than the manifest or the token says is as much as they say; 0 is that, too."""
    env_vars: Mapping[str, str] = field(default_factory=dict)
    """Values for variables that the token opens."""
    dir_mappings: Mapping[str, str] = field(default_factory=dict)
    """Paths that the token opens, and where each is on this machine. A path is opened for writing if the token says so."""
    allowed_network_domains: Sequence[NetworkRule | str] = ()
    """Rules, or names of hosts such as ``api.example.com``. What the package declares and the token does not open is left out."""

    def seconds(self, most: float) -> float:
        """The time of the run, at most ``most`` seconds."""
        wanted = self.timeout.total_seconds() if isinstance(self.timeout, timedelta) else self.timeout
        if not math.isfinite(wanted) or wanted < 0:
            raise Refused("call.limit", "the timeout is no number of seconds", where="timeout", hint="give seconds, such as 2.5, or a timedelta")
        return min(wanted or most, most)

    def memory(self, most: int) -> int:
        """The memory of the run, at most ``most`` bytes."""
        if self.memory_limit_bytes and self.memory_limit_bytes < MIB:
            raise Refused("call.limit", "the memory limit is below one mebibyte", where="memory_limit_bytes", hint="give bytes; the least is 1048576")
        return min(self.memory_limit_bytes or most, most)


@value
class Output:
    """A run that ended with an answer, without what is private in it. What the tool wrote before that is in nobody's hands."""

    result: ToolReply
    stderr: str
    privacy: Report
    """What the filter did."""
    used: Used
    seconds: float
    invocation: str
    """The name of the call in the record."""

    def response(self, request_id: int | str = 1) -> str:
        """The line of JSON-RPC that answers the request."""
        return json.dumps({"jsonrpc": "2.0", "id": request_id, "result": self.result.to_json()}, separators=(",", ":"), ensure_ascii=False)


def read_request(data: bytes, manifest: Manifest) -> tuple[ToolDefinition, Arguments]:
    """The tool and the arguments of a request. Their schema is judged later."""
    if len(data) > REQUEST_BYTES_MAX:
        raise Refused("call.size", f"the request has more than {REQUEST_BYTES_MAX} bytes", where=_WHERE, hint="send less at once")
    faults = Faults("call")
    fields = Fields(read(data, family="call", where=_WHERE), _WHERE, faults)
    name, found = _of_rpc(fields) if fields.has("jsonrpc") else _of_plain(fields)
    fields.end()
    faults.stop()
    # Written anew, and from here on the same bytes: what is hashed, approved and given to the tool.
    return find_tool(manifest, name), read_arguments(json.dumps(found, ensure_ascii=False).encode())


def _of_rpc(fields: Fields) -> tuple[str, Json]:
    fields.one_of("jsonrpc", ("2.0",))
    fields.one_of("method", ("tools/call",))
    # The answer goes back to the host itself, which knows what it asked.
    fields.raw("id", required=False)
    params = fields.object("params")
    if params is None:
        return "", {}
    name = params.text("name", most=NAME_MAX)
    found = params.raw("arguments", required=False)
    # Attack: a context of the caller's own. The one that the tool sees is made by the host.
    params.raw("_meta", required=False)
    params.end()
    return name, {} if found is None else found


def _of_plain(fields: Fields) -> tuple[str, Json]:
    found = fields.raw("arguments", required=False)
    return fields.text("tool", most=NAME_MAX, default=""), {} if found is None else found


def limit_of(config: SandboxConfig, scope: Scope, declared: Scope, tool: str) -> Scope:
    """What the configuration leaves of the token's scope, for one tool. Refuses what the token does not open at all."""
    for name in config.env_vars:
        if name not in scope.env:
            raise _beyond(f"the variable {shown(name)}", "env_vars")
    for path in config.dir_mappings:
        if not path_covered(path, (*scope.read, *scope.write)):
            raise _beyond(f"the path {shown(path)}", "dir_mappings")
    paths = tuple(config.dir_mappings)
    return Scope(
        network=tuple(rule for item in config.allowed_network_domains for rule in _rules(item, scope, declared)),
        read=paths,
        # A path that may only be read is not in here, or the meet would open what lies below it for writing.
        write=tuple(path for path in paths if path_covered(path, scope.write)),
        env=tuple(config.env_vars),
        secrets=scope.secrets,
        kv_max_bytes=scope.kv_max_bytes,
        devices=scope.devices,
        tools=(tool,),
    )


def _rules(item: NetworkRule | str, scope: Scope, declared: Scope) -> tuple[NetworkRule, ...]:
    """The rules of the scope, as far as one entry of the list leaves them."""
    if isinstance(item, NetworkRule):
        if not rule_covered(item, declared.network):
            raise _beyond(f"these requests to {item.host}", "allowed_network_domains")
        return (item,)
    wanted = _host_rule(item, declared)
    if not any(host_covered(wanted, had) and set(wanted.ports) & set(had.ports) for had in declared.network):
        raise _beyond(f"the host {shown(item)}", "allowed_network_domains")
    return meet_network(scope.network, (wanted,))


def _host_rule(written: str, declared: Scope) -> NetworkRule:
    """Any request to that host: what of it is allowed, the declared rules say."""
    faults = Faults("call")
    host, port = read_host(written, "allowed_network_domains", faults, wildcard=True, port=True)
    faults.stop()
    ports = (port,) if port else tuple(dict.fromkeys(port for rule in declared.network for port in rule.ports))
    return NetworkRule(host=host.removeprefix("*."), wildcard=host.startswith("*."), schemes=tuple(WEB_PORTS), ports=ports, methods=(), paths=())


def _beyond(what: str, where: str) -> Refused:
    return Refused("token.beyond", f"the token does not open {what}", where=where, hint="take it out, or ask for a token that opens it")
