"""The attacks on a log, each as what it does to the files, and the table of what sees it. Tests: test_t62_log_tampering.py."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mpp.host.audit.epochs import EpochKey
from mpp.host.audit.reader import LogReader
from mpp.ledger.tiles import Tile
from mpp.model.events import Event
from mpp.stages.audit.entry import encode_event, epoch_body, line_of, tail_of
from mpp.testing.keys import fixed_signer
from mpp.testing.packages import NOW
from tests.attack.forging import Forged, Kept


def edit_sealed(f: Forged, _: Kept, __: Kept) -> None:
    f.edit(1, 2)
    f.put(1)


def edit_open(f: Forged, _: Kept, __: Kept) -> None:
    f.edit(3, 1)
    f.put(3)


def edit_last(f: Forged, _: Kept, __: Kept) -> None:
    """Nothing follows it that would not chain."""
    f.edit(3, -1)
    f.put(3)


def delete_sealed(f: Forged, _: Kept, __: Kept) -> None:
    del f.lines[1][2]
    f.put(1)


def delete_open(f: Forged, _: Kept, __: Kept) -> None:
    del f.lines[3][1]
    f.put(3)


def swap(f: Forged, _: Kept, __: Kept) -> None:
    f.lines[1][1], f.lines[1][2] = f.lines[1][2], f.lines[1][1]
    f.put(1)


def insert(f: Forged, _: Kept, __: Kept) -> None:
    prev, seq = tail_of(f.lines[3][1]) or ("", 0)
    f.lines[3].insert(1, line_of(f.lines[3][0][len(b'{"event":') : f.lines[3][0].rindex(b',"prev":"')], prev, seq))
    f.put(3)


def duplicate(f: Forged, _: Kept, __: Kept) -> None:
    f.lines[3].insert(1, f.lines[3][1])
    f.put(3)


def rechain_segment(f: Forged, _: Kept, __: Kept) -> None:
    """With tiles that fit."""
    f.edit(1, 2)
    f.rechain(1)
    f.put(1)
    f.put_tiles()


def rechain_from(f: Forged, _: Kept, __: Kept) -> None:
    f.edit(1, 2)
    f.rechain(1)
    f.put_all(1)
    f.put_tiles()


def rechain_open(f: Forged, _: Kept, __: Kept) -> None:
    f.edit(3, 1)
    f.rechain(3)
    f.put(3)


def rechain_open_under_old_tiles(f: Forged, _: Kept, __: Kept) -> None:
    """A verifier that asks the tiles for the root of a checkpoint finds the true one."""
    leaves = [bytes.fromhex(LogReader(f.places).leaf(seq, 22)) for seq in range(22)]
    old = Path(f.places.tile(Tile(0, 0, 22)))
    old.write_bytes(b"".join(leaves))
    rechain_open(f, _, __)


def rechain_whole_unsigned(f: Forged, _: Kept, __: Kept) -> None:
    """And every signature thrown away."""
    f.edit(0, 2)
    f.rechain()
    f.put_all()
    data = b"".join(line + b"\n" for line in f.all_lines())
    f.cut_to(1)
    f.seal(0).unlink()
    f.segment(0).write_bytes(data)
    f.checkpoint.unlink()
    shutil.rmtree(os.path.join(f.places.folder, "tile"), ignore_errors=True)


def made_up(f: Forged, _: Kept, foreign: Kept) -> None:
    """Another log in its place, under the same host key."""
    shutil.rmtree(f.places.folder)
    shutil.copytree(foreign.home.log.folder, f.places.folder)


def cut_open(f: Forged, _: Kept, __: Kept) -> None:
    f.lines[3].pop()
    f.put(3)


def cut_open_and_checkpoint(f: Forged, k: Kept, __: Kept) -> None:
    cut_open(f, k, __)
    f.checkpoint.unlink()


def cut_segments(f: Forged, _: Kept, __: Kept) -> None:
    f.cut_to(2)


def roll_back(f: Forged, k: Kept, __: Kept) -> None:
    """To an older checkpoint, which the host signed once: all is as it was on that day."""
    f.cut_to(2)
    f.seal(1).unlink()
    f.lines[1].pop()
    f.put(1)
    f.checkpoint.write_bytes(k.older)


def cut_at_a_seal(f: Forged, _: Kept, __: Kept) -> None:
    """Nothing behind the last seal, and no checkpoint that would miss it."""
    f.cut_to(2)
    f.checkpoint.unlink()


def older_checkpoint(f: Forged, k: Kept, __: Kept) -> None:
    """No entry is gone; what the present epoch signed is."""
    f.checkpoint.write_bytes(k.older)


def stolen_now(f: Forged, _: Kept, __: Kept) -> None:
    """The host's key and the present epoch's: the open segment written anew."""
    f.edit(3, 1)
    f.rechain(3)
    f.put(3)
    f.sign()


def stolen_now_under_old_tiles(f: Forged, _: Kept, __: Kept) -> None:
    rechain_open_under_old_tiles(f, _, __)
    f.sign()


def stolen_now_sealed(f: Forged, _: Kept, __: Kept) -> None:
    """The thief goes on: the segment written anew is sealed, over the root of the true one, and the true tiles stay."""
    root = f.root(22)
    f.edit(3, 1)
    f.rechain(3)
    f.epochs = {**f.epochs, 4: EpochKey(log_id=f.log_id, epoch=4, signer=fixed_signer("thief"))}
    body = epoch_body(4, f.epochs[4].signer.public_key)
    f.lines[3][-1] = line_of(encode_event(Event(kind="epoch", at=NOW, tenant="host", invocation="", body=body), b""), "0" * 64, 0)
    f.rechain(3)
    f.put(3)
    f.sign_seal(3, f.epochs[3], root=root)
    f.checkpoint.unlink()


def stolen_now_for_yesterday(f: Forged, _: Kept, __: Kept) -> None:
    """With today's keys an earlier epoch."""
    f.edit(1, 2)
    f.rechain(1)
    f.put_all(1)
    for number in (1, 2):
        f.sign_seal(number, EpochKey(log_id=f.log_id, epoch=number, signer=f.epochs[3].signer))
    f.put_tiles()
    f.sign()


