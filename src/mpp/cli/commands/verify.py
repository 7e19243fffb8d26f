"""``mpp verify``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from mpp.cli.options import clock, find_package, json_option, now_option, quoted, trust_store
from mpp.cli.screen import complain, CROSS, error_json, FINE, mark, note, put_json, say, styled, TICK, WRONG
from mpp.crypto.ed25519 import fingerprint
from mpp.errors import HostFailed, Refused
from mpp.files import take
from mpp.host.trust_store import load_trust_file, remember_root
from mpp.model.jsontext import Json
from mpp.stages.archive import Buffer, read_archive
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import CHECK_NAMES, CheckResult, Seal, TrustState, VerifiedPackage, known_lookalikes, read_seal, verify

if TYPE_CHECKING:
    from mpp.protocol.registry.bundle import Proven

HOUR = 3600
TRUST_FAMILY = "publisher"
FIRST_USE = ("publisher.unknown", "publisher.package_unpinned")


@click.command(name="verify")
@click.argument("file", required=False)
@click.option(
    "--trust", "trust_file", default=None, type=click.Path(dir_okay=False), help="Judge by this trust document or publisher.json instead of this machine's."
)
@click.option("--bundle", type=click.Path(dir_okay=False), default=None, help="Judge also what a registry proves of the file: FILE.bundle.")
@click.option("--registry", metavar="ID", default="", help="The registry that the bundle must be of: its full id, or its name in this home.")
@click.option(
    "--max-age", "hours", type=click.FloatRange(0, 1_000_000), default=None, help="Hours that the bundle may be old; without it the age is only shown."
)
@now_option
@json_option
def command(file: str | None, trust_file: str | None, bundle: str | None, registry: str, hours: float | None, now: str | None, as_json: bool) -> int:
    """Run the seven checks on FILE (default: the package of the project you are in). Nothing in it is run.

    Integrity and trust in the publisher are reported apart. An unknown publisher is shown with its fingerprint and, in a
    terminal, you are asked once; without a terminal it is refused.

    With --bundle it is also shown, without a network, what a registry has signed about this very file: its place in the
    log, whether the version was yanked or revoked, which version is the latest, as of when, and who witnessed it.

    \b
    Examples:
      mpp verify hello-0.1.0.mpp
      mpp verify hello.mpp                               the newest hello-*.mpp in this folder
      mpp verify hello-0.1.0.mpp --trust publisher.json --json
      mpp verify hello-0.1.0.mpp --bundle hello-0.1.0.mpp.bundle --max-age 24

    \b
    Exit code:
      0        all seven checks passed
      11 … 17  check 1 … 7 refused the file
      20       the file is intact, but its publisher is not trusted here
      41       the bundle does not hold, is of another file, or says that the version was withdrawn
    """
    _judge_options(bundle, registry, hours)
    path = find_package(file)
    data = take(path, TOTAL_BYTES_MAX)
    trust = load_trust_file(trust_file) if trust_file is not None else trust_store().load()
    at = clock(now).now()
    passed: list[CheckResult] = []
    if not as_json:
        say(os.path.basename(path))
    outcome = _run(data, trust, at, passed, as_json)
    if isinstance(outcome, Refused) and outcome.code in FIRST_USE and not as_json and trust_file is None:
        from mpp.cli.first_use import ask_and_pin  # noqa: PLC0415 - only when somebody is there to be asked

        if ask_and_pin(_seal(data), trust_store()):
            passed.clear()
            outcome = _run(data, trust_store().load(), at, passed, as_json)
    if isinstance(outcome, VerifiedPackage) and trust_file is None:
        _remember(outcome)
    verdict = _judge_bundle(bundle, registry, hours, at, outcome)
    if as_json:
        put_json(_report(path, data, passed, outcome, trust) | _bundle_report(verdict))
    else:
        _show(data, outcome, trust)
        _show_bundle(verdict, at)
    return next((one.exit_code for one in (outcome, verdict) if isinstance(one, Refused)), 0)


def _judge_options(bundle: str | None, registry: str, hours: float | None) -> None:
    if bundle is None and (registry or hours is not None):
        raise Refused("usage.option", "--registry and --max-age are about a bundle", hint="add --bundle FILE.bundle")


def _judge_bundle(path: str | None, registry: str, hours: float | None, now: int, package: VerifiedPackage | Refused) -> Proven | Refused | None:
    """None: there is no bundle, or the file itself was refused."""
    if path is None or isinstance(package, Refused):
        return None
    from mpp.cli import bundle_verdict as bundles  # noqa: PLC0415 - most files are verified without a registry

    max_age = None if hours is None else int(hours * HOUR)
    try:
        return bundles.judge(bundles.Asked(path=path, registry=registry, max_age=max_age, now=now), bundles.of_package(package))
    except Refused as fault:
        return fault


def _show_bundle(verdict: Proven | Refused | None, now: int) -> None:
    if isinstance(verdict, Refused):
        say(styled("refused", WRONG, bold=True), " by what the registry says")
        complain(verdict, as_json=False)
    elif verdict is not None:
        from mpp.cli import bundle_verdict as bundles  # noqa: PLC0415

        bundles.show(verdict, now)


def _bundle_report(verdict: Proven | Refused | None) -> dict[str, Json]:
    if isinstance(verdict, Refused):
        return {"ok": False, "registry": None, "error": error_json(verdict)}
    if verdict is None:
        return {"registry": None}
    from mpp.cli import bundle_verdict as bundles  # noqa: PLC0415

    return {"registry": bundles.to_json(verdict)}


def _run(data: Buffer, trust: TrustState, now: int, passed: list[CheckResult], as_json: bool) -> VerifiedPackage | Refused:
    def seen(result: CheckResult) -> None:
        passed.append(result)
        if not as_json:
            say(f"  {result.number} ", mark(TICK), f" {result.name:<24} {result.detail}")

    try:
        return verify(data, trust, now, seen=seen)
    except Refused as fault:
        if not as_json:
            say(f"  {fault.check} ", mark(CROSS), f" {CHECK_NAMES[(fault.check or 1) - 1]:<24} {fault.message}")
        return fault


def _remember(package: VerifiedPackage) -> None:
    """A newer root seen here stays known; a home that cannot be written does not change the verdict of today."""
    try:
        remember_root(trust_store(), package.chain)
    except HostFailed as fault:
        note(f"warning: the publisher's newer root documents could not be kept: {fault.message} ({fault.where})")


def _seal(data: Buffer) -> Seal:
    """The seal again, for showing; called only after its signatures have verified."""
    found = read_seal(read_archive(data))
    if isinstance(found, Refused):
        raise found
    return found


def _show(data: Buffer, outcome: VerifiedPackage | Refused, trust: TrustState) -> None:
    if isinstance(outcome, VerifiedPackage):
        about = f"{outcome.package_id} {outcome.version} is intact, its publisher {quoted(outcome.chain.newest.name)} is trusted"
        say(styled("verified", FINE, bold=True), f": {about} ({outcome.trusted_because})")
        return
    if outcome.code.startswith(TRUST_FAMILY):
        seal = _seal(data)
        say("integrity: intact, as signed")
        say(f"publisher: not trusted here; fingerprint {fingerprint(seal.chain.publisher_id)}")
        say(f"           calls itself {quoted(seal.chain.newest.name)} (anybody can)")
        for name, owner in known_lookalikes(seal.statement.package_id, seal.chain.publisher_id, trust):
            say(f"warning:   the id looks like {name}, known from publisher {owner[:16]}")
    say(styled("refused", WRONG, bold=True), f" at check {outcome.check} of 7")
    complain(outcome, as_json=False)


def _report(path: str, data: Buffer, passed: list[CheckResult], outcome: VerifiedPackage | Refused, trust: TrustState) -> dict[str, Json]:
    checks: list[Json] = [{"number": one.number, "name": one.name, "ok": True, "detail": one.detail} for one in passed]
    report: dict[str, Json] = {"file": path, "checks": checks}
    if isinstance(outcome, VerifiedPackage):
        publisher: Json = {"id": outcome.publisher_id, "name": outcome.chain.newest.name, "trusted": True, "because": outcome.trusted_because}
        about: dict[str, Json] = {
            "package_id": outcome.package_id,
            "version": outcome.version,
            "content_hash": outcome.content_hash,
            "file_hash": outcome.file_hash,
        }
        alike = _alike(outcome.package_id, outcome.publisher_id, trust)
        return {"ok": True, **report, "integrity": "intact", "publisher": publisher, "lookalikes": alike, **about, "error": None}
    if outcome.check is not None:
        checks.append({"number": outcome.check, "name": CHECK_NAMES[outcome.check - 1], "ok": False, "detail": outcome.message})
    if outcome.code.startswith(TRUST_FAMILY):
        seal = _seal(data)
        report["publisher"] = {"id": seal.chain.publisher_id, "name": seal.chain.newest.name, "trusted": False, "because": outcome.code}
        report["integrity"], report["lookalikes"] = "intact", _alike(seal.statement.package_id, seal.chain.publisher_id, trust)
    else:
        report["publisher"], report["integrity"], report["lookalikes"] = None, "refused", []
    return {"ok": False, **report, "error": error_json(outcome)}


def _alike(package_id: str, publisher_id: str, trust: TrustState) -> list[Json]:
    """Ids of other publishers that the package's could be mistaken for; an agent that reads JSON is warned as a person is."""
    return [{"id": name, "publisher": owner} for name, owner in known_lookalikes(package_id, publisher_id, trust)]
