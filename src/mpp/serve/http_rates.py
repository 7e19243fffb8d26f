"""How much one token, and one tenant, may ask: requests a minute, and requests at once. Called from one thread. Spec: spec/mcp-front.md, J-94 and J-95."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict, deque

from mpp.model.value import value
from mpp.serve.http_limits import HTTP_CALLS_EACH_MAX, HTTP_CALLS_MAX, HTTP_RATE_WINDOW_SECONDS, HTTP_RATES_KEPT_MAX, HTTP_THREADS_EACH


@value
class Spending:
    """What is left of a bucket, and since when."""

    left: float
    at: float


class Rates:
    """A bucket for each token and each tenant: it holds a minute's worth and fills steadily."""

    def __init__(self) -> None:
        self._spent: OrderedDict[str, Spending] = OrderedDict()

    def wait(self, asked: tuple[tuple[str, int], ...], now: float) -> int:
        """Spend one of each bucket that has a rate; 0, or the seconds until the next is there, and then nothing is spent."""
        found = [(name, rate, self._filled(name, rate, now)) for name, rate in asked if rate]
        # What is missing by rounding alone is there.
        wait = max((math.ceil((1 - left) * HTTP_RATE_WINDOW_SECONDS / rate - 1e-6) for _, rate, left in found if left < 1), default=0)
        if wait:
            return wait
        for name, _, left in found:
            self._spent[name] = Spending(left=left - 1, at=now)
            self._spent.move_to_end(name)
        while len(self._spent) > HTTP_RATES_KEPT_MAX:
            self._spent.popitem(last=False)
        return 0

    def _filled(self, name: str, rate: int, now: float) -> float:
        spent = self._spent.get(name)
        if spent is None:
            return float(rate)
        return min(float(rate), spent.left + (now - spent.at) * rate / HTTP_RATE_WINDOW_SECONDS)


class Turn:
    """One token's requests: how many there are, and which of them may run. The rest wait in order."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_now(self) -> bool:
        """One that is free; False: it has to wait for one."""
        if not self._free:
            return False
        self._free -= 1
        return True

    async def take(self) -> None:
        if self.take_now():
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            # It may have been given its turn in the same moment.
            if waiter.done() and not waiter.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """To the next who waits, or to whoever comes."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1


class Crowd:
    """How many requests are worked on, of all and of each token."""

    def __init__(self, most: int = HTTP_CALLS_MAX, each: int = HTTP_CALLS_EACH_MAX) -> None:
        self._most, self._each = most, each
        self._all = 0
        self._of: dict[str, Turn] = {}

    def enter(self, name: str) -> Turn | int:
        """Or the status of the refusal: 429 where it is this token that asks too much, 503 where all together do."""
        turn = self._of.get(name)
        if turn is not None and turn.count >= self._each:
            return 429
        if self._all >= self._most:
            return 503
        if turn is None:
            turn = self._of[name] = Turn(HTTP_THREADS_EACH)
        self._all += 1
        turn.count += 1
        return turn

    def leave(self, name: str) -> None:
        self._all -= 1
        turn = self._of[name]
        turn.count -= 1
        if not turn.count:
            del self._of[name]

    @property
    def count(self) -> int:
        return self._all
