"""The state of a call that goes out to the client and comes back: sealed, bound, short-lived, good once. Spec: mcp-front J-50 to J-55.

Attack: a client forges the state, sends it twice, sends it for another call or as somebody else, or reads the id of the question in it.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import field

from nacl import bindings
from nacl.exceptions import CryptoError

from mpp.crypto import base64text
from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.ports import Clock, Random
from mpp.protocol.mcp.limits import STATE_CHARS_MAX, STATE_SECONDS, STATES_SPENT_MAX
from mpp.protocol.mcp.ports import Caller
from mpp.protocol.mcp.reading import read_json, write_json

_NONCE_BYTES = 24
_KEY_BYTES = 32


@value
class State:
    """What a call needs to know of the rounds before."""

    question: str = ""
    """The id of the approval that a person was asked for; empty if none."""
    asked: tuple[str, ...] = ()
    """The names of a tool's own questions."""
    inputs: Mapping[str, Json] = field(default_factory=dict)
    """The answers of earlier rounds."""
    rounds: int = 0


def binding(who: Caller, kind: str, name: str, arguments: bytes) -> bytes:
    """For whom and what a state is good: caller, tool or prompt, and arguments."""
    agent = who.agent
    named: list[Json] = [who.tenant, who.user, agent.name, agent.level, agent.key, agent.issuer, kind, name, hashlib.sha256(arguments).hexdigest()]
    return write_json(named)


class Seals:
    """The key of this process and the states that were used. Safe to call from many threads."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._key = random.bytes(_KEY_BYTES)
        self._lock = threading.Lock()
        self._spent: dict[bytes, int] = {}

    def seal(self, state: State, bound: bytes) -> str:
        nonce = self._random.bytes(_NONCE_BYTES)
        asked: list[Json] = [*state.asked]
        inside: dict[str, Json] = {
            "until": self._clock.now() + STATE_SECONDS, "question": state.question, "asked": asked, "inputs": dict(state.inputs), "rounds": state.rounds,
        }  # fmt: skip
        box = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(write_json(inside), bound, nonce, self._key)
        return base64text.encode(nonce + bytes(box))

    def open(self, text: Json, bound: bytes) -> State | None:
        """The state, the first time; None for whatever is wrong with it. Why is nobody's business."""
        raw = base64text.decode(text) if isinstance(text, str) and len(text) <= STATE_CHARS_MAX else None
        if raw is None or len(raw) <= _NONCE_BYTES:
            return None
        nonce, box = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        try:
            plain = bytes(bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(box, bound, nonce, self._key))
            found = read_json(plain)
        except (CryptoError, Refused, ValueError):
            return None
        if not isinstance(found, dict):
            return None
        until, now = found.get("until"), self._clock.now()
        if not isinstance(until, int) or until < now or not self._spend(nonce, until, now):
            return None
        return _state(found)

    def _spend(self, nonce: bytes, until: int, now: int) -> bool:
        """True for the first."""
        with self._lock:
            if len(self._spent) >= STATES_SPENT_MAX:
                self._spent = {used: end for used, end in self._spent.items() if end >= now}
            if len(self._spent) >= STATES_SPENT_MAX:
                # Nothing can be forgotten: no state that is out there may be used any more.
                self._key = self._random.bytes(_KEY_BYTES)
                self._spent = {}
                return False
            is_first = nonce not in self._spent
            self._spent[nonce] = until
        return is_first


def _state(found: dict[str, Json]) -> State:
    question, asked, inputs, rounds = found.get("question"), found.get("asked"), found.get("inputs"), found.get("rounds")
    return State(
        question=question if isinstance(question, str) else "",
        asked=tuple(name for name in asked if isinstance(name, str)) if isinstance(asked, list) else (),
        inputs=inputs if isinstance(inputs, dict) else {},
        rounds=rounds if isinstance(rounds, int) else 0,
    )
