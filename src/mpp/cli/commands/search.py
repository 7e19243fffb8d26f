"""``mpp search``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option
from mpp.cli.screen import complain, error_json, note, put_json, say, table
from mpp.cli.store.from_registry import hits
from mpp.cli.store.registries import known_name, load_config
from mpp.errors import MppError, Refused
from mpp.model.jsontext import Json
from mpp.remote.limits import SEARCH_SHOWN_MAX
from mpp.remote.resolving import Hit, is_at_home

SUMMARY_COLUMNS = 50
"""Characters of a summary in the table. Reason: with the columns before it, most lines fit a terminal."""

WORDS_CHARS_MAX = 200
"""Characters of what is searched. Reason: a few words; registries take no more."""


@click.command(name="search")
@click.argument("words", nargs=-1, required=True)
@click.option("--registry", "name", default="", metavar="NAME|URL", help="Ask this registry alone. [default: all that are known here]")
@click.option("--limit", type=click.IntRange(1, SEARCH_SHOWN_MAX), default=20, show_default=True, help="Hits shown of each registry.")
@json_option
def command(words: tuple[str, ...], name: str, limit: int, as_json: bool) -> int:
    """Look for packages by words of their name, title and description.

    What is shown is what a registry says; what an install relies on is proven then. A hit in a name space that belongs to
    another registry here is left out: it could never be installed.

    \b
    Examples:
      mpp search crm lookup
      mpp search weather --registry corp --json

    \b
    Exit code:
      0   an answer, also an empty one
      40  a registry does not answer; what the others found is shown
    """
    name = known_name(name)
    config = load_config()
    asked = [config.named(name)] if name else list(config.asked)
    if not asked:
        raise Refused("registry.unknown", "this home has no registry", hint="add one: mpp registry add https://registry.example.com")
    text = " ".join(words)
    if len(text) > WORDS_CHARS_MAX:
        raise Refused("usage.text", f"a search has at most {WORDS_CHARS_MAX} characters", hint="search for fewer words")
    found: list[Hit] = []
    faults: list[MppError] = []
    for one in asked:
        try:
            found += [hit for hit in hits(text, [one]) if is_at_home(hit, config)][:limit]
        except MppError as fault:
            faults.append(fault)
    if as_json:
        rows: list[Json] = [_row(hit) for hit in found]
        errors: list[Json] = [error_json(fault) for fault in faults]
        put_json({"ok": not faults, "packages": rows, "errors": errors})
    else:
        _show(found, many=len(asked) > 1)
        for one_fault in faults:
            complain(one_fault, as_json=False)
    return faults[0].exit_code if faults else 0


def _row(hit: Hit) -> dict[str, Json]:
    doc = hit.doc
    return {
        "registry": hit.registry, "package_id": doc.package_id, "latest": doc.latest, "status": doc.status, "title": doc.title, "summary": doc.summary,
        "publisher_id": doc.publisher_id, "publisher_name": doc.publisher_name, "namespace": doc.namespace, "downloads": doc.downloads,
    }  # fmt: skip


def _show(found: list[Hit], *, many: bool) -> None:
    if not found:
        say("Nothing was found.")
        return
    head = ("PACKAGE", "LATEST", "PUBLISHER", *(("REGISTRY",) if many else ()), "ABOUT")
    lines = [(hit.doc.package_id, hit.doc.latest or hit.doc.status, _publisher(hit), *((hit.registry,) if many else ()), _about(hit)) for hit in found]
    table([head, *lines], indent="", head=True)
    note("A publisher's name is proven by nobody; a star means that its name space is proven. Next: mpp install PACKAGE")


def _publisher(hit: Hit) -> str:
    # Attack: a name of a hundred characters that pushes the rest out of sight.
    return f"{hit.doc.publisher_name[:24]!r}{'*' if hit.doc.namespace else ''}"


def _about(hit: Hit) -> str:
    text = " ".join((hit.doc.summary or hit.doc.title).split())
    return text if len(text) <= SUMMARY_COLUMNS else text[: SUMMARY_COLUMNS - 1] + "…"
