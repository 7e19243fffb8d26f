"""The prompts and resources of one verified package, as a front asks for them. Spec: spec/static-content.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TYPE_CHECKING

from mpp.errors import Refused
from mpp.host.static.icon import icons_of
from mpp.host.static.limits import LIST_BYTES_MAX, LOOKS_MAX, VALUES_MAX
from mpp.host.static.prompts import fill, Prompt, Read, read_prompts
from mpp.host.static.resources import read_resources, Resources
from mpp.model.jsontext import Json, read, shown
from mpp.model.manifest import Manifest
from mpp.model.value import value
from mpp.stages.archive import Archive, read_member
from mpp.stages.gatekeeper import VerifiedPackage

if TYPE_CHECKING:
    from mpp.stages.privacy.guard import Verdict

PROMPTS = "mcp/prompts.json"
RESOURCES = "mcp/resources.json"


def _nothing(name: str) -> bytes:
    raise Refused("manifest.missing", "there is no such file", where=name, hint="report it to the publisher")


@value
class Static:
    """Both lists of a package, judged. Safe to use from many threads."""

    given: tuple[Prompt, ...] = ()
    kept: Resources = Resources()
    member: Read = _nothing

    def prompts(self) -> tuple[dict[str, Json], ...]:
        """Entries of ``prompts/list``, sorted by name."""
        return tuple(one.to_json() for one in self.given)

    def prompt(self, name: str, arguments: Mapping[str, str], inputs: Mapping[str, Json] | None = None) -> dict[str, Json]:
        """A GetPromptResult, or ``inputRequests`` with ``resultType`` ``input_required``. Raises ``call.prompt``, ``call.arguments``, ``call.size``."""
        found = self._find(name)
        if found is None:
            raise Refused("call.prompt", f"there is no prompt {shown(name, 80)!r}", where="name", hint="prompts/list names those that there are")
        return fill(found, arguments, inputs or {}, self.member)

    def resources(self) -> tuple[dict[str, Json], ...]:
        """Entries of ``resources/list``, sorted by address."""
        return tuple(one.to_json() for one in self.kept.fixed)

    def templates(self) -> tuple[dict[str, Json], ...]:
        return tuple(one.to_json() for one in self.kept.templates)

    def read(self, uri: str) -> list[Json] | None:
        """The ``contents`` of a resource; None if the package has none of that address."""
        return self.kept.read(uri, self.member)

    def complete(self, ref: Mapping[str, Json], argument: str, text: str) -> tuple[str, ...] | None:
        """Values of an argument that begin like ``text``; None if the package has no such prompt or template."""
        values = self._values(ref, argument)
        begun = text.casefold()
        return None if values is None else tuple(one for one in values if one.casefold().startswith(begun))[:VALUES_MAX]

    def _values(self, ref: Mapping[str, Json], argument: str) -> tuple[str, ...] | None:
        if ref.get("type") == "ref/prompt":
            prompt = self._find(str(ref.get("name")))
            return None if prompt is None else next((one.values for one in prompt.arguments if one.name == argument), ())
        template = next((one for one in self.kept.templates if one.uri == ref.get("uri")), None)
        return None if template is None else dict(template.values).get(argument, ())

    def _find(self, name: str) -> Prompt | None:
        return next((one for one in self.given if one.name == name), None)


EMPTY = Static()


class Shipping(Protocol):
    """As much of a package as counts here."""

    @property
    def archive(self) -> Archive: ...

    @property
    def manifest(self) -> Manifest: ...

    def read(self, name: str) -> bytes | None: ...


@value
class Draft:
    """A package that was built and not signed yet. It is judged for its author, and shown to nobody."""

    archive: Archive
    manifest: Manifest

    def read(self, name: str) -> bytes | None:
        member = self.archive.find(name)
        return None if member is None else read_member(self.archive, member)


def static_of(package: VerifiedPackage) -> Static:
    """What the package ships. Raises Refused ``manifest.*`` for a list that is not sound, ``description.*`` for one that hides something.

    Spec: static-content X-2, X-9. A list with one fault is refused whole: half of what was signed is something that nobody signed.
    """
    return _read(package)[0]


def to_look_at(package: VerifiedPackage | Draft) -> tuple[str, ...]:
    """What a person should see of it before it is signed or installed, one line each. Raises as ``static_of`` does."""
    icons_of(package)
    verdict = _read(package)[1]
    shown = () if verdict is None else verdict.shown
    lines = [f'A model may read at {hit.where}: "{hit.found}" ({hit.says}).' for hit in shown[:LOOKS_MAX]]
    return (*lines, *([f"A model may read {len(shown) - LOOKS_MAX} more such places in prompts and resources."] if len(shown) > LOOKS_MAX else []))


def _read(package: Shipping) -> tuple[Static, Verdict | None]:
    prompts, resources = _document(package, PROMPTS), _document(package, RESOURCES)
    if prompts is None and resources is None:
        return EMPTY, None
    sizes = {member.name: member.size for member in package.archive.members}
    found = Static(
        given=() if prompts is None else read_prompts(prompts, sizes.get),
        kept=Resources() if resources is None else read_resources(resources, sizes.get),
        member=lambda name: package.read(name) or b"",
    )
    return found, _judge(found, package)


def _document(package: Shipping, name: str) -> Json | None:
    member = package.archive.find(name)
    if member is None:
        return None
    # Attack: a list that inflates to megabytes. Its size stands in its header, and inflating gives no other.
    if member.size > LIST_BYTES_MAX:
        raise Refused("manifest.length", f"has {member.size} bytes; at most {LIST_BYTES_MAX}", where=name, hint="put long texts into files of their own")
    return read(package.read(name) or b"", family="manifest", where=name)


def _judge(found: Static, package: Shipping) -> Verdict:
    """The description guard over all that a model reads. Its doubts refuse nothing: a prompt is words to a model by its nature, and a person picks it."""
    # Imported here: most packages ship no such thing.
    from mpp.host.static.guarded import described  # noqa: PLC0415
    from mpp.stages.privacy.guard import judge_described, refusal  # noqa: PLC0415

    verdict = judge_described(described(found.given, found.kept), package.manifest.capabilities)
    fault = refusal(verdict)
    if fault is not None:
        raise fault
    return verdict
