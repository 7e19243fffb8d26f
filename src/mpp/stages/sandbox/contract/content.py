"""The items of a result, as values. Spec: spec/call-contract.md section 5; the shapes are those of the Model Context Protocol."""

from __future__ import annotations

import json
import re
from typing import TypeAlias

from mpp.crypto import base64text
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.sandbox.contract.limits import BLOB_BYTES_MAX, CONTENT_TEXT_MAX, META_KEYS_MAX, MIME_MAX, URI_MAX, WORD_MAX

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}:[!#-;=?-\[\]_a-z~]+")
_URI_FORM = "an address such as https://example.org/a, in ASCII"
_WORD = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"
_MIME = re.compile(rf'{_WORD}/{_WORD}(?:; ?{_WORD}=(?:{_WORD}|"[ -!#-\[\]-~]*"))*')
_MIME_FORM = "a media type such as text/plain"
_IMAGE, _AUDIO = (re.compile(rf"(?={kind}/){_MIME.pattern}") for kind in ("image", "audio"))
# Attack: U+0080 to U+009F are control characters too; a terminal takes U+009B for the beginning of a command.
_LABEL = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")
_LABEL_FORM = "a text without control characters"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})")


@value
class Annotations:
    """For whom an item is, and how much it matters; advice."""

    audience: tuple[str, ...] = ()
    priority: float | None = None
    last_modified: str = ""

    def to_json(self) -> dict[str, Json]:
        out: dict[str, Json] = {}
        if self.audience:
            out["audience"] = [*self.audience]
        if self.priority is not None:
            out["priority"] = self.priority
        if self.last_modified:
            out["lastModified"] = self.last_modified
        return out


@value
class Labels:
    """What every item may carry beside its content."""

    annotations: Annotations | None = None
    meta: bytes | None = None
    """JSON of ``_meta``; nothing here gives it a meaning."""

    def to_json(self) -> dict[str, Json]:
        out: dict[str, Json] = {}
        if self.annotations is not None:
            out["annotations"] = self.annotations.to_json()
        if self.meta is not None:
            out["_meta"] = json.loads(self.meta)
        return out


@value
class TextContent:
    text: str
    labels: Labels

    @property
    def kind(self) -> str:
        return "text"

    def to_json(self) -> dict[str, Json]:
        plain: dict[str, Json] = {"type": "text", "text": self.text}
        return plain if self.labels is _NO_LABELS else {**plain, **self.labels.to_json()}


@value
class MediaContent:
    """An image or a sound."""

    kind: str
    """``image`` or ``audio``."""
    data: bytes
    mime: str
    labels: Labels

    def to_json(self) -> dict[str, Json]:
        return {"type": self.kind, "data": base64text.encode(self.data), "mimeType": self.mime, **self.labels.to_json()}


@value
class ResourceLink:
    """An address of something that the host does not fetch."""

    uri: str
    name: str
    title: str
    description: str
    mime: str
    size: int | None
    labels: Labels

    @property
    def kind(self) -> str:
        return "resource_link"

    def to_json(self) -> dict[str, Json]:
        texts: dict[str, Json] = {"title": self.title, "description": self.description, "mimeType": self.mime}
        out: dict[str, Json] = {"type": "resource_link", "uri": self.uri, "name": self.name, **{key: text for key, text in texts.items() if text}}
        if self.size is not None:
            out["size"] = self.size
        return {**out, **self.labels.to_json()}


@value
class EmbeddedResource:
    """Something with an address, given whole: a text or bytes."""

    uri: str
    mime: str
    text: str | None
    blob: bytes | None
    meta: bytes | None
    """``_meta`` of the resource itself."""
    labels: Labels

    @property
    def kind(self) -> str:
        return "resource"

    def to_json(self) -> dict[str, Json]:
        resource: dict[str, Json] = {"uri": self.uri}
        if self.mime:
            resource["mimeType"] = self.mime
        if self.text is not None:
            resource["text"] = self.text
        if self.blob is not None:
            resource["blob"] = base64text.encode(self.blob)
        if self.meta is not None:
            resource["_meta"] = json.loads(self.meta)
        return {"type": "resource", "resource": resource, **self.labels.to_json()}


Content: TypeAlias = TextContent | MediaContent | ResourceLink | EmbeddedResource

_NO_LABELS = Labels()
_NOTHING = TextContent(text="", labels=_NO_LABELS)


def read_content(found: Json, where: str, fields_of: Fields) -> Content:
    """One item of ``content``. Spec: call-contract C-31 to C-36. Faults go to the list of ``fields_of``."""
    item = Fields(found, where, fields_of.faults)
    kind = item.one_of("type", ("text", "image", "audio", "resource_link", "resource"))
    labels = _labels(item)
    out: Content = _NOTHING
    if kind == "text":
        out = TextContent(text=plain_text(item, "text"), labels=labels)
    elif kind in {"image", "audio"}:
        mime = item.text("mimeType", most=MIME_MAX, pattern=_IMAGE if kind == "image" else _AUDIO, form=f"a media type that begins with {kind}/")
        out = MediaContent(kind=kind, data=_blob(item, "data"), mime=mime, labels=labels)
    elif kind == "resource_link":
        out = _link(item, labels)
    elif kind == "resource":
        out = _resource(item.object("resource"), labels)
    if kind:
        item.end()
    return out


