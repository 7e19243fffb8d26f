"""Ways to a person that a host without a terminal has, and how several of them are asked at once. Spec: spec/4-approval.md section 10."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from mpp.errors import MppError
from mpp.host.channels.filedrop import FileDrop
from mpp.host.channels.webhook import Webhook
from mpp.stages.approval import Answer, ApprovalChannel, Question

__all__ = ["FileDrop", "Webhook", "ask_through"]


async def ask_through(channels: Sequence[ApprovalChannel], question: Question, take: Callable[[Answer], bool]) -> bool:
    """Ask all channels at once; True as soon as ``take`` says that the question is settled. The others are cancelled then.

    ``take`` keeps one answer, as ``accept`` does. An answer that it refuses, or a channel that fails, leaves the question to the
    others; only if all have ended without an answer that was taken is the first fault raised.
    """
    waiting = {asyncio.ensure_future(channel.ask(question)) for channel in channels}
    faults: list[MppError] = []
    taken = False
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                try:
                    answer = task.result()
                    if answer is None:
                        continue
                    settled = take(answer)
                except MppError as fault:
                    faults.append(fault)
                    continue
                taken = True
                if settled:
                    return True
    finally:
        for task in waiting:
            task.cancel()
        # A channel takes back what it showed: nobody should answer what is answered.
        await asyncio.gather(*waiting, return_exceptions=True)
    if faults and not taken:
        raise faults[0]
    return False