def stolen_host_key_only(f: Forged, _: Kept, __: Kept) -> None:
    f.edit(3, 1)
    f.rechain(3)
    f.put(3)
    f.epochs = {**f.epochs, 3: EpochKey(log_id=f.log_id, epoch=3, signer=fixed_signer("thief"))}
    f.sign()


def swap_seals(f: Forged, _: Kept, __: Kept) -> None:
    first, second = f.seal(0).read_bytes(), f.seal(1).read_bytes()
    f.seal(0).write_bytes(second)
    f.seal(1).write_bytes(first)


def foreign_seal(f: Forged, _: Kept, foreign: Kept) -> None:
    shutil.copy(foreign.home.log.seal(6), f.seal(1))


def foreign_segment(f: Forged, _: Kept, foreign: Kept) -> None:
    foreign_seal(f, _, foreign)
    shutil.copy(foreign.home.log.segment(6), f.segment(1))


def foreign_checkpoint(f: Forged, _: Kept, foreign: Kept) -> None:
    f.checkpoint.write_bytes(foreign.newest)


def no_seal(f: Forged, _: Kept, __: Kept) -> None:
    f.seal(1).unlink()


def no_segment(f: Forged, _: Kept, __: Kept) -> None:
    f.segment(1).unlink()
    f.seal(1).unlink()


def no_beginning(f: Forged, _: Kept, __: Kept) -> None:
    f.segment(0).unlink()
    f.seal(0).unlink()


def longer_segment(f: Forged, _: Kept, __: Kept) -> None:
    f.lines[1].append(f.lines[1][-1])
    f.put(1)


def noise_between(f: Forged, _: Kept, __: Kept) -> None:
    f.lines[2][0] = b"\xff\xfe" + f.lines[2][0].replace(b'","seq"', b'\xff","seq"')
    f.put(2)
    f.seal(1).unlink()
    f.segment(1).unlink()


