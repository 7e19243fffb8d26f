"""``mpp registry serve``."""

from __future__ import annotations

import os
import sys
from hashlib import sha256

import click

from mpp.cli.options import home, quoted
from mpp.cli.registry.owning import add_own
from mpp.cli.screen import note, put_json, say
from mpp.crypto.ed25519 import fingerprint
from mpp.errors import HostFailed, MppError, Refused
from mpp.files import is_private, read_bounded
from mpp.ledger.notes import read_key
from mpp.model.jsontext import Json

PORT = 8765
TOKEN_BYTES_MAX = 4096
"""Bytes of the file with the administrator's token. Reason: a token has some dozens."""

TOKEN_CHARS_MIN = 20
"""Characters of the administrator's token. Reason: it is all that keeps strangers from revoking packages; shorter ones are found by trying."""


@click.command(name="serve")
@click.option("--listen", default="", metavar="ADDRESS:PORT", help=f"Where it listens; 127.0.0.1:{PORT} if nothing is said.")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="The same on 127.0.0.1; 0 takes a free one.")
@click.option("--data", default="", metavar="FOLDER", help="Its keys, and all else where nothing is said; in $MPP_HOME if left out.")
@click.option("--database-url", default="", metavar="URL", help="A PostgreSQL database in place of a file: postgresql://...")
@click.option("--blobs", default="", metavar="URL", help="An object storage in place of a folder: s3://bucket/prefix?...")
@click.option("--name", default="", metavar="NAME", help="How it is called; goes into its root document on the first start.")
@click.option("--url", default="", metavar="URL", help="Where others reach it; the address it listens at if left out.")
@click.option("--public/--private", "is_public", default=True, help="May everybody read, or only registered publishers?")
@click.option("--require-namespace/--any-namespace", "require_namespace", default=None, help="Must a publisher prove the domain of a new package?")
@click.option("--staging", is_flag=True, help="A second person approves each version.")
@click.option("--admin-token-file", default="", metavar="FILE", help="A file with the administrator's token.")
@click.option("--witness", "witnesses", multiple=True, metavar="KEY", help="A witness whose signatures are kept: NAME+HASH+KEY. May be repeated.")
@click.option("--tls-cert", default="", metavar="FILE", help="The certificate, as PEM.")
@click.option("--tls-key", default="", metavar="FILE", help="Its key, as PEM.")
@click.option("--behind-proxy", is_flag=True, help="Another server speaks TLS in front of this one.")
@click.option("--accel", default="", metavar="PREFIX", help="Files are sent by the server in front, from this address: X-Accel-Redirect.")
@click.option("--public-files", is_flag=True, help="The server in front sends files of public packages alone, from DATA/public.")
@click.option("--no-add", is_flag=True, help="Do not write this registry into the list of those that this home knows.")
@click.option("--quiet", is_flag=True, help="Write no line for each request.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with its address when it listens.")
def command(
    listen: str, port: int | None, data: str, database_url: str, blobs: str, name: str, url: str, is_public: bool, require_namespace: bool | None,
    staging: bool, admin_token_file: str, witnesses: tuple[str, ...], tls_cert: str, tls_key: str, behind_proxy: bool, accel: str, public_files: bool, no_add: bool, quiet: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run a registry: publishers register and publish, hosts install, everybody can check its log.

    Without options it keeps all in one folder and is reached from this machine only. On this machine any namespace may be
    used; where others reach it, a publisher first proves its domain, unless you say --any-namespace.

    Each request is one line of JSON on standard error. Ctrl-C or SIGTERM ends it once the requests that run are done.

    \b
    Examples:
      mpp registry serve
      mpp registry serve --port 9000 --data /srv/mpp --name "Example packages"
      mpp registry serve --listen 0.0.0.0:443 --url https://packages.example.com \\
          --tls-cert cert.pem --tls-key key.pem --admin-token-file admin.token
      mpp registry serve --listen 0.0.0.0:8765 --behind-proxy \\
          --url https://packages.example.com \\
          --database-url postgresql://mpp@db.example.com/mpp \\
          --blobs "s3://packages/blobs?region=eu-1"

    \b
    Exit code:
      0        the process was asked to end
      1        this machine cannot serve: a file, an address, the database
      2        options that do not go together
    """
    try:
        import mpp_registry.wiring as registry  # noqa: PLC0415 - not every host has it, and it is slow to import
        from mpp_registry.opening import Options  # noqa: PLC0415 - as above
        from mpp_registry.serve import Listening  # noqa: PLC0415 - as above
    except ModuleNotFoundError as fault:
        raise HostFailed("host.missing", f"the registry is not installed: {fault.name}", hint="install the distribution mpp-registry") from None
    if listen and port is not None:
        raise Refused("usage.option", "--listen and --port say the same", hint="give one of them")
    at = Listening(
        listen=listen or f"127.0.0.1:{PORT if port is None else port}",
        tls_cert=tls_cert,
        tls_key=tls_key,
        behind_proxy=behind_proxy,
        accel=accel,
        public_files=public_files,
    )
    check_url(url)
    options = Options(
        data=data or os.path.join(home().path, "registry"), name=name or "MPP registry", url=url, database_url=database_url, blobs=blobs, is_public=is_public,
        require_namespace=registry.is_outside(at, url) if require_namespace is None else require_namespace, staging=staging,
        witnesses=tuple(read_key(text, where="--witness") for text in witnesses), admin_token_sha256=read_admin_token(admin_token_file) if admin_token_file else "",
    )  # fmt: skip
    with registry.started(options, at, environment=os.environ, write_line=_silent if quiet else _line) as running:
        settings = running.services.settings
        added = "" if no_add or database_url else _add_own(settings.url, settings.roots, private=not is_public)
        found: dict[str, Json] = {
            "ok": True, "url": running.server.url, "registry_id": settings.registry_id, "name": settings.name, "data": options.data, "pid": os.getpid(),
            "added": added,
        }  # fmt: skip
        running.server.run(signals=True, ready=lambda: _told(found, as_json))


def _add_own(url: str, roots: bytes, *, private: bool) -> str:
    """A list of registries that cannot be changed keeps no registry from serving."""
    try:
        return add_own(url, roots, private=private)
    except MppError as fault:
        note(f"warning: this home does not know the registry: {fault.message}" + (f"; {fault.hint}" if fault.hint else ""))
        return ""


def check_url(url: str) -> None:
    """Attack on oneself: an address with a user, a query or a slash at its end goes into every document and bundle."""
    if not url:
        return
    from urllib.parse import urlsplit  # noqa: PLC0415 - only here

    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment or not url.isascii():
        raise Refused("usage.option", "this is no address of a registry", where="--url", hint="write https://packages.example.com")


def read_admin_token(path: str) -> str:
    """The SHA-256 of the token in a file, in hex."""
    token = read_bounded(path, TOKEN_BYTES_MAX).decode("utf-8", "replace").strip()
    if not is_private(path):
        raise Refused("usage.option", "others can read the file with the administrator's token", where=path, hint="run chmod 600 on it")
    if len(token) < TOKEN_CHARS_MIN or not token.isascii() or not token.isprintable():
        hint = "write a random one, for example: openssl rand -hex 32 > admin.token"
        raise Refused("usage.option", f"the administrator's token has fewer than {TOKEN_CHARS_MIN} characters, or others than ASCII", where=path, hint=hint)
    return sha256(token.encode()).hexdigest()


def _told(found: dict[str, Json], as_json: bool) -> None:
    if as_json:
        put_json(found)
        sys.stdout.flush()
        return
    say(f"Serving {quoted(str(found['name']))} at {found['url']}")
    say(f"  fingerprint  {fingerprint(str(found['registry_id']))}")
    say(f"  data         {found['data']}")
    if found["added"]:
        say(f"  {found['added']}")
    say("")
    say("Publish a package of this machine:")
    say("  mpp publish")
    say("Or from elsewhere, where they know the fingerprint from you:")
    say(f'  mpp registry add {found["url"]} --fingerprint "{fingerprint(str(found["registry_id"]))}"')
    say("")
    say("Ctrl-C ends it.")
    sys.stdout.flush()


def _line(text: str) -> None:
    note(text)


def _silent(_text: str) -> None:
    return
