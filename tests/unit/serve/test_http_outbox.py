"""From threads to the loop: in order, bounded, to the end; and a descriptor that says that nobody waits."""

from __future__ import annotations

import asyncio
import os
import select
import threading

import pytest

from mpp.serve.http_outbox import Gone, Outbox


def test_messages_come_in_order_and_then_the_end() -> None:
    async def go() -> list[bytes]:
        outbox = Outbox(asyncio.get_running_loop())
        thread = threading.Thread(target=lambda: [outbox.put(b"%d" % i) for i in range(100)])
        thread.start()
        found: list[bytes] = []
        while len(found) < 100:
            found += await outbox.take(10) or []
        thread.join()
        outbox.must(b"last")
        outbox.over()
        outbox.put(b"too late")
        outbox.must(b"too late")
        found += await outbox.take(10) or []
        assert await outbox.take(10) is None
        return found

    assert asyncio.run(go()) == [b"%d" % i for i in range(100)] + [b"last"]


def test_what_nobody_reads_is_left_out_but_never_an_answer() -> None:
    async def go() -> tuple[list[bytes] | None, int]:
        outbox = Outbox(asyncio.get_running_loop(), most=2)
        for text in (b"1", b"2", b"3"):
            outbox.put(text)
        outbox.must(b"answer")
        return await outbox.take(10), outbox.left_out

    assert asyncio.run(go()) == ([b"1", b"2", b"answer"], 1)


def test_silence_is_an_empty_list() -> None:
    async def go() -> list[bytes] | None:
        return await Outbox(asyncio.get_running_loop()).take(0.001)

    assert asyncio.run(go()) == []


def test_a_closed_loop_is_nobodys_fault() -> None:
    loop = asyncio.new_event_loop()
    outbox = Outbox(loop)
    loop.close()
    outbox.put(b"x")


@pytest.mark.parametrize("has_eventfd", [True, False])
def test_gone(has_eventfd: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_eventfd:
        monkeypatch.delattr(os, "eventfd")
    gone = Gone()
    fd = gone.fd
    assert (select.select([fd], [], [], 0)[0], gone.is_set) == ([], False)
    gone.set()
    gone.set()
    assert (select.select([fd], [], [], 0)[0], gone.is_set) == ([fd], True)
    gone.close()
    gone.close()
    gone.set()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


def test_a_reader_is_called_for_when_something_waits() -> None:
    async def run() -> list[bytes]:
        seen: list[bytes] = []
        outbox = Outbox(asyncio.get_running_loop(), begun=lambda: seen.append(b"begun"))
        assert not outbox.has_more
        await asyncio.to_thread(outbox.put, b"a")
        await asyncio.sleep(0)
        assert outbox.has_more
        outbox.must(b"b")
        return [*seen, *(await outbox.take(1) or [])]

    assert asyncio.run(run()) == [b"begun", b"begun", b"a", b"b"]
