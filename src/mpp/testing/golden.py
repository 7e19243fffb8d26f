"""The golden set against one built tool package, in the sandbox of a host: workers, deadlines and host calls as in a real call.

Takes: a folder with cases (sdk/golden) and a verified package. Gives: one verdict per case, with what differed.
Refuses: nothing; a tool that fails is a verdict. Limits: those of the sandbox, and the package's own.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mpp.host.drive import drive
from mpp.host.home import Home
from mpp.host.layers import layers_of
from mpp.host.sandbox import CallInput, native_cache, Ready, Sandbox
from mpp.host.services.standard import standard_calls
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.jsontext import Json
from mpp.model.rights import Rights
from mpp.model.value import value
from mpp.ports import Steps
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.sandbox import HostCalls, Run, Scope
from mpp.testing.tokens import meant_for, token_for, warrant_for

CASES = "cases"
CONTEXT = "context.json"
SESSIONS = "sessions.json"
ENVIRONMENT = (("GOLDEN_WORD", "granted é"),)
"""What the package is granted of the environment."""

SECONDS = 60.0
"""Seconds for one call. Reason: the largest case takes a tenth of a second; a machine with other work takes ten times as long."""


@value
class Case:
    """One call and what must come of it."""

    name: str
    line: bytes
    """As the guest reads it."""
    tool: str
    host: tuple[Mapping[str, Json], ...]
    reply: Json
    stderr: str
    optional: bool = False
    """May the package lack the tool?"""


@value
class Verdict:
    """What came of a case."""

    name: str
    wrong: str
    """What differed; empty: nothing."""
    seconds: float


class ScriptedCalls:
    """Answers host calls from a script, in its order, and keeps what was not as the script says."""

    def __init__(self, script: Sequence[Mapping[str, Json]] = ()) -> None:
        self._left = list(script)
        self.wrong: list[str] = []

    def begin(self, script: Sequence[Mapping[str, Json]]) -> None:
        self._left, self.wrong = list(script), []

    def end(self) -> str:
        """What was not as the script says."""
        missing = [f"no call of {expected['method']}" for expected in self._left]
        return "; ".join((*self.wrong, *missing))

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:  # noqa: ARG002 - a script judges nothing
        yield from ()
        if not self._left:
            self.wrong.append(f"one call too many: {method}")
            return HostAnswer(result=None, error="unavailable", message="the script is at its end")
        expected = self._left.pop(0)
        if expected["method"] != method:
            self.wrong.append(f"called {method} in place of {expected['method']}")
        elif found := difference(expand(expected["params"]), params, f"{method} params"):
            self.wrong.append(found)
        error = expected.get("error")
        if isinstance(error, dict):
            return HostAnswer(result=None, error=str(error["code"]), message=str(error["message"]))
        return HostAnswer(result=expand(expected.get("result")), error="", message="")


class _Quiet:
    """Nobody looks on."""

    def log(self, level: str, message: str) -> None: ...

    def progress(self, progress: float, total: float | None, message: str) -> None: ...


def read_cases(folder: str) -> tuple[Case, ...]:
    """All cases of the set, in the order of their files."""
    context = _object(_read(os.path.join(folder, CONTEXT)))
    names = sorted(name for name in os.listdir(os.path.join(folder, CASES)) if name.endswith(".json"))
    return tuple(_case(_object(found), context) for name in names for found in _list(_read(os.path.join(folder, CASES, name))))


def read_sessions(folder: str) -> tuple[tuple[str, tuple[Case, ...]], ...]:
    """Calls that belong together, by the name of their session. Those that are not ``apart`` are made as one tool."""
    context = _object(_read(os.path.join(folder, CONTEXT)))
    sessions = [_object(found) for found in _list(_read(os.path.join(folder, SESSIONS)))]
    return tuple((str(one["name"]), tuple(_of_session(one, _object(call), context) for call in _list(one["calls"]))) for one in sessions)


def _of_session(session: Mapping[str, Json], call: Mapping[str, Json], context: Mapping[str, Json]) -> Case:
    made = _case({"name": session["name"], "optional": session.get("optional", False), **call}, context)
    # State belongs to a tool; made as one tool, each call sees what the others stored.
    return made if session.get("apart") is True else replace(made, tool="")


def run_cases(package: VerifiedPackage, folder: str, *, cache: str = "", only: str = "", home: str = "") -> Iterator[Verdict]:
    """Each case in a worker, its host calls answered from the case; ``only`` runs the cases whose names hold it."""
    calls = ScriptedCalls()
    with opened(package, calls, rights_of(package), cache, home) as (sandbox, ready):
        for case in read_cases(folder):
            if only in case.name:
                calls.begin(case.host)
                began = time.monotonic()
                run = run_one(sandbox, ready, case)
                wrong = "" if _lacks(case, run) else "; ".join(filter(None, (_judge(case, run), calls.end())))
                yield Verdict(name=case.name, wrong=wrong, seconds=time.monotonic() - began)


def run_sessions(package: VerifiedPackage, folder: str, *, cache: str = "", home: str = "") -> Iterator[Verdict]:
    """Each session against the real services of a host, in a home of its own."""
    for name, session in read_sessions(folder):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="mpp-golden-") as place, standard_calls(Home(path=place), None) as calls:
            stored = replace(rights_of(package), kv_max_bytes=package.manifest.capabilities.kv_max_bytes)
            with opened(package, calls, stored, cache, home) as (sandbox, ready):
                runs = [(number, case, run_one(sandbox, ready, case)) for number, case in enumerate(session, 1)]
            lacks = any(_lacks(case, run) for _, case, run in runs)
            found = [(number, _judge(case, run)) for number, case, run in runs] if not lacks else []
        wrong = "; ".join(f"call {number}: {words}" for number, words in found if words)
        yield Verdict(name=f"session: {name}", wrong=wrong, seconds=time.monotonic() - began)


@contextmanager
def opened(package: VerifiedPackage, calls: HostCalls, rights: Rights, cache: str, home: str = "") -> Iterator[tuple[Sandbox, Ready]]:
    """The package made ready, and everything closed at the end. ``home`` has the layers, where the package stands on one."""
    layers = layers_of(Home(path=home), lambda: native_cache(cache) if cache else None) if home else None
    sandbox = Sandbox(cache, calls, layers=layers)
    try:
        ready = sandbox.prepare(package, token_for(package, rights), rights)
        yield sandbox, ready
        sandbox.release(ready)
    finally:
        sandbox.close()


def run_one(sandbox: Sandbox, ready: Ready, case: Case, seconds: float = SECONDS, env: tuple[tuple[str, str], ...] = ENVIRONMENT) -> Run:
    """One call, with leave for exactly this call."""
    given = CallInput(
        context=_CALL if not case.tool else replace(_CALL, tool=case.tool),
        line=case.line,
        argument_sha256="0" * 64,
        seconds=seconds,
        env=env,
        now_ns=time.time_ns(),
        live=_Quiet(),
    )
    meant = meant_for(ready, given)
    return drive(sandbox.call(ready, warrant_for(ready, meant), meant))


def rights_of(package: VerifiedPackage, *, env: bool = True) -> Rights:
    """What a case needs: the variables of ``ENVIRONMENT``, if the package declares them."""
    return Rights(
        tenant="local",
        publisher_id=package.publisher_id,
        package_id=package.package_id,
        content_hash=package.content_hash,
        env=tuple(name for name, _ in ENVIRONMENT) if env else (),
    )


_CALL = CallContext(
    invocation="00112233445566778899aabbccddeeff", tenant="local", agent="helper", agent_proof="signed", user="ada", package_id="", version="1.0.0",
    content_hash="", publisher_id="", tool="echo",
)  # fmt: skip


def _read(path: str) -> Json:
    with open(path, encoding="utf-8") as file:
        found: Json = json.load(file)
    return found


def _object(found: Json) -> dict[str, Json]:
    if not isinstance(found, dict):
        raise TypeError("the set has something else where an object stands")
    return found


def _list(found: Json) -> list[Json]:
    if not isinstance(found, list):
        raise TypeError("the set has something else where a list stands")
    return found


def _case(found: Mapping[str, Json], context: Mapping[str, Json]) -> Case:
    tool = str(found.get("tool", ""))
    return Case(
        name=str(found["name"]),
        line=_line(found, tool, context) + b"\n",
        tool=tool,
        host=tuple(map(_object, _list(found.get("host", [])))),
        reply={"jsonrpc": "2.0", "id": 1, **_object(expand(found["reply"]))},
        stderr=str(found.get("stderr", "")),
        optional=found.get("optional") is True,
    )


def _line(found: Mapping[str, Json], tool: str, context: Mapping[str, Json]) -> bytes:
    if "line_base64" in found:
        return base64.b64decode(str(found["line_base64"]))
    if "line" in found:
        return str(found["line"]).encode("utf-8")
    params: Json = {"name": tool, "arguments": expand(found["arguments"]), "_meta": {**context, "tool": tool}}
    request: Json = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def expand(found: Json) -> Json:
    """``{"$repeat": [text, n]}`` is the text n times."""
    if isinstance(found, dict):
        if list(found) == ["$repeat"]:
            return _repeated(found["$repeat"])
        return {key: expand(item) for key, item in found.items()}
    return [expand(item) for item in found] if isinstance(found, list) else found


def _repeated(found: Json) -> str:
    match found:
        case [str() as text, int() as times]:
            return text * times
    raise ValueError("$repeat takes a text and a number")


def _lacks(case: Case, run: Run) -> bool:
    """Is this what a package says that does not have the tool, where it need not?"""
    return case.optional and b'"code"' in run.stdout and b"-32602" in run.stdout


def _judge(case: Case, run: Run) -> str:
    """What is not as the case says."""
    said = run.stderr.decode("utf-8", "replace")
    if run.fault is not None:
        return f"{run.fault.code}: {run.fault.message}; {said[-500:]}"
    if run.exit_code != 0:
        return f"ended with exit code {run.exit_code}; {said[-500:]}"
    if case.stderr not in said:
        return f"standard error does not hold {case.stderr!r} but is {said[-200:]!r}"
    line = run.stdout.removesuffix(b"\n")
    if b"\n" in line or b"\r" in line:
        return "more than one line"
    try:
        reply = json.loads(line, object_pairs_hook=_pairs)
    except ValueError as fault:
        return f"no JSON: {fault}: {line[:200]!r}"
    return difference(case.reply, _usual(reply), "")


def _pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("the same key twice")
    return made


def _usual(reply: Json) -> Json:
    """The reply without what may be left out."""
    result = reply.get("result") if isinstance(reply, dict) else None
    if isinstance(result, dict):
        if result.get("isError") is False:
            del result["isError"]
        if result.get("resultType") == "complete":
            del result["resultType"]
    return reply


def difference(wanted: Json, found: Json, where: str) -> str:
    """The first place at which two JSON values differ; empty where they are equal."""
    if isinstance(wanted, dict) and list(wanted) == ["$contains"]:
        holds = isinstance(found, str) and str(wanted["$contains"]) in found
        return "" if holds else f"{where or '/'}: {_short(found)} does not hold {_short(wanted['$contains'])}"
    if isinstance(wanted, dict) and isinstance(found, dict):
        return _objects(wanted, found, where)
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return next(filter(None, (difference(a, b, f"{where}/{i}") for i, (a, b) in enumerate(zip(wanted, found, strict=True)))), "")
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (wanted, found))
    same = wanted == found and (numbers or type(wanted) is type(found))
    return "" if same else f"{where or '/'}: wanted {_short(wanted)}, found {_short(found)}"


def _objects(wanted: Mapping[str, Json], found: Mapping[str, Json], where: str) -> str:
    # Of an error the case names what it holds to; each tool has words of its own.
    loose = where == "/error" and isinstance(found.get("message"), str) and found["message"]
    extra = found.keys() - wanted.keys() - ({"message"} if loose else set())
    if extra or wanted.keys() - found.keys():
        return f"{where or '/'}: keys wanted {sorted(wanted)}, found {sorted(found)}: {_short(dict(found))}"
    return next(filter(None, (difference(item, found[key], f"{where}/{key}") for key, item in wanted.items())), "")


def _short(found: Json) -> str:
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:150]}… ({len(text)} characters)"
