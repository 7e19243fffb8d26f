"""What an entry of the log says, in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp_registry.web.documents import item, json_in, words
from mpp_registry.web.logrows import LeafLine
from mpp.pages.texts import day, part, short_print


@value
class Sentence:
    """About what, with the page of it, and what happened."""

    index: int
    at: int
    kind: str
    subject: str
    href: str
    words: str
    reason: str


Said = Callable[[Json], str]


def sentence(line: LeafLine) -> Sentence:
    found = json_in(line.leaf)
    subject, href = _subject(found)
    say = _WORDS.get(line.kind)
    return Sentence(
        index=line.index,
        at=line.at,
        kind=line.kind,
        subject=subject,
        href=href,
        words=say(found) if say else "an event that this page has no words for",
        reason=words(found, "reason"),
    )


def _subject(found: Json) -> tuple[str, str]:
    package, version = words(found, "package_id"), words(found, "version")
    if package and version:
        return f"{package} {version}", f"/packages/{part(package)}/versions/{part(version)}"
    for name, text, place in (
        ("package_id", package, "packages"), ("namespace", words(found, "namespace"), "namespaces"), ("publisher_id", words(found, "publisher_id"), "publishers"),
    ):  # fmt: skip
        if text:
            return (short_print(text) if name == "publisher_id" else text), f"/{place}/{part(text)}"
    return words(found, "name") or "this registry", ""


def _publisher(found: Json, name: str = "publisher_id") -> str:
    who = words(found, name)
    return "the registry's operator" if who == "admin" else f"publisher {short_print(who)}" if who else "nobody named"


def _published(found: Json) -> str:
    return f"published by {_publisher(found)}, content sha256:{words(found, 'content_hash')[:16]}…"


def _status(found: Json) -> str:
    return f"is now {words(found, 'status')}, said by {_publisher(found, 'by')}"


def _owners(found: Json) -> str:
    listed = item(found, "owners")
    named = [f"{short_print(words(one, 'publisher_id'))} ({words(one, 'role')})" for one in listed[:8]] if isinstance(listed, list) else []
    return f"belongs to {', '.join(named) or 'nobody'}; set by {_publisher(found, 'by')}"


def _recovery(found: Json) -> str:
    state, due = words(found, "state"), item(found, "due")
    until = f", possible from {day(due)}" if isinstance(due, int) and state == "asked" else ""
    return f"recovery {state}: successor {short_print(words(found, 'successor'))}{until}"


def _advisory(found: Json) -> str:
    listed = item(found, "versions")
    count = len(listed) if isinstance(listed, list) else 0
    return f"advisory {words(found, 'advisory_id')}, severity {words(found, 'severity')}, about {count} version{'' if count == 1 else 's'}"


_WORDS: Mapping[str, Said] = {
    "registry.opened": lambda found: f"the registry \u201c{words(found, 'name')}\u201d opened",
    "publisher.registered": lambda found: f"registered as \u201c{words(found, 'name')}\u201d",
    "publisher.root": lambda found: f"changed its keys: root document version {item(found, 'root_version')}",
    "publisher.status": lambda found: f"is now {words(found, 'status')}",
    "publisher.recovery": _recovery,
    "namespace.proven": lambda found: f"proven for {_publisher(found)} by {words(found, 'method')}",
    "namespace.lapsed": lambda found: f"is no longer proven for {_publisher(found)}",
    "package.owners": _owners,
    "version.staged": lambda found: f"staged by {_publisher(found)}, waits for a second person",
    "version.published": _published,
    "version.status": _status,
    "advisory.published": _advisory,
    "peers.changed": lambda _found: "the list of peers changed",
    "fleet.changed": lambda _found: "a document for fleets changed",
}
KINDS = tuple(_WORDS)
