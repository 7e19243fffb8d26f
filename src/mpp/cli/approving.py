"""Answering questions: at the terminal, with the key of an approver, from a file, through a channel."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

from mpp.cli.approval_home import OWN_TENANTS, desk_of, find_question, opened
from mpp.cli.approve_terminal import ask_terminal
from mpp.cli.calling import person_here, user_name
from mpp.cli.options import home, read_passphrase, show_time
from mpp.cli.screen import note, put_json, say
from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.errors import Refused
from mpp.files import PRIVATE, read_bounded, read_stream, write_atomic
from mpp.host.answering import judge_tenant, read_reason
from mpp.host.approver_store import TERMINAL, ApproverStore, open_approver_key, read_approver_key
from mpp.host.channels import FileDrop, Webhook, ask_through
from mpp.host.judging import Services
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json
from mpp.stages.approval import (
    ALWAYS,
    ONCE,
    Answer,
    ApprovalChannel,
    Approvers,
    Question,
    Settled,
    State,
    accept,
    read_answer,
    read_question,
    refused_event,
    sign_answer,
    vouch,
)
from mpp.stages.approval.limits import ANSWER_BYTES_MAX, QUESTION_BYTES_MAX

SECRET_FILE_BYTES_MAX = 4096
"""Bytes of the shared secret of a web hook. Reason: it is one line."""


def answer_question(ref: str, *, deny: bool, always: bool, key_file: str, passphrase_file: str | None, as_json: bool, why: str = "") -> None:
    """``why`` goes with a no: into the record, and not to the agent."""
    reason = read_reason(why)
    with opened() as on:
        question = find_question(on, ref)
        if key_file:
            show_question(question)
            answer = _signed_here(question, key_file, passphrase_file, deny=deny, always=always)
        elif deny:
            # A no needs no proof of a person: it opens nothing.
            answer = vouch(question, yes=False, user=user_name(), amr="tty" if sys.stdin.isatty() else "flag", now=on.clock.now())
        else:
            found = ask_terminal(question, person_here(on), on.clock)
            if found is None:
                hint = "answer in a terminal, or give --key with the key of an approver"
                raise Refused("approval.unanswered", "nobody answered", where=question.ref, hint=hint)
            answer = found
        judge_tenant(question, answer, OWN_TENANTS)
        _taken(on, question, answer, as_json=as_json, why=reason)


def show_question(question: Question) -> None:
    """Whoever signs sees what they sign, on the way beside the results."""
    # Spec: approval H-29. Where the text leaves something out, nobody says yes before the details were shown.
    for line in (question.text + (question.details if question.must_open_details else "")).splitlines():
        note(line)


def _signed_here(question: Question, key_file: str, passphrase_file: str | None, *, deny: bool, always: bool) -> Answer:
    """An answer by an approver of this host."""
    signer, amr = _opened(key_file, passphrase_file)
    known = ApproverStore(home().approvers).load().of_key(key_id(signer.public_key))
    if known is None:
        raise Refused(
            "approval.approver", "nobody on this host has this key", where=key_file, hint="make its owner an approver: mpp approve enroll ID --public KEY"
        )
    return sign_answer(question, signer, yes=not deny, approver=known.id, amr=amr, now=SystemClock().now(), scope=ALWAYS if always else ONCE)


def _opened(key_file: str, passphrase_file: str | None) -> tuple[SeedSigner, str]:
    """The signer, and what its answers claim. Attack: a passphrase that lies in a file shows nothing of a person who is there now."""
    sealed = read_approver_key(key_file).sealed
    passphrase = read_passphrase(passphrase_file, confirm=False, what="the approver's key") if sealed else None
    signer, amr = open_approver_key(key_file, passphrase)
    return signer, TERMINAL if passphrase_file is not None else amr


def _taken(on: Services, question: Question, answer: Answer, *, as_json: bool, why: str = "") -> None:
    _told(question, accept(question, answer, desk_of(on), on.clock.now(), why=why), answer, as_json=as_json)


def _told(question: Question, settled: Settled, answer: Answer, *, as_json: bool) -> None:
    document: dict[str, Json] = {
        "ok": True, "ref": question.ref, "answer": "yes" if answer.yes else "no", "approver": answer.approver, "amr": answer.amr, "scope": answer.scope,
        "state": settled.state.value, "until": settled.until or None,
    }  # fmt: skip
    if as_json:
        put_json(document)
        return
    say(_words(question, settled, answer))
    if settled.state is State.YES and answer.scope == ONCE:
        note("Make the call again, exactly as it was; it finds the answer.")


def _words(question: Question, settled: Settled, answer: Answer) -> str:
    if settled.state is State.NO:
        return f"Denied {question.ref}."
    if settled.state is State.WAITING:
        return f"Answered {question.ref}; another approver must say yes, too."
    if answer.scope == ALWAYS:
        return f"Approved {question.ref} for always, until {show_time(settled.until)} at most; `mpp approve list` shows it."
    return f"Approved {question.ref}, for one call until {show_time(settled.until)}."


def sign_elsewhere(
    question_file: str, key_file: str, approver: str, *, deny: bool, always: bool, output: str, passphrase_file: str | None, as_json: bool
) -> None:
    """On the approver's own machine: nothing of the host that asks is here but the question."""
    question = read_question(read_bounded(question_file, QUESTION_BYTES_MAX), where=question_file)
    show_question(question)
    signer, amr = _opened(key_file, passphrase_file)
    answer = sign_answer(question, signer, yes=not deny, approver=approver, amr=amr, now=SystemClock().now(), scope=ALWAYS if always else ONCE)
    target = output or os.path.join(os.path.dirname(question_file), "answer.json")
    write_atomic(target, answer.envelope, PRIVATE)
    if as_json:
        put_json({"ok": True, "file": target, "ref": question.ref, "answer": "no" if deny else "yes"})
        return
    say(f"Signed {'no' if deny else 'yes'} to {question.ref} in {target}.")
    note(f"Next, on the host that asks: mpp approve submit {target}")


