"""The writer's side of a log while it holds the lock: append, seal, sign, begin, and begin again after a crash.

Spec: audit sections 3 and 4.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Sequence

from mpp.errors import HostFailed, MppError
from mpp.files import digest_and_end, make_private_folder, PUBLIC, read_bounded, sync_folder, write_atomic
from mpp.host.audit.disk import Disk, EARLY_BYTES
from mpp.host.audit.encoded import Encoded, to_ref
from mpp.host.audit.epochs import make_key, NO_LOG, present_key, read_key_file, take_next
from mpp.host.audit.head import Head, State
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.reader import LogReader
from mpp.host.audit.segments import Read, broken, ends_at, load_seal, make_partial, newest_checkpoint, open_segment, Opened, read_open, set_aside, untold
from mpp.host.audit.signing import signed_checkpoint, signed_seal
from mpp.host.audit.tilefiles import keep_tiles, note_progress, put_tile, read_partial
from mpp.ledger.checkpoints import Checkpoint, origin_of, Seal
from mpp.ledger.tiles import LEVELS, TILE_BITS
from mpp.ledger.tree import HASH_BYTES
from mpp.model.events import EntryRef, Event, SALT_BYTES
from mpp.model.jsontext import Json
from mpp.ports import Clock, Random, Signer
from mpp.stages.audit import FIRST_PREV, encode_event, epoch_body, genesis_body, leaf_of, lines_of, read_entry, read_epoch
from mpp.stages.audit.limits import LINE_BYTES_MAX, RESERVE_BYTES, ROOM_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_READ_MAX
from mpp.stages.audit.limits import SEGMENT_ENTRIES_MAX, SEGMENT_SECONDS_MAX

NONCE_BYTES = 16
LOG_ID_BYTES = 64
LINE_EXTRA_BYTES = 110
"""What the chain adds to an event, at most."""

HOST_TENANT = "host"
"""The tenant of what the log says of itself."""

NO_ROOM = frozenset((errno.ENOSPC, errno.EDQUOT))


class Core:
    """One open log. Every method but the constructor needs the lock of the log."""

    def __init__(self, places: LogPlaces, disk: Disk, clock: Clock, random: Random, host: Callable[[], Signer], boot: bytes) -> None:
        self.places, self._disk, self._clock, self._random, self._host, self._boot = places, disk, clock, random, host, boot
        for folder in (places.folder, places.segments, os.path.dirname(places.salts(0)), places.writers, places.keys):
            make_private_folder(folder)
        self.head = Head(places.head)
        self._segment: Opened | None = None
        self._fd = self._salts = -1
        self._opened = -1
        self._log_id = ""

    def close(self) -> None:
        self._shut()
        self.head.close()

    def _shut(self) -> None:
        salts, self._segment, self._fd, self._salts, self._opened = self._salts, None, -1, -1, -1
        if salts >= 0:
            os.close(salts)

    # -- making ready

    def make_ready(self) -> None:
        """The open segment, as the head describes it; after a crash or a start of the machine, as the disk has it."""
        head = self.head
        if head.is_ready(self._boot):
            # Attack: a head older than its segment, as a restored copy leaves it: the next entry would stand over an acknowledged one.
            if (self._opened == head.epoch or self._open_as_told()) and ends_at(self._fd, head.filled):
                return
        elif head.poisoned:
            # Before anything else: also what mends a crash would write.
            why = os.strerror(head.poisoned)
            hint = "see what the disk says, then: mpp audit verify --deep, and mpp audit recover"
            raise HostFailed("audit.poisoned", f"the log could not be written before: {why}", where=self.places.folder, hint=hint)
        try:
            self._recover()
        except (OSError, HostFailed) as fault:
            # To finish what was begun, such as a seal, is worth the reserve.
            if not _is_no_room(fault) or head.poisoned or not self._has_reserve():
                raise
            self._use_reserve()
            self._recover()

    def _open_as_told(self) -> bool:
        """Attack: a segment that was cut or replaced while nobody wrote. What the head says of it is not so any more."""
        state = self.head.state()
        with contextlib.suppress(FileNotFoundError):
            self._open(state.epoch, state.first)
        return self._opened == state.epoch

    def _open(self, epoch: int, first: int, *, new: bool = False) -> None:
        self._shut()
        self._segment = Opened(open_segment(self.places.segment(first), new=new))
        self._fd = self._segment.fd
        self._salts = open_segment(self.places.salts(first), new=True)
        self._opened = epoch

    def _recover(self) -> None:
        self._shut()
        head, files = self.head, segment_files(self.places.segments)
        signed = newest_checkpoint(self.places)
        floor = max(signed.size if signed is not None else 0, head.durable if head.is_of(self._boot) else 0)
        head.begin(self._boot)
        head.full = not self._has_reserve()
        firsts = list(files)
        last = firsts[-1] if firsts else 0
        if not firsts:
            self._begin_log(floor)
        elif "seal" in files[last]:
            self._after_seal(last, floor)
        elif "jsonl" in files[last]:
            self._after_crash(firsts[-2] if len(firsts) > 1 else None, last, floor, signed)
        else:
            raise broken("its newest segment is gone", self.places.segment(last))
        self._tell_torn()
        head.dirty = False

    def _has_reserve(self) -> bool:
        return os.path.lexists(self.places.reserve) and os.path.getsize(self.places.reserve) >= RESERVE_BYTES

    def _begin_log(self, floor: int) -> None:
        """Entry 0. Attack: an empty folder in place of a log: only who knows the log id, a checkpoint or a witness sees it."""
        if floor:
            raise broken("its entries are gone", self.places.segments)
        follows = read_bounded(self.places.follows, LOG_ID_BYTES).decode("ascii") if os.path.lexists(self.places.follows) else ""
        key = make_key(self.places, self._random, 0, NO_LOG, is_next=False)
        self.head.set_state(0, 0, 0, 0, bytes(SALT_BYTES))
        self.head.room = 0
        self._open(0, 0, new=True)
        self._make_reserve()
        body = genesis_body(self._host().public_key, key.signer.public_key, self._random.bytes(NONCE_BYTES), follows)
        self._write(self.head.state(), self._own("log", body))
        self._sync()

    def _after_seal(self, first: int, floor: int) -> None:
        """A writer died between the seal of a segment and the first entry of the next.

        Attack: the open segment removed whole, and a host that goes on behind the seal as if nothing had been there.
        """
        seal = load_seal(self.places, first)
        if seal.checkpoint.size < floor:
            raise broken(f"entry {seal.checkpoint.size} and what followed it are gone", self.places.segment(seal.checkpoint.size))
        self._load_pending(seal)
        self._next_segment(seal.checkpoint.size, seal.segment + 1, bytes.fromhex(seal.leaf))

    def _after_crash(self, before: int | None, first: int, floor: int, signed: Checkpoint | None) -> None:
        if before is not None and not os.path.lexists(self.places.seal(before)):
            raise broken("a seal is gone", self.places.seal(before))
        seal = None if before is None else load_seal(self.places, before)
        if seal is not None and seal.checkpoint.size != first:
            raise broken("a segment between two others is gone", self.places.segment(first))
        path, head, prev = self.places.segment(first), self.head, FIRST_PREV if seal is None else seal.leaf
        read = read_open(path, first, prev)
        if first + len(read.leaves) < floor:
            raise broken(f"entry {first + len(read.leaves)}, at byte {read.done}, is not as it was written", path)
        if seal is None and not read.leaves:
            self._begin_again(read, floor)
            return
        if seal is not None:
            self._load_pending(seal)
        self._add_again(first, read.leaves, signed, path)
        self._open(0 if seal is None else seal.segment + 1, first)
        last = read.leaves[-1] if read.leaves else bytes.fromhex(prev)
        head.set_state(first + len(read.leaves), self._opened, first, read.done, last)
        head.began = self._clock.now()
        with contextlib.suppress(MppError):
            # A day that began before the crash goes on.
            head.began = min(head.began, read_entry(read.head, where=path).event.at)
        self._finish_recovery(read, path)

    def _add_again(self, first: int, leaves: Sequence[bytes], signed: Checkpoint | None, path: str) -> None:
        """Attack: the last entry that was signed, changed so that only what follows does not chain, which then passes for torn."""
        split = max(0, signed.size - first) if signed is not None else 0
        tiles = self.head.add_leaves(first, b"".join(leaves[:split]))
        if signed is not None and split and self.head.root_at(signed.size) != signed.root:
            raise broken(f"its first {signed.size} entries are not as they were signed", path)
        for tile, data in tiles:
            put_tile(self.places, tile, data)
        self._add(first + split, b"".join(leaves[split:]))

    def _begin_again(self, read: Read, floor: int) -> None:
        """The first writer died before entry 0 was whole, or somebody changed it before anything was signed: nothing goes unseen."""
        self._open(0, 0)
        self._set_aside(read)
        self._begin_log(floor)

    def _set_aside(self, read: Read) -> None:
        if read.rest:
            with _no_room():
                set_aside(self.places, self._fd, read)
        os.ftruncate(self._fd, read.done)
        self.head.room = read.done

    def _finish_recovery(self, read: Read, path: str) -> None:
        self._set_aside(read)
        self._sync()
        if read.last and b'"kind":"epoch"' in read.last and self._is_epoch(read.last, path):
            self._finish_sealing()

    def _tell_torn(self) -> None:
        """Also what another set aside who died before it could tell."""
        for path, told_path, body in untold(self.places):
            self._write(self.head.state(), self._own("torn", body))
            self._sync()
            os.rename(path, told_path)

    def _is_epoch(self, line: bytes, path: str) -> bool:
        """Also the writer of a tool's name could put those letters into a line: the line itself decides."""
        return read_entry(line, where=path).event.kind == "epoch"

    def _load_pending(self, seal: Seal) -> None:
        """The hashes from which the tree goes on. Attack: a tile that was changed, and a checkpoint over it. They are made anew where they do not fit."""
        size, head = seal.checkpoint.size, self.head
        for read in (read_partial, make_partial):
            with contextlib.suppress(MppError):
                for level in range(LEVELS):
                    head.put_pending(level, read(self.places, level, size))
                if head.root_at(size) == seal.checkpoint.root:
                    return
        raise broken("its entries do not give the root of its last seal", self.places.seal(seal.first))

    # -- appending

    def append(self, events: Encoded, *, early: bool = False) -> list[EntryRef]:
        """The events as entries, in this order. Of those in a later segment it may raise when the first are written already.

        ``early``: whoever writes them waits for the disk, alone. It begins before we are done, which saves most of what is done meanwhile.
        """
        refs: list[EntryRef] = []
        while True:
            state = self.head.state()
            taken = self._fitting(state, events.data)
            if taken == len(events.data):
                refs += self._write(state, events, early=early)
                return refs
            if taken:
                refs += self._write(state, events.part(0, taken))
                events = events.part(taken, len(events.data))
            else:
                self._seal_due(events)

    def _fitting(self, state: State, events: Sequence[bytes]) -> int:
        """How many of them go into this segment, with room for the entry of the next epoch. None where it is to end."""
        size, _, first, count, _ = state
        wanted, room = len(events), SEGMENT_ENTRIES_MAX - 1 - (size - first)
        # A clock that jumped back makes no segment old.
        if room <= 0 or count >= SEGMENT_BYTES_MAX or (size > first and self._clock.now() - self.head.began >= SEGMENT_SECONDS_MAX):
            return 0
        if wanted <= room and count + sum(map(len, events)) + LINE_EXTRA_BYTES * wanted < SEGMENT_BYTES_MAX:
            return wanted
        taken = 0
        for one in events[:room]:
            if count >= SEGMENT_BYTES_MAX:
                break
            count += len(one) + LINE_EXTRA_BYTES
            taken += 1
        return taken

    def _write(self, state: State, events: Encoded, *, early: bool = False) -> list[EntryRef]:
        head = self.head
        data, leaves, last = lines_of(events.data, state.leaf.hex(), state.size)
        size, filled = state.size + len(events.data), state.filled + len(data)
        # A tile that becomes full is there before the line that fills it.
        early = early and len(data) <= EARLY_BYTES and size >> TILE_BITS == state.size >> TILE_BITS
        if head.full and not events.is_ending:
            self._make_reserve()
        # Part of a longer change, such as a seal, may be what dirties it: then it stays so.
        was_dirty, head.dirty = head.dirty, True
        if early:
            self._to_disk(events, data, b"", state)
            self._disk.begin_sync(self._fd, filled)
        leaves.append(leaf_of(last))
        hashes = bytes.fromhex("".join(leaves))
        if early:
            head.add_leaves(state.size, hashes)
        else:
            self._to_disk(events, data, hashes, state)
        head.set_state(size, state.epoch, state.first, filled, hashes[-HASH_BYTES:])
        if state.size == state.first:
            head.began = self._clock.now()
        head.dirty = was_dirty
        return list(map(to_ref, enumerate(leaves, state.size)))

    def _add(self, seq: int, leaves: bytes) -> None:
        for tile, data in self.head.add_leaves(seq, leaves):
            put_tile(self.places, tile, data)

    def _to_disk(self, events: Encoded, data: bytes, leaves: bytes, state: State) -> None:
        while True:
            try:
                self._put_all(events, data, leaves, state)
                return
            except OSError as fault:
                self._take_back(fault, state.filled)
                if self.head.full or not events.is_ending:
                    raise full(self.places.folder) from None
                self._use_reserve()
                # The hashes of the failed try stand over those of a tile that was not full before it.
                self._recover()
                self.head.dirty = True

    def _put_all(self, events: Encoded, data: bytes, leaves: bytes, state: State) -> None:
        """Salts and tiles first: without the line they are nothing, and the line is never without them."""
        if events.salts:
            self._disk.put(self._salts, events.salts, (state.size - state.first) * SALT_BYTES)
        if leaves:
            self._add(state.size, leaves)
        self._make_room(state.filled, state.filled + len(data))
        self._disk.append(self._fd, data, state.filled)

    def _make_room(self, filled: int, end: int) -> None:
        """Zeros to write over: the file then has its size already, and a sync need not note another one. Never over an entry, whatever the head says."""
        room = max(self.head.room, filled)
        if end > room:
            wanted = end if self.head.full else end + ROOM_BYTES  # What the reserve gave is for entries.
            self._disk.put(self._fd, bytes(wanted - room), room)
            self.head.room = wanted

    def _take_back(self, fault: OSError, count: int) -> None:
        """Nothing of what was half written stays, and the head is made anew by the next. What is no full disk poisons: nobody knows what is on it."""
        try:
            if fault.errno not in NO_ROOM:
                raise fault
            self._disk.cut(self._fd, count)
            self.head.room = count
        except OSError as worse:
            raise self.poison(worse) from None

    def poison(self, fault: OSError) -> HostFailed:
        self.head.poisoned = fault.errno or errno.EIO
        hint = "see what the disk says, then: mpp audit verify --deep, and mpp audit recover"
        return HostFailed("audit.write", f"the log cannot be written: {fault.strerror}", where=self.places.folder, hint=hint)

    def _make_reserve(self) -> None:
        try:
            fd = os.open(self.places.reserve, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                self._fill_reserve(fd)
            finally:
                os.close(fd)
        except OSError:
            raise full(self.places.folder) from None
        self.head.full = False

    def _fill_reserve(self, fd: int) -> None:
        """Some file systems keep what they found before the room ended: the results of running calls need it more."""
        try:
            self._disk.reserve(fd, RESERVE_BYTES)
        except OSError:
            self._disk.cut(fd, 0)
            raise

    def _use_reserve(self) -> None:
        self.head.full = True
        fd = os.open(self.places.reserve, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            self._disk.cut(fd, 0)
        finally:
            os.close(fd)

    def _own(self, kind: str, body: dict[str, Json]) -> Encoded:
        event = Event(kind=kind, at=self._clock.now(), tenant=HOST_TENANT, invocation="", body=body)
        return Encoded((kind,), (encode_event(event, b""),), b"")

    # -- to the disk

    @property
    def segment(self) -> Opened:
        """The open segment, for whoever syncs without the lock."""
        if self._segment is None:
            raise ValueError("no segment is open")
        return self._segment

    def sync(self) -> None:
        """All entries, if they are not on the disk already."""
        if self.head.durable < self.head.size:
            self._sync()

    def _sync(self) -> None:
        try:
            self._disk.sync(self._fd)
        except OSError as fault:
            raise self.poison(fault) from None
        self.head.durable = self.head.size

    # -- signing

    @property
    def log_id(self) -> str:
        if not self._log_id:
            self._log_id = leaf_of(LogReader(self.places).line(0))
        return self._log_id

    def sign(self) -> None:
        """A checkpoint over all entries. They are on the disk first: what was signed is not lost."""
        head = self.head
        self.sync()
        size, epoch, *_ = head.state()
        note = signed_checkpoint(self.log_id, size, head.root(), self._host(), present_key(self.places, epoch))
        note_progress(self.places, head, head.state().first, size)
        _put_file(self.places.checkpoint, note)
        head.signed_at = self._clock.now()

    # -- sealing

    def _seal_due(self, events: Encoded) -> None:
        try:
            self.seal()
        except (OSError, HostFailed) as fault:
            # Attack: a disk filled up just before a segment ends, and results that find no next one.
            if not _is_no_room(fault) or self.head.poisoned:
                raise
            if self.head.full or not events.is_ending:
                raise full(self.places.folder) from None
            self._use_reserve()
            self._recover()

    def seal(self) -> None:
        """End the segment and its epoch. Each step leaves something from which the next can be done after a crash."""
        head = self.head
        present_key(self.places, head.epoch)
        with _no_room():
            following = make_key(self.places, self._random, head.epoch + 1, self.log_id, is_next=True)
        # Until the next segment stands: what is written behind the last entry of this one would be in no segment.
        head.dirty = True
        self._write(head.state(), self._own("epoch", epoch_body(head.epoch + 1, following.signer.public_key)))
        self._sync()
        self._finish_sealing()
        head.dirty = False

    def _finish_sealing(self) -> None:
        """The last entry announces the next key, which is on the disk."""
        head = self.head
        size, epoch, first, count, leaf = head.state()
        path = self.places.segment(first)
        following = read_key_file(self.places.next_epoch_key)
        self._cut_room(count)
        digest, end = digest_and_end(path, SEGMENT_BYTES_READ_MAX, LINE_BYTES_MAX + 2)
        line = end[end.rfind(b"\n", 0, -1) + 1 : -1]
        if following is None or read_epoch(read_entry(line, where=path), where=path) != (following.epoch, following.signer.public_key):
            raise broken("the key that its last entry announces is gone", self.places.next_epoch_key)
        keep_tiles(self.places, head, first, size)
        seal = Seal(
            checkpoint=Checkpoint(origin=origin_of(self.log_id), size=size, root=head.root()), segment=epoch, first=first, count=count,
            sha256=digest, leaf=leaf.hex(), next_key=following.signer.public_key,
        )  # fmt: skip
        _put_file(self.places.seal(first), signed_seal(seal, self._host(), present_key(self.places, epoch)))
        self._next_segment(size, epoch + 1, leaf)

    def _cut_room(self, count: int) -> None:
        """A sealed segment ends with its last entry."""
        try:
            os.ftruncate(self._fd, count)
            os.fsync(self._fd)
        except OSError as fault:
            raise self.poison(fault) from None
        self.head.room = count

    def _next_segment(self, size: int, epoch: int, leaf: bytes) -> None:
        following = read_key_file(self.places.next_epoch_key)
        if following is not None and following.epoch == epoch:
            take_next(self.places)
        present_key(self.places, epoch)
        self._open(epoch, size, new=True)
        self.head.set_state(size, epoch, size, 0, leaf)
        self.head.room = 0
        self.head.durable = size
        self.head.began = self._clock.now()
        sync_folder(self.places.folder)


def _is_no_room(fault: OSError | HostFailed) -> bool:
    return fault.errno in NO_ROOM if isinstance(fault, OSError) else fault.code == "audit.full"


@contextlib.contextmanager
def _no_room() -> Iterator[None]:
    """A file of ours that could not be written: with what the system said, so that a full disk is told from a broken one."""
    try:
        yield
    except HostFailed as fault:
        cause = fault.__context__
        if isinstance(cause, OSError):
            raise cause from None
        raise


def _put_file(path: str, data: bytes) -> None:
    with _no_room():
        write_atomic(path, data, PUBLIC)


def full(where: str) -> HostFailed:
    return HostFailed("audit.full", "the disk is full: no call can be recorded", where=where, hint="make room; nothing runs until then")