def huge_line(f: Forged, _: Kept, __: Kept) -> None:
    f.lines[3].insert(2, b'{"event":{' + b" " * 3_000_000)
    f.put(3)


def own_tile(f: Forged, _: Kept, __: Kept) -> None:
    path = Path(f.places.tile(Tile(0, 0, 12)))
    path.write_bytes(bytes(32) + path.read_bytes()[32:])


@dataclass(frozen=True)
class Row:
    """What each look at the log says: a code of a fault, or the verdict that it gives."""

    attack: Callable[[Forged, Kept, Kept], None]
    fast: str
    deep: str = ""
    """As ``fast`` where it says nothing else."""
    pinned: str = ""
    anchored: str = ""
    witnessed: str = ""
    where: str = ""
    """What the first fault of the deep look must name."""


FORK, CUT = "audit.fork", "audit.truncated"

TABLE = (
    # Without a key: whoever only looks whether the log holds finds it.
    Row(edit_sealed, "audit.chain", where="entry 9, byte"),
    Row(edit_open, "audit.chain", where="entry 20, byte"),
    Row(edit_last, "audit.root", where="checkpoint"),
    Row(delete_sealed, "audit.seq", where="entry 8, byte"),
    Row(delete_open, "audit.seq", where="entry 19, byte"),
    Row(swap, "audit.seq", where="entry 7, byte"),
    Row(insert, "audit.seq", where="entry 20, byte"),
    Row(duplicate, "audit.seq", where="entry 20, byte"),
    Row(rechain_segment, "audit.seal", where="0000000000000006"),
    Row(rechain_from, "audit.seal", where="0000000000000006"),
    Row(rechain_open, "audit.root", where="checkpoint"),
    Row(rechain_open_under_old_tiles, "audit.root", where="checkpoint"),
    Row(cut_open, CUT, where="checkpoint"),
    Row(cut_segments, CUT, where="checkpoint"),
    Row(swap_seals, "audit.seal", where="0000000000000000.seal"),
    Row(foreign_seal, "audit.seal"),
    Row(foreign_segment, "audit.log_id"),
    Row(foreign_checkpoint, "audit.log_id", where="checkpoint"),
    Row(no_seal, "audit.seal", where="0000000000000006"),
    Row(no_segment, "audit.seq", where="0000000000000012"),
    Row(no_beginning, "audit.seq", where="0000000000000006"),
    Row(longer_segment, "audit.seq", where="entry 12, byte"),
    Row(noise_between, "audit.entry"),
    Row(huge_line, "audit.entry", where="entry 20, byte"),
    Row(own_tile, "signed", "audit.tile", where="000.p/12", anchored="anchored", witnessed="witnessed"),
    # Without a key, and with all signatures thrown away: the chain holds, and that is all that is said.
    Row(rechain_whole_unsigned, "chained", anchored=FORK, witnessed=FORK),
    Row(cut_open_and_checkpoint, "chained", anchored=CUT, witnessed=CUT),
    Row(older_checkpoint, "chained", anchored="chained", witnessed="witnessed"),
    # What the host signed once, shown again later: only who kept something knows better.
    Row(roll_back, "signed", anchored=CUT, witnessed=CUT),
    Row(cut_at_a_seal, "signed", anchored=CUT, witnessed=CUT),
    # With keys: within the epoch only an anchor or a witness sees it.
    Row(stolen_now, "signed", anchored=FORK, witnessed=FORK),
    Row(stolen_now_under_old_tiles, "signed", "audit.tile", anchored=FORK, witnessed=FORK),
    Row(stolen_now_sealed, "signed", "audit.root", anchored="audit.root", witnessed="audit.root"),
    # An epoch that is over needs its own key, which is gone.
    Row(stolen_now_for_yesterday, "audit.signature", where="0000000000000006.seal"),
    Row(stolen_host_key_only, "audit.signature", where="checkpoint"),
    # Another log: only who knows the id sees it.
    Row(made_up, "signed", pinned="audit.log_id", anchored="audit.log_id", witnessed="signed"),
)