def submit_answer(file: str, *, as_json: bool) -> None:
    data = read_bounded(file, ANSWER_BYTES_MAX)
    with opened() as on:
        answer = read_answer(data, on.approvers.current(), where=file)
        _taken(on, find_question(on, answer.question), answer, as_json=as_json)


def ask_elsewhere(ref: str, *, folder: str, webhook: str, secret_file: str, seconds: int, as_json: bool) -> None:
    with opened() as on:
        question = find_question(on, ref)
        channels = _channels(on, question, folder, webhook, secret_file)
        note(f"waiting up to {seconds} seconds for an answer to {question.ref}")
        given: list[Answer] = []
        settled = asyncio.run(_waited(channels, question, on, seconds, given))
        if not given:
            raise Refused("approval.unanswered", "nobody answered in time", where=question.ref, hint="wait longer, or answer with `mpp approve`")
        _told(question, settled, given[-1], as_json=as_json)


def _channels(on: Services, question: Question, folder: str, webhook: str, secret_file: str) -> list[ApprovalChannel]:
    def approvers() -> Approvers:
        return ApproverStore(home().approvers).load()

    def strange(fault: Refused) -> None:
        on.events.record(refused_event(fault.code, question.tenant, on.clock.now(), question=question.id))

    found: list[ApprovalChannel] = []
    if folder:
        found.append(FileDrop(os.path.abspath(folder), approvers, on.clock, refused=strange))
    if webhook:
        secret = read_stream(secret_file, SECRET_FILE_BYTES_MAX).strip() if secret_file else b""
        found.append(Webhook(webhook, secret, approvers, on.clock))
    return found


async def _waited(channels: list[ApprovalChannel], question: Question, on: Services, seconds: int, given: list[Answer]) -> Settled:
    settled = Settled(state=State.WAITING)

    def take(answer: Answer) -> bool:
        nonlocal settled
        settled = accept(question, answer, desk_of(on), on.clock.now())
        given.append(answer)
        return settled.state is not State.WAITING

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ask_through(channels, question, take)
    return settled
