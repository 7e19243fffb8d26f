"""A folder as a way to a person: questions lie there, signed answers are put beside them. Spec: spec/4-approval.md section 10, attestation N-50.

Whoever can write to the folder can put nothing there that counts without the key of an approver; half a file is no answer yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

from mpp.errors import HostFailed, Refused
from mpp.files import make_private_folder, PRIVATE, read_bounded, write_atomic
from mpp.host.channels.limits import POLL_MS
from mpp.ports import Clock
from mpp.stages.approval import Answer, Approvers, Question, read_answer, write_question
from mpp.stages.approval.limits import ANSWER_BYTES_MAX


class FileDrop:
    """Writes ``REF.question.json`` and ``REF.question.txt`` and waits for ``REF.answer.json``.

    ``refused`` is told once of each file that is no answer that counts, for the record.
    """

    def __init__(
        self, folder: str, approvers: Callable[[], Approvers], clock: Clock, *, refused: Callable[[Refused], None] | None = None, poll_ms: int = POLL_MS
    ) -> None:
        self._folder, self._approvers, self._clock = folder, approvers, clock
        self._refused, self._poll_ms = refused, poll_ms

    async def ask(self, question: Question) -> Answer | None:
        """The answer, or None when the question has run out. What was written is taken away again."""
        self._show(question)
        seen: tuple[int, int, int] | None = None
        try:
            while self._clock.now() <= question.expires:
                found, seen = self._look(question, seen)
                if found is not None:
                    return found
                await asyncio.sleep(self._poll_ms / 1000)
            return None
        finally:
            self._clear(question)

    def _show(self, question: Question) -> None:
        make_private_folder(self._folder)
        # Attack: an answer that lay there before its question.
        self._remove(self._path(question, "answer.json"))
        write_atomic(self._path(question, "question.txt"), question.text.encode("utf-8"), PRIVATE)
        # Last: whoever sees the document finds the text beside it.
        write_atomic(self._path(question, "question.json"), write_question(question), PRIVATE)

    def _clear(self, question: Question) -> None:
        for ending in ("question.json", "question.txt", "answer.json"):
            self._remove(self._path(question, ending))

    def _look(self, question: Question, seen: tuple[int, int, int] | None) -> tuple[Answer | None, tuple[int, int, int] | None]:
        """An answer, if there is one now, and which file was looked at."""
        path = self._path(question, "answer.json")
        try:
            found = os.lstat(path)
        except OSError:
            return None, seen
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if stamp == seen:
            return None, seen
        try:
            answer = read_answer(read_bounded(path, ANSWER_BYTES_MAX), self._approvers(), where=path)
            if (answer.question, answer.binding, answer.text_sha256) != (question.id, question.binding, question.text_sha256):
                raise Refused("approval.mismatch", "the answer is to another question", where=path, hint="answer the question that lies beside it")
        except HostFailed:
            # Gone again, or no file: not an answer, and perhaps one at the next look.
            return None, seen
        except Refused as fault:
            # Attack: an unsigned file, or one by a stranger. A file that is half written is read again when it is whole.
            if self._refused is not None:
                self._refused(fault)
            return None, stamp
        return answer, stamp

    def _path(self, question: Question, ending: str) -> str:
        return os.path.join(self._folder, f"{question.ref}.{ending}")

    def _remove(self, path: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(path)
