"""Who is in: the token that lets one browser in once, and the sessions of those that came in. All of it in memory, gone with the process.

A token is for one entry: whoever finds it later, in the history of a browser or on a screen, finds a spent one. After each entry there is a new
one, which the terminal shows: a person sees there that somebody came in.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from hashlib import sha256

from mpp.console.limits import NOTES_MAX, REQUESTS_PER_MINUTE, SESSION_IDLE_SECONDS, SESSION_SECONDS, SESSIONS_MAX
from mpp.console.rates import Rate
from mpp.crypto.jws import encode_part
from mpp.model.value import value
from mpp.ports import Clock, Random

SECRET_BYTES = 32
"""Random bytes of a token and of a cookie. Reason: nobody guesses 256 bits."""

TOKEN_PREFIX = "mppc_"  # noqa: S105 - begins every token, so that scanners for leaked ones find it
COOKIE_CHARS_MAX = 64
"""Characters of a cookie that are looked at. Reason: ours have 43."""


@value
class Note:
    """What the next page says at its top."""

    words: str
    tone: str = "good"
    """``good``, ``careful`` or ``bad``."""


class Session:
    """One browser that showed a token. Only ``Sessions`` makes one."""

    def __init__(self, form_token: str, now: int) -> None:
        self.form_token = form_token
        """What each of its forms carries."""
        self.begun = self.used = now
        self.rate = Rate(REQUESTS_PER_MINUTE)
        self._notes: list[Note] = []

    def tell(self, words: str, tone: str = "good") -> None:
        """Show ``words`` on the next page."""
        self._notes = [*self._notes[-(NOTES_MAX - 1) :], Note(words=words, tone=tone)]

    def notes(self) -> list[Note]:
        """What was told; each is shown once."""
        found, self._notes = self._notes, []
        return found

    def is_own_form(self, given: str) -> bool:
        """Attack: a page elsewhere that sends a form in the name of a person who visits it. It cannot read our pages, so it does not have this."""
        return hmac.compare_digest(self.form_token.encode(), given.encode("utf-8", "replace"))

    def is_over(self, now: int) -> bool:
        # A clock that was set back ends it too: nobody knows how long ago it began.
        return not (self.begun <= now < self.begun + SESSION_SECONDS and now < self.used + SESSION_IDLE_SECONDS)


class Sessions:
    """The sessions of one console. Threads and tasks may ask at the same time."""

    def __init__(self, clock: Clock, random: Random, *, entered: Callable[[], None] = lambda: None) -> None:
        self._clock, self._random, self._entered = clock, random, entered
        self._lock = threading.Lock()
        self._known: dict[str, Session] = {}
        self._token = self._new_token()

    @property
    def token(self) -> str:
        """What lets the next browser in."""
        return self._token

    def enter(self, token: str) -> str:
        """A new session: the value of its cookie. Empty if this is not the token; compared in the same time, whatever is wrong with it."""
        with self._lock:
            if not hmac.compare_digest(_digest(token), _digest(self._token)):
                return ""
            # Attack: a token that is found afterwards. It is spent before anything is given for it.
            self._token = self._new_token()
            now = self._clock.now()
            self._known = {name: one for name, one in self._known.items() if not one.is_over(now)}
            while len(self._known) >= SESSIONS_MAX:
                del self._known[min(self._known, key=lambda name: self._known[name].used)]
            cookie = encode_part(self._random.bytes(SECRET_BYTES))
            self._known[_digest(cookie)] = Session(encode_part(self._random.bytes(SECRET_BYTES)), now)
        self._entered()
        return cookie

    def find(self, cookie: str, *, is_use: bool = True) -> Session | None:
        """The session of a cookie; None if there is none, or it is over. ``is_use``: a person asked, so that it is not idle."""
        if not 0 < len(cookie) <= COOKIE_CHARS_MAX:
            return None
        now = self._clock.now()
        with self._lock:
            # By its digest: how long the search takes says nothing of the cookies that there are.
            found = self._known.get(_digest(cookie))
            if found is not None and found.is_over(now):
                del self._known[_digest(cookie)]
                found = None
            if found is not None and is_use:
                found.used = now
        return found

    def holds(self, session: Session) -> bool:
        """Is it still one? Asked by what lasts longer than a request; that does not count as use."""
        with self._lock:
            return any(one is session for one in self._known.values()) and not session.is_over(self._clock.now())

    def leave(self, cookie: str) -> None:
        with self._lock:
            self._known.pop(_digest(cookie), None)

    def _new_token(self) -> str:
        return TOKEN_PREFIX + encode_part(self._random.bytes(SECRET_BYTES))


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
