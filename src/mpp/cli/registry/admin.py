"""``mpp registry admin``: decisions of a registry's operator, on the machine where it runs. What is public of them is a leaf of its log."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from mpp.cli.groups import Words
from mpp.cli.options import home, json_option, quoted, show_time
from mpp.cli.screen import put_json, say
from mpp.errors import HostFailed, Refused
from mpp.files import read_bounded
from mpp.model.jsontext import Json

if TYPE_CHECKING:
    from mpp_registry.services import Services

Said = tuple[list[str], dict[str, Json]]
"""Lines for people, and the object for programs."""

KEYS_BYTES_MAX = 256 * 1024
"""Bytes of a file with the keys of an issuer. Reason: as many as the registry takes."""

ROOTS_FILE = os.path.join("keys", "root.json")
_reason = click.option("--reason", required=True, metavar="TEXT", help="One line; it stands in the log.")
_publisher = click.argument("publisher", metavar="PUBLISHER")


@click.group(name="admin", cls=Words, no_args_is_help=True, short_help="Quarantine, revoke, approve: the work of a registry's operator.")
def command() -> None:
    """Run a registry that you operate: what waits, who is stopped, what is let in.

    It works on the registry's own folder or database, beside the running server. Each public decision becomes a leaf of
    the log, with "admin" as the one who did it. PUBLISHER is an id, or its first 16 digits or more.

    \b
    Examples:
      mpp registry admin queues
      mpp registry admin quarantine com.example.hello 1.2.0 --reason "reported as malware"
      mpp registry admin suspend 4e73a1b2c3d4e5f6 --reason "its key may be stolen"
    """


def _on_registry(function: Callable[..., Said]) -> Callable[..., None]:
    """Options that say which registry; the function gets its services first and gives what is said."""

    @click.option("--data", default="", metavar="FOLDER", help="The folder of the registry; in $MPP_HOME if left out.")
    @click.option("--database-url", default="", metavar="URL", help="Its PostgreSQL database, where it has one.")
    @click.option("--blobs", default="", metavar="URL", help="Its object storage, where it has one.")
    @json_option
    @functools.wraps(function)
    def run(data: str, database_url: str, blobs: str, as_json: bool, **more: object) -> None:
        services = _open(data, database_url, blobs)
        try:
            lines, document = function(services, **more)
        finally:
            services.close()
        if as_json:
            put_json({"ok": True, **document})
            return
        for line in lines:
            say(line)

    return run


def _open(data: str, database_url: str, blobs: str) -> Services:
    folder = data or os.path.join(home().path, "registry")
    # A wrong folder must not become a new registry.
    if not os.path.isfile(os.path.join(folder, ROOTS_FILE)):
        raise Refused("usage.file", "there is no registry in this folder", where=folder, hint="give the folder that `mpp registry serve --data` has")
    try:
        from mpp_registry.opening import Options, open_services  # noqa: PLC0415 - not every host has it, and it is slow to import
    except ModuleNotFoundError as fault:
        raise HostFailed("host.missing", f"the registry is not installed: {fault.name}", hint="install the distribution mpp-registry") from None
    from mpp.host.system import SystemClock, SystemRandom  # noqa: PLC0415 - as above

    options = Options(data=folder, database_url=database_url, blobs=blobs, require_namespace=False)
    return open_services(options, clock=SystemClock(), random=SystemRandom(), environment=os.environ)


def _id(services: Services, text: str) -> str:
    from mpp_registry.publishing.administering import find_publisher  # noqa: PLC0415 - as above

    return find_publisher(services, text)


@command.command(short_help="Show what waits for somebody.")
@_on_registry
def queues(services: Services) -> Said:
    """Show staged versions, reports, recoveries, name spaces that fail, and what is in quarantine.

    \b
    Example:
      mpp registry admin queues --json
    """
    from mpp_registry.publishing.administering import queues as read  # noqa: PLC0415 - as above

    with services.database.read() as rows:
        found = read(rows)
    lines = [f"staged      {one.staged_id}  {one.package_id} {one.version}  since {show_time(one.at)}" for one in found.staged]
    lines += [f"report      {one.report_id}  {one.package_id} {one.version}  {one.kind}: {quoted(one.text)}" for one in found.reports]
    lines += [f"recovery    {one.publisher_id[:16]} by {one.successor[:16]}  {one.state}: {quoted(one.reason)}" for one in found.recoveries]
    lines += [f"name space  {one.namespace}  {one.state}, not seen on {one.failures} days" for one in found.lapsed]
    lines += [f"quarantine  {package} {version}: {quoted(reason)}" for package, version, reason in found.quarantined]
    document: dict[str, Json] = {
        "staged": [{"staged_id": one.staged_id, "package_id": one.package_id, "version": one.version, "publisher_id": one.publisher_id, "at": one.at} for one in found.staged],
        "reports": [
            {"report_id": one.report_id, "package_id": one.package_id, "version": one.version, "kind": one.kind, "text": one.text, "contact": one.contact, "at": one.at}
            for one in found.reports
        ],
        "recoveries": [
            {"publisher_id": one.publisher_id, "successor": one.successor, "state": one.state, "due": one.due, "reason": one.reason} for one in found.recoveries
        ],
        "namespaces": [{"namespace": one.namespace, "publisher_id": one.publisher_id, "state": one.state, "failures": one.failures} for one in found.lapsed],
        "quarantined": [{"package_id": package, "version": version, "reason": reason} for package, version, reason in found.quarantined],
    }  # fmt: skip
    return lines or ["Nothing waits."], document


@command.command(short_help="List publishers.")
@click.argument("text", default="")
@_on_registry
def publishers(services: Services, text: str) -> Said:
    """List publishers whose name or id begins with TEXT; the newest if it is left out.

    \b
    Example:
      mpp registry admin publishers "Example Pub"
    """
    from mpp_registry.publishing.administering import publishers as read  # noqa: PLC0415 - as above

    with services.database.read() as rows:
        found = read(rows, text)
    rows_json: list[Json] = [
        {"publisher_id": one.publisher_id, "name": one.name, "status": one.status, "root_version": one.root_version, "registered_at": one.registered_at}
        for one in found
    ]
    return [f"{one.publisher_id}  {one.status}  {quoted(one.name)}" for one in found] or ["No publisher."], {"publishers": rows_json}


def _version_status(services: Services, package_id: str, version: str, status: str, reason: str) -> Said:
    from typing import cast  # noqa: PLC0415 - only here

    from mpp.protocol.registry.events import Status  # noqa: PLC0415 - as above
    from mpp_registry.publishing.changing import set_status  # noqa: PLC0415 - as above

    changed = set_status(services, package_id, version, cast("Status", status), reason, None)
    words = f"{package_id} {version} is {status}" + ("." if changed else " already.")
    return [words], {"package_id": package_id, "version": version, "status": status, "changed": changed}


@command.command(short_help="Stop a version until somebody has looked.")
@click.argument("package_id")
@click.argument("version")
@_reason
@_on_registry
def quarantine(services: Services, package_id: str, version: str, reason: str) -> Said:
    """Stop a version: nobody installs it, running hosts stop it, and only `restore` lifts it.

    \b
    Example:
      mpp registry admin quarantine com.example.hello 1.2.0 --reason "reported as malware"

    \b
    Exit codes: 0 done, 41 there is no such version, or it is revoked.
    """
    return _version_status(services, package_id, version, "quarantined", reason)


@command.command(short_help="Let a version go on that was stopped or taken back.")
@click.argument("package_id")
@click.argument("version")
@click.option("--reason", default="", metavar="TEXT", help="One line; it stands in the log.")
@_on_registry
def restore(services: Services, package_id: str, version: str, reason: str) -> Said:
    """Make a version active again. What is revoked never is.

    \b
    Example:
      mpp registry admin restore com.example.hello 1.2.0 --reason "a false alarm"
    """
    return _version_status(services, package_id, version, "active", reason)


@command.command(short_help="Stop a version for good.")
@click.argument("package_id")
@click.argument("version")
@_reason
@_on_registry
def revoke(services: Services, package_id: str, version: str, reason: str) -> Said:
    """Revoke a version: nobody installs or runs it again, and nothing takes this back.

    \b
    Example:
      mpp registry admin revoke com.example.hello 1.2.0 --reason "it sends secrets away"
    """
    return _version_status(services, package_id, version, "revoked", reason)


def _publisher_status(services: Services, publisher: str, status: str, reason: str) -> Said:
    from typing import cast  # noqa: PLC0415 - only here

    from mpp.protocol.registry.events import PublisherStatus  # noqa: PLC0415 - as above
    from mpp_registry.publishers import set_publisher_status  # noqa: PLC0415 - as above

    found = _id(services, publisher)
    changed = set_publisher_status(services, found, cast("PublisherStatus", status), reason)
    return [f"Publisher {found[:16]} is {status}" + ("." if changed else " already.")], {"publisher_id": found, "status": status, "changed": changed}


@command.command(short_help="Let a publisher do nothing for now.")
@_publisher
@_reason
@click.option("--for-good", is_flag=True, help="Revoke it: nothing takes this back.")
@_on_registry
def suspend(services: Services, publisher: str, reason: str, for_good: bool) -> Said:
    """Refuse all that a publisher asks for, and end its tokens. What it published stays as it is.

    \b
    Examples:
      mpp registry admin suspend 4e73a1b2c3d4e5f6 --reason "its key may be stolen"
      mpp registry admin suspend 4e73a1b2c3d4e5f6 --for-good --reason "it published malware"
    """
    return _publisher_status(services, publisher, "revoked" if for_good else "suspended", reason)


@command.command(short_help="Let a suspended publisher go on.")
@_publisher
@_on_registry
def resume(services: Services, publisher: str) -> Said:
    """Let a suspended publisher go on.

    \b
    Example:
      mpp registry admin resume 4e73a1b2c3d4e5f6
    """
    return _publisher_status(services, publisher, "active", "")


@command.command(short_help="Give a name space to a publisher by hand, or end its proof.")
@click.argument("namespace")
@click.option("--publisher", default="", metavar="ID", help="Who gets it.")
@click.option("--end", is_flag=True, help="End the proof that is there.")
@_on_registry
def namespace(services: Services, namespace: str, publisher: str, end: bool) -> Said:
    """Vouch that a publisher holds NAMESPACE, where no domain can prove it. It is not looked at again.

    \b
    Examples:
      mpp registry admin namespace internal.tools --publisher 4e73a1b2c3d4e5f6
      mpp registry admin namespace internal.tools --end
    """
    from mpp_registry.namespaces import give_up, prove_by_hand  # noqa: PLC0415 - as above

    if end == bool(publisher):
        raise Refused("usage.option", "say who gets it, or --end", where="--publisher", hint="give one of the two")
    if end:
        changed = give_up(services, namespace)
        return [f"{namespace} is proven for nobody" + ("." if changed else " already.")], {"namespace": namespace, "changed": changed}
    found = _id(services, publisher)
    notes = prove_by_hand(services, namespace, found)
    return [f"{namespace} belongs to publisher {found[:16]}.", *notes], {"namespace": namespace, "publisher_id": found, "notes": list(notes)}


@command.command(short_help="Let in a package id that looks like another.")
@click.argument("package_id")
@click.option("--publisher", required=True, metavar="ID", help="For whom.")
@_reason
@_on_registry
def allow(services: Services, package_id: str, publisher: str, reason: str) -> Said:
    """Let one publisher publish PACKAGE_ID although people could take it for another. It is not in the log.

    \b
    Example:
      mpp registry admin allow com.example.hallo --publisher 4e73a1b2c3d4e5f6 \\
          --reason "the German one, by the same people"
    """
    from mpp_registry.publishing.administering import allow_id  # noqa: PLC0415 - as above

    found = _id(services, publisher)
    allow_id(services, package_id, found, reason)
    return [f"Publisher {found[:16]} may publish {package_id}."], {"package_id": package_id, "publisher_id": found}


@command.command(short_help="Publish a staged version, or refuse it.")
@click.argument("staged_id")
@click.option("--refuse", default="", metavar="REASON", help="Refuse it, with this reason.")
@_on_registry
def approve(services: Services, staged_id: str, refuse: str) -> Said:
    """Approve what waits, where the registry stages versions of publishers that have no second person of their own.

    \b
    Examples:
      mpp registry admin approve 1f0c3b9a77e2d4101f0c3b9a77e2d410
      mpp registry admin approve 1f0c3b9a77e2d4101f0c3b9a77e2d410 --refuse "no README"
    """
    from mpp_registry.staging import approve_by_hand, refuse_staged  # noqa: PLC0415 - as above

    if refuse:
        refuse_staged(services, staged_id, refuse, None)
        return ["It is refused."], {"staged_id": staged_id, "state": "refused"}
    found = approve_by_hand(services, staged_id)
    return [f"{found.package_id} {found.version} is published."], {
        "staged_id": staged_id,
        "state": "published",
        "package_id": found.package_id,
        "version": found.version,
    }


@command.command(name="close-report", short_help="Close a report.")
@click.argument("report_id")
@click.option("--answer", required=True, metavar="TEXT", help="What was found; it stays with the report.")
@_on_registry
def close_report(services: Services, report_id: str, answer: str) -> Said:
    """Close a report, with what was found.

    \b
    Example:
      mpp registry admin close-report 1f0c3b9a77e2d410 --answer "quarantined"
    """
    from mpp_registry.advisories import close_report as close  # noqa: PLC0415 - as above

    changed = close(services, report_id, answer)
    return ["It is closed." if changed else "It was closed before."], {"report_id": report_id, "changed": changed}


@command.command(short_help="Agree to the recovery of a publisher, or refuse it.")
@_publisher
@click.option("--successor", default="", metavar="ID", help="The publisher that asked and gets its packages.")
@click.option("--refuse", is_flag=True, help="Refuse it; nothing of it was public.")
@_on_registry
def recovery(services: Services, publisher: str, successor: str, refuse: bool) -> Said:
    """Agree that PUBLISHER lost its root key. It becomes public at once and takes effect after seven days, unless the old root key says no.

    \b
    Examples:
      mpp registry admin recovery 4e73a1b2c3d4e5f6 --successor 9b1d2c3e4f5a6b7c
      mpp registry admin recovery 4e73a1b2c3d4e5f6 --refuse
    """
    from mpp_registry.publishers import confirm_recovery, refuse_recovery  # noqa: PLC0415 - as above

    if refuse == bool(successor):
        raise Refused("usage.option", "say who succeeds it, or --refuse", where="--successor", hint="give one of the two")
    found = _id(services, publisher)
    if refuse:
        refuse_recovery(services, found)
        return ["It is refused."], {"publisher_id": found, "state": "refused"}
    made = confirm_recovery(services, found, _id(services, successor))
    return [f"It is public, and due at {show_time(made.due)}."], {"publisher_id": found, "successor": made.successor, "state": made.state, "due": made.due}


@command.command(short_help="Believe the tokens of a build service, or no more.")
@click.argument("url")
@click.option("--keys", default="", metavar="FILE", help="Its keys as a file (JWKS).")
@click.option("--keys-url", default="", metavar="URL", help="Where it publishes its keys; they are fetched again each hour.")
@click.option("--remove", is_flag=True, help="Believe it no more.")
@_on_registry
def issuer(services: Services, url: str, keys: str, keys_url: str, remove: bool) -> Said:
    """Believe the build service URL (the issuer, as it stands in its tokens). What its builds may publish, publishers say by rules.

    \b
    Examples:
      mpp registry admin issuer https://token.actions.githubusercontent.com \\
          --keys-url https://token.actions.githubusercontent.com/.well-known/jwks
      mpp registry admin issuer https://ci.example.com --keys jwks.json
    """
    from mpp_registry.oidc import add_issuer, remove_issuer  # noqa: PLC0415 - as above

    if remove:
        changed = remove_issuer(services, url)
        return ["It is believed no more." if changed else "It was not believed."], {"issuer": url, "changed": changed}
    left = add_issuer(services, url, keys=read_bounded(keys, KEYS_BYTES_MAX) if keys else b"", keys_url=keys_url)
    lines = [f"The registry believes {url}; a build asks for tokens with the audience {services.settings.registry_id}."]
    return [*lines, *(f"A key cannot be used: {one}" for one in left)], {"issuer": url, "audience": services.settings.registry_id, "unusable": list(left)}


@command.command(short_help="Show the tokens of builds that count now, or end them.")
@click.option("--end", default="", metavar="PUBLISHER", help="End all of this publisher.")
@_on_registry
def tokens(services: Services, end: str) -> Said:
    """Show how many tokens of builds count now, by publisher and rule. The tokens themselves are nowhere.

    \b
    Examples:
      mpp registry admin tokens
      mpp registry admin tokens --end 4e73a1b2c3d4e5f6
    """
    from mpp_registry.publishing.administering import end_tokens, live_tokens  # noqa: PLC0415 - as above

    if end:
        found = _id(services, end)
        count = end_tokens(services, found)
        return [f"{count} tokens ended."], {"publisher_id": found, "ended": count}
    live = live_tokens(services)
    rows: list[Json] = [{"publisher_id": one.publisher_id, "rule_id": one.rule_id, "count": one.count, "until": one.until} for one in live]
    return [f"{one.publisher_id[:16]}  rule {one.rule_id}  {one.count}, the last until {show_time(one.until)}" for one in live] or ["No token counts now."], {
        "tokens": rows
    }


@command.command(short_help="Say how much a publisher may have.")
@_publisher
@click.option("--megabytes", default=0, type=click.IntRange(0, 10**9), metavar="N", help="Of all its files. [0: as everybody]")
@click.option("--versions", default=0, type=click.IntRange(0, 10**9), metavar="N", help="Of all its packages. [0: as everybody]")
@click.option("--packages", default=0, type=click.IntRange(0, 10**9), metavar="N", help="[0: as everybody]")
@_on_registry
def quota(services: Services, publisher: str, megabytes: int, versions: int, packages: int) -> Said:
    """Say how much a publisher may have, in place of what everybody may.

    \b
    Example:
      mpp registry admin quota 4e73a1b2c3d4e5f6 --megabytes 200000
    """
    from mpp_registry.publishing.owning import set_quota  # noqa: PLC0415 - as above

    found = _id(services, publisher)
    with services.database.write() as rows:
        set_quota(rows, found, most_bytes=megabytes * 10**6, most_versions=versions, most_packages=packages)
    return ["It is set."], {"publisher_id": found, "megabytes": megabytes, "versions": versions, "packages": packages}


@command.command(name="set", short_help="Name resolvers and hosts of your own network.")
@click.argument("name")
@click.argument("text")
@_on_registry
def set_(services: Services, name: str, text: str) -> Said:
    """Say how name spaces and keys of issuers are looked up in a closed network. NAME is world.nameservers, world.private_hosts or world.ca_file.

    \b
    Examples:
      mpp registry admin set world.nameservers 10.0.0.53
      mpp registry admin set world.private_hosts tools.example.com:8443
      mpp registry admin set world.ca_file /etc/ssl/company.pem
    """
    from mpp_registry.namespaces.settings import set_world  # noqa: PLC0415 - as above

    set_world(services, name, text)
    return ["It is set."], {"name": name, "text": text}


@command.command(short_help="Run now what the server does every few minutes.")
@_on_registry
def jobs(services: Services) -> Said:
    """Look at name spaces, finish recoveries, end what nobody approved, remove files that no version names.

    \b
    Example:
      mpp registry admin jobs
    """
    from mpp_registry.publishing.jobs import run_jobs  # noqa: PLC0415 - as above

    found = run_jobs(services)
    lines = [f"{name}: {count}" for name, count in found.done] + [f"{name}: failed, {code}" for name, code in found.failed]
    return lines, {"done": dict(found.done), "failed": dict(found.failed)}
