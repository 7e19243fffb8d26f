"""Finding a package: here first, then at the peers that may answer for it, in bounded time and number.

What one peer does, be it down, slow, lying or sending without end, costs the others nothing but its own packages.
Spec: spec/federation.md section 2.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from urllib.parse import quote

from mpp.errors import HostFailed, MppError, Refused, RemoteFailed
from mpp.protocol.registry.answers import read_consistency

from mpp.protocol.registry.found import Found, read_found
from mpp_registry.federation.breaker import Breakers
from mpp_registry.federation.judging import check_follows, choose, ForkedError, judge, Judged, Question, RolledBackError
from mpp_registry.federation.known import Known
from mpp_registry.federation.limits import (
    ANSWER_BYTES_MAX,
    ASK_SECONDS_MAX,
    ASKING_MAX,
    DISCOVERIES_MAX,
    HOP_SECONDS,
    PEER_SILENCE_SECONDS_MAX,
    PROOF_BYTES_MAX,
    REST_SECONDS,
)
from mpp_registry.federation.local import is_here, local_answer
from mpp.protocol.registry.peerlist import Peer, PeerList, whom_to_ask
from mpp_registry.federation.peers import (
    Evidence,
    FORGED,
    FORK,
    home_of,
    INCONSISTENT,
    is_forked,
    is_ours,
    is_private,
    keep_evidence,
    keep_home,
    keep_seen,
    peers_of,
    ROLLBACK,
    Seen,
    seen_of,
)
from mpp_registry.federation.way import Way
from mpp.host.enrolment.wire import Answer, Patience, Web
from mpp_registry.services import Services

GRACE_SECONDS = 0.5
"""Seconds for which a peer that comes earlier in the list may still answer once another has. Reason: who answers faster must not decide, and who is slow must not be waited for."""

NOT_FOUND = 404
NO_ANSWER = frozenset((408, 409, 429, 503))
"""Statuses that say nothing of the package, and nothing bad of the peer: it is busy, or the question came round."""

NO_LIES = frozenset(("registry.peer", "registry.stale", "registry.early"))
"""Refusals of what may be an honest answer: a home that our list does not have, a clock, an old checkpoint."""


class SilentError(Exception):
    """A peer that neither has the package nor says that it has not."""


class Discovery:
    """One for each process: it remembers how peers answer, and what they said a moment ago."""

    def __init__(self, services: Services, moment: Callable[[], float], *, web: Web | None = None, seconds: float = ASK_SECONDS_MAX) -> None:
        self._services, self._moment, self._web, self._seconds = services, moment, web or Web(), seconds
        self.breakers = Breakers(moment)
        self.known: Known[Judged] = Known(moment, lambda judged: judged.found.size)
        self._threads = ThreadPoolExecutor(ASKING_MAX, thread_name_prefix="mpp-peer")
        self._places = threading.BoundedSemaphore(DISCOVERIES_MAX)
        self._version = -1

    def listed_peer(self, registry_id: str) -> Peer | None:
        with self._services.database.read() as rows:
            return peers_of(rows, self._services.ledger.roots).peer(registry_id)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def local(self, question: Question) -> Found | None:
        """Here, and visible to everybody."""
        with self._services.database.read() as rows:
            return local_answer(self._services, rows, question)

    def find(self, question: Question, way: Way) -> Judged | None:
        """At the peers. None: nobody has it, or nobody may be asked."""
        with self._services.database.read() as rows:
            listed = peers_of(rows, self._services.ledger.roots)
            # Attack: a name of a private project that is told to others because somebody mistyped it.
            if not listed.peers or is_here(rows, question.package_id) or is_private(rows, question.package_id):
                return None
            asked = self._asked(whom_to_ask(listed, question.package_id, is_ours=is_ours(rows, question.package_id)), way)
            pinned = home_of(rows, question.package_id)
        self._forget_after_change(listed)
        is_known, found = self.known.find(question.name)
        if is_known:
            return found
        count, further = way.split(listed.registry_id, len(asked))
        if not count:
            return None
        if not self._places.acquire(blocking=False):
            raise HostFailed("registry.busy", "too many packages are being looked for at other registries", hint=f"ask again in {REST_SECONDS} seconds")
        try:
            judged, is_sure = self._ask_all(asked[:count], listed, question, further, pinned)
        finally:
            self._places.release()
        return self._kept(question, judged, is_sure=is_sure and way.is_whole and count == len(asked))

    def _asked(self, peers: Sequence[Peer], way: Way) -> tuple[Peer, ...]:
        return tuple(one for one in peers if one.registry_id not in way.via)

    def _forget_after_change(self, listed: PeerList) -> None:
        """A peer that was taken out of the list has no say any more, also not by what it said before."""
        if listed.version != self._version:
            self.known.forget()
            self._version = listed.version

    def _kept(self, question: Question, judged: Judged | None, *, is_sure: bool) -> Judged | None:
        if judged is None:
            # A no that was cut short says nothing about the next question.
            if is_sure:
                self.known.keep(question.name, None)
            return None
        self.known.keep(question.name, judged)
        with self._services.database.write() as rows:
            keep_home(rows, question.package_id, judged.found.registry_id, self._services.clock.now())
        return judged

    # -- asking

    def _ask_all(self, peers: Sequence[Peer], listed: PeerList, question: Question, way: Way, pinned: str) -> tuple[Judged | None, bool]:
        """The answer that counts, and whether all who were asked did answer."""
        seconds = max(HOP_SECONDS / 2, self._seconds - HOP_SECONDS * (len(way.via) - 1))
        running: dict[Future[Judged | None], int] = {}
        is_sure = True
        for number, peer in enumerate(peers):
            if self.breakers.take(peer.registry_id):
                running[self._threads.submit(self._ask_counted, peer, listed, question, way, seconds)] = number
            else:
                is_sure = False
        answers, failed = self._gather(running, self._moment() + seconds, pinned)
        return choose(answers, pinned), is_sure and not failed

    def _gather(self, running: dict[Future[Judged | None], int], until: float, pinned: str) -> tuple[list[tuple[int, Judged]], bool]:
        answers: list[tuple[int, Judged]] = []
        failed, left = False, set(running)
        while left:
            done, left = wait(left, max(0.0, until - self._moment()), FIRST_COMPLETED)
            for one in done:
                fault, judged = (one.exception(), None) if one.exception() is not None else (None, one.result())
                failed = failed or fault is not None
                if judged is not None:
                    answers.append((running[one], judged))
            if not done:
                return answers, True
            if choose(answers, pinned) is not None:
                best = min(number for number, _ in answers)
                left = {one for one in left if running[one] < best and not pinned}
                until = min(until, self._moment() + GRACE_SECONDS)
        return answers, failed

    def _ask_counted(self, peer: Peer, listed: PeerList, question: Question, way: Way, seconds: float) -> Judged | None:
        """One peer; how it answered is remembered."""
        failed, refused = "it failed", ""
        try:
            judged = self._ask(peer, listed, question, way, seconds)
            failed = ""
        except RemoteFailed as fault:
            failed = f"{fault.code}: {fault.message}"
            raise
        except (MppError, SilentError) as fault:
            # Attack: whoever asks for a package whose answer is refused each time would have the peer left alone for all others.
            failed, refused = "", str(fault)
            raise
        finally:
            if failed:
                self.breakers.failed(peer.registry_id, failed)
            else:
                self.breakers.answered(peer.registry_id, self._services.clock.now(), refused)
        return judged

    def _ask(self, peer: Peer, listed: PeerList, question: Question, way: Way, seconds: float) -> Judged | None:
        target = f"/v1/discover/{quote(question.package_id)}" + (f"?version={quote(question.version, safe='')}" if question.version else "")
        answer = self._web.get(
            peer.url + target, {"Accept": "application/json", **way.headers()}, ANSWER_BYTES_MAX, Patience(seconds=seconds, silence=PEER_SILENCE_SECONDS_MAX)
        )
        if answer.status == NOT_FOUND:
            return None
        if answer.status in NO_ANSWER:
            raise SilentError
        if answer.status != 200:
            raise RemoteFailed("remote.answer", f"the registry answers {answer.status}", where=peer.url, hint="ask who runs it")
        return self._judge(peer, listed, question, answer, seconds)

    def _judge(self, peer: Peer, listed: PeerList, question: Question, answer: Answer, seconds: float) -> Judged:
        found = read_found(answer.body, where=peer.url)
        with self._services.database.read() as rows:
            seen, forked = seen_of(rows, found.registry_id), is_forked(rows, found.registry_id)
        if forked:
            hint = "look at the evidence: mpp registry peers list; then mpp registry peers clear"
            raise Refused("registry.peer", "its home was seen to sign two histories", where=found.registry_id[:16], hint=hint)
        try:
            judged = judge(found, peer, listed, question, seen, self._services.clock.now())
        except ForkedError as fork:
            raise self._incriminated(fork, peer, answer) from None
        except Refused as fault:
            if fault.code not in NO_LIES:
                # About the one that sent it: it cannot have made the proof of another registry's fault.
                self._note(peer.registry_id, FORGED, f"{question.name}: {fault.message}", b"", answer.body)
            raise
        self._follow(judged, listed, seen, seconds)
        return judged

    def _incriminated(self, fork: ForkedError, peer: Peer, answer: Answer) -> Refused:
        """Two checkpoints of one size by one key speak against the home, whoever brought them. An old one may be the bringer's doing."""
        if not isinstance(fork, RolledBackError):
            self._note(fork.registry_id, FORK, "it signed two logs of one size", fork.before, fork.after)
        elif fork.registry_id == peer.registry_id:
            self._note(fork.registry_id, ROLLBACK, "it showed an older state than before", fork.before, fork.after)
        else:
            self._note(peer.registry_id, FORGED, f"it brought an old state of {fork.registry_id[:16]}", fork.before, answer.body)
        self.known.forget()
        return Refused(
            "registry.peer", "the home of the package shows another history than before", where=fork.registry_id[:16], hint="see mpp registry peers list"
        )

    def _note(self, registry_id: str, kind: str, words: str, before: bytes, after: bytes) -> None:
        with self._services.database.write() as rows:
            found = Evidence(registry_id=registry_id, kind=kind, at=self._services.clock.now(), words=words, before=before, after=after)
            keep_evidence(rows, found)

    def _follow(self, judged: Judged, listed: PeerList, seen: Seen | None, seconds: float) -> None:
        """Does the home's log go on from what was seen? Of a home that is not in the list nobody is asked.

        Attack: an address that an introducing peer chose would have this registry send requests wherever it likes.
        """
        home, checkpoint = listed.peer(judged.found.registry_id), judged.checkpoint
        if seen is not None and judged.needs_proof and home is not None:
            try:
                check_follows(seen, checkpoint, self._consistency(home, seen.size, checkpoint.size, seconds))
            except Refused as fault:
                self._note(home.registry_id, INCONSISTENT, fault.message, seen.note, checkpoint.note)
                raise
        if seen is None or checkpoint.size > seen.size:
            after = Seen(
                registry_id=judged.found.registry_id, roots=judged.proven.chain.data, size=checkpoint.size, root=checkpoint.root, note=checkpoint.note,
                at=self._services.clock.now(),
            )  # fmt: skip
            with self._services.database.write() as rows:
                keep_seen(rows, after)

    def _consistency(self, home: Peer, one: int, other: int, seconds: float) -> Sequence[bytes]:
        target = f"{home.url}/v1/log/consistency?from={min(one, other)}&to={max(one, other)}"
        answer = self._web.get(target, {"Accept": "application/json"}, PROOF_BYTES_MAX, Patience(seconds=seconds, silence=PEER_SILENCE_SECONDS_MAX))
        if answer.status != 200:
            raise RemoteFailed(
                "remote.answer", f"the home does not show how its log went on: it answers {answer.status}", where=home.url, hint="ask who runs it"
            )
        return read_consistency(answer.body, where=home.url).hashes
