"""A package as whom recorded calls are asked: each call is one `mpp run`, with all that a call goes through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from mpp.errors import HostFailed, MppError, Refused, ToolFailed
from mpp.host.replays.calls import Call, Recorded
from mpp.model.jsontext import Json, read, shown
from mpp.model.value import value

MARGIN_SECONDS = 120
"""Seconds beside those of the call. Reason: a first call compiles the code, which has a minute."""

LAST_WORDS_CHARS = 300
"""Characters of standard error in a failure. Reason: one line of a terminal or two."""

STOPS = frozenset(("archive", "gatekeeper", "cli", "author", "host", "audit"))
"""Stages whose refusal is one of the package, the command line or this machine: no call fares better, so nothing is recorded."""


@value
class Packaged:
    """``options`` go to `mpp run` as they are."""

    file: str
    options: Sequence[str]
    seconds: int

    def call(self, call: Call) -> Recorded:
        # A name that begins with a dash is no option.
        file = os.path.join(os.curdir, self.file)
        words = ["run", file, "--tool", call.tool, "--args", "-", "--json", "--timeout", str(self.seconds * 1000), *self.options]
        asked = json.dumps(call.arguments, ensure_ascii=False).encode("utf-8", "surrogatepass")
        try:
            done = subprocess.run([sys.executable, "-m", "mpp", *words], input=asked, capture_output=True, timeout=self.seconds + MARGIN_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise ToolFailed("tool.deadline", "`mpp run` did not end in time", where=call.tool, hint="give it longer: --timeout SECONDS") from None
        return self._answer(call, done)

    def _answer(self, call: Call, done: subprocess.CompletedProcess[bytes]) -> Recorded:
        try:
            found = read(done.stdout, family="call", where="mpp run")
        except MppError:
            words = shown(done.stderr.decode("utf-8", "replace").strip()[-LAST_WORDS_CHARS:], LAST_WORDS_CHARS)
            raise HostFailed("host.answer", f"`mpp run` gave no answer: {words}", where=call.tool, hint="run it by hand to see why") from None
        result, error = (found.get("result"), found.get("error")) if isinstance(found, dict) else (None, None)
        if result is not None:
            return Recorded(call=call, result=result)
        kept = error if isinstance(error, dict) else {}
        _judge(kept, self.file)
        return Recorded(call=call, error={"code": kept.get("code"), "message": kept.get("message")})


def _judge(error: dict[str, Json], file: str) -> None:
    """A package that is refused, or nobody's consent, would make a recording in which every call is the same error."""
    code, message, hint = (str(error.get(key) or "") for key in ("code", "message", "hint"))
    if error.get("stage") in STOPS or code.startswith(("consent.", "approval.")):
        raise Refused(code, message, where=file, hint=_hint(code, hint))


def _hint(code: str, hint: str) -> str:
    return hint + "; or say that you are that person: --yes" if code.startswith("approval.") else hint