def is_plain(item: Content) -> bool:
    """A text with nothing beside it."""
    return isinstance(item, TextContent) and item.labels is _NO_LABELS


def plain_item(found: Json) -> TextContent | None:
    """A text without anything beside it, which ``read_content`` would give too; None for all else."""
    if not isinstance(found, dict) or len(found) != 2 or found.get("type") != "text":
        return None
    text = found.get("text")
    return TextContent(text=text, labels=_NO_LABELS) if isinstance(text, str) and len(text) <= CONTENT_TEXT_MAX else None


def _link(item: Fields, labels: Labels) -> ResourceLink:
    return ResourceLink(
        uri=_uri(item),
        name=item.text("name", most=WORD_MAX, pattern=_LABEL, form=_LABEL_FORM),
        title=item.text("title", most=WORD_MAX, default="", pattern=_LABEL, form=_LABEL_FORM),
        description=item.text("description", most=WORD_MAX, default="", pattern=_LABEL, form=_LABEL_FORM),
        mime=_mime(item),
        size=item.number("size", least=0, most=2**53 - 1) if item.has("size") else None,
        labels=labels,
    )


def _resource(item: Fields | None, labels: Labels) -> Content:
    if item is None:
        return _NOTHING
    # Spec: call-contract C-36. Attack: a text for the filter and other bytes for the agent.
    if item.has("text") == item.has("blob"):
        note(item.faults, item.where, "must have either text or blob", "give one of the two")
    out = EmbeddedResource(
        uri=_uri(item),
        mime=_mime(item),
        text=plain_text(item, "text") if item.has("text") else None,
        blob=_blob(item, "blob") if item.has("blob") else None,
        meta=read_meta(item),
        labels=labels,
    )
    item.end()
    return out


def note(faults: Faults, where: str, message: str, hint: str) -> None:
    """A fault of a reply that no getter finds."""
    faults.add("reply", where, message, hint, family="tool")


def _uri(item: Fields) -> str:
    return item.text("uri", most=URI_MAX, pattern=_URI, form=_URI_FORM)


def _mime(item: Fields) -> str:
    return item.text("mimeType", most=MIME_MAX, pattern=_MIME, form=_MIME_FORM, default="")


def plain_text(item: Fields, key: str) -> str:
    """A text as the tool wrote it; what it may not show is taken out by the privacy stage, not here."""
    found = item.raw(key)
    if isinstance(found, str) and len(found) <= CONTENT_TEXT_MAX:
        return found
    if item.has(key):
        note(item.faults, item.path(key), f"must be a string of at most {CONTENT_TEXT_MAX} characters", "write a string")
    return ""


def _blob(item: Fields, key: str) -> bytes:
    text = item.raw(key)
    if not item.has(key):
        return b""
    data = base64text.decode(text) if isinstance(text, str) and text.isascii() else None
    if data is None or len(data) > BLOB_BYTES_MAX:
        note(item.faults, item.path(key), f"must be canonical base64 of at most {BLOB_BYTES_MAX} bytes", "use the standard alphabet with padding")
        return b""
    return data


def _labels(item: Fields) -> Labels:
    notes = item.object("annotations", required=False)
    meta = read_meta(item)
    if notes is None:
        return Labels(meta=meta) if meta is not None else _NO_LABELS
    audience = notes.texts("audience", most=2, each_most=9, pattern=re.compile("user|assistant"), form="user or assistant")
    priority = notes.raw("priority", required=False)
    if notes.has("priority") and (isinstance(priority, bool) or not isinstance(priority, (int, float)) or not 0 <= priority <= 1):
        note(notes.faults, notes.path("priority"), "must be a number from 0 to 1", "take a number from 0 to 1")
        priority = None
    modified = notes.text("lastModified", most=40, pattern=_TIME, form="a time such as 2026-01-31T12:00:00Z", default="")
    notes.end()
    kept = float(priority) if isinstance(priority, (int, float)) else None
    return Labels(annotations=Annotations(audience=audience, priority=kept, last_modified=modified), meta=meta)


def read_meta(item: Fields) -> bytes | None:
    """``_meta``, kept as JSON and given no meaning."""
    found = item.raw("_meta", required=False)
    if not item.has("_meta"):
        return None
    if not isinstance(found, dict) or len(found) > META_KEYS_MAX:
        note(item.faults, item.path("_meta"), f"must be an object of at most {META_KEYS_MAX} keys", "write { ... }")
        return None
    return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
