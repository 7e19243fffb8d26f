"""A record of millions: do the time and the memory of writing, of going on and of proving stay flat?

    python benchmarks/audit_large.py [--entries 10000000] [--folder FOLDER]

Each size is looked at by processes of their own, which were not there while the record grew.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.model.events import Event
from mpp.stages.audit.proof import verify_proof, write_proof

BATCH = 256
SIZES = (10_000, 100_000, 1_000_000, 3_000_000, 10_000_000)
PROOFS = 200
NOW = 1_790_000_000


def event(number: int) -> Event:
    return Event(kind="agent", at=NOW, tenant="local", invocation="", body={"n": number})


def rss_mib() -> float:
    """Of this process, at this moment."""
    with open("/proc/self/statm", encoding="ascii") as stream:
        return int(stream.read().split()[1]) * resource.getpagesize() / 2**20


def peak_mib() -> float:
    """Of this program alone: what ``getrusage`` says holds also for the process that began it."""
    with open("/proc/self/status", encoding="ascii") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("VmHWM")) / 1024


def prove(folder: str) -> dict[str, float]:
    """What a process that only proves takes."""
    reader = LogReader(Home(path=folder).log)
    size, chance = reader.checkpoint()[1].size, random.Random(1)
    made, checked, longest = 0.0, 0.0, 0
    for _ in range(PROOFS):
        seq = chance.randrange(size)
        began = time.process_time()
        proof = reader.prove(seq)
        made += time.process_time() - began
        began = time.process_time()
        found = verify_proof(proof, where="proof").entry.seq
        checked += time.process_time() - began
        if found != seq:
            raise SystemExit(f"the proof of entry {seq} shows entry {found}")
        longest = max(longest, len(write_proof(proof)))
    return {"prove_ms": made / PROOFS * 1e3, "check_ms": checked / PROOFS * 1e3, "proof_bytes": longest, "peak_mib": peak_mib()}


def go_on(folder: str) -> dict[str, float]:
    """What the next process takes to its first entry: as after a start of the machine."""
    os.unlink(Home(path=folder).log.head)
    began = time.process_time()
    with AuditLog(Home(path=folder)) as log:
        log.record(event(0), durable=True)
    return {"go_on_ms": (time.process_time() - began) * 1e3, "peak_mib": peak_mib()}


def in_a_process(look: str, folder: str) -> dict[str, float]:
    found = subprocess.run([sys.executable, __file__, "--look", look, "--folder", folder], check=True, capture_output=True, text=True)
    return dict(json.loads(found.stdout))


def grow(folder: str, entries: int) -> None:
    sizes = [size for size in SIZES if size < entries] + [entries]
    print(f"{'entries':>11} {'write us':>9} {'writer MiB':>11} {'prove ms':>9} {'check ms':>9} {'proof B':>8} {'prover MiB':>11} {'go on ms':>9} {'MiB':>6}")
    done = 0
    for size in sizes:
        began, before = time.process_time(), done
        with AuditLog(Home(path=folder)) as log:
            while done < size:
                done += len(log.record_all([event(done + number) for number in range(min(BATCH, size - done))]))
            spent, memory = (time.process_time() - began) / (done - before) * 1e6, rss_mib()
        proving, going = in_a_process("prove", folder), in_a_process("go_on", folder)
        print(
            f"{size:>11,} {spent:>9.1f} {memory:>11.1f} {proving['prove_ms']:>9.2f} {proving['check_ms']:>9.2f} {proving['proof_bytes']:>8.0f} "
            f"{proving['peak_mib']:>11.1f} {going['go_on_ms']:>9.1f} {going['peak_mib']:>6.1f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--folder", help="an empty one; else one is made and removed")
    parser.add_argument("--look", choices=("prove", "go_on"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.look:
        print(json.dumps(prove(given.folder) if given.look == "prove" else go_on(given.folder)))
        return
    folder = given.folder or tempfile.mkdtemp(prefix="mpp-large-")
    try:
        grow(folder, given.entries)
    finally:
        if not given.folder:
            shutil.rmtree(folder)
    print(f"on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; CPU time, not time that passed; of {PROOFS} proofs each; {Path(folder).name}")


if __name__ == "__main__":
    main()
