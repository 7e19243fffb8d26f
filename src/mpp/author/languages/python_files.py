"""What goes into the package of a Python tool: the author's sources, the locked dependencies, the SDK."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mpp.author.languages.ports import Component, Job
from mpp.author.languages.python_names import LIBRARIES, SOURCES, entry_of
from mpp.author.limits import SOURCES_BYTES_MAX
from mpp.author.project import matching_files
from mpp.author.vendoring.imports import Looked, judge, look
from mpp.author.vendoring.requirements import LOCK, read_asked, read_lock
from mpp.author.vendoring.sdk import PACKAGE, sdk_members, sdk_version
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.model.value import value
from mpp.stages.archive.limits import FILE_BYTES_MAX

if TYPE_CHECKING:
    from mpp.author.vendoring.requirements import Pin
    from mpp.author.vendoring.wheels import Unpacked

_LEFT_OUT = (".pyc", ".pyo")


@value
class Gathered:
    """The members of the package that are not the manifest's, and where they come from."""

    members: Mapping[str, bytes]
    inputs: Mapping[str, bytes]
    components: tuple[Component, ...]
    imported: Callable[[], frozenset[str]]
    """Every module that the tool, its libraries and the SDK import. It is asked for where an interpreter is packed: to read the SDK takes longer than the rest."""
    sdk_version: str
    warnings: tuple[str, ...]


def gather(job: Job) -> Gathered:
    """Read, fetch and judge everything; nothing of the project runs."""
    own = _own(job)
    asked = read_asked(job.root)
    pins = read_lock(job.root, asked)
    unpacked = _unpacked(job, pins) if pins else ()
    libraries = _libraries(unpacked)
    looked = look({**own, **libraries}, own=f"{SOURCES}/")
    warnings = judge(looked)
    _check_names(own, libraries)
    sdk = {f"{LIBRARIES}/{name}": data for name, data in sdk_members(looked.imported).items()}
    version = sdk_version()
    return Gathered(
        members={**own, **libraries, **sdk},
        inputs=own | ({LOCK: read_bounded(os.path.join(job.root, LOCK), SOURCES_BYTES_MAX)} if pins else {}),
        components=(
            Component(name="mpp-sdk", version=version, purl=f"pkg:generic/mpp-sdk@{version}", license="Apache-2.0"),
            *(
                Component(name=one.name, version=one.version, purl=f"pkg:pypi/{one.name}@{one.version}", sha256=one.sha256, license=one.license)
                for one in unpacked
            ),
        ),
        imported=lambda: _late(looked, look({name: data for name, data in sdk.items() if name.endswith(".py")})),
        sdk_version=version,
        warnings=(*(words for one in unpacked for words in one.warnings), *warnings),
    )


def _unpacked(job: Job, pins: tuple[Pin, ...]) -> tuple[Unpacked, ...]:
    """The libraries of the lock."""
    # Imported here: most tools have none.
    from mpp.author.vendoring.fetching import Pip, fetch  # noqa: PLC0415
    from mpp.author.vendoring.wheels import unpack  # noqa: PLC0415

    wheels = fetch(pins, job.cache, Pip(env=os.environ), job.progress)
    return tuple(unpack(wheels[pin.name], pin) for pin in pins)


def _own(job: Job) -> dict[str, bytes]:
    entry_of(job)
    names = [name for name in matching_files(job.root, (f"{SOURCES}/**",)) if not name.endswith(_LEFT_OUT) and "__pycache__" not in name.split("/")]
    if job.manifest.runtime.entrypoint not in names:
        words = f"{job.manifest.runtime.entrypoint} is not there"
        raise Refused(
            "project.entrypoint", words, where="/runtime/entrypoint", hint=f"write the tool into {SOURCES}/main.py, or mend the entrypoint in manifest.json"
        )
    return {name: read_bounded(os.path.join(job.root, name), FILE_BYTES_MAX) for name in names}


def _libraries(unpacked: tuple[Unpacked, ...]) -> dict[str, bytes]:
    """Attack: one dependency that brings a module of another, and is imported in its place."""
    found: dict[str, bytes] = {}
    whose: dict[str, str] = {}
    room = SOURCES_BYTES_MAX
    for one in unpacked:
        for name, data in one.files.items():
            top = name.partition("/")[0]
            if name in found and found[name] != data:
                raise Refused("project.wheel", f"{one.name} and {whose[name]} both bring {name}", where=f"{LIBRARIES}/{name}", hint="take one of them")
            if top.removesuffix(".py") == PACKAGE:
                raise Refused("project.wheel", f"{one.name} brings {PACKAGE}, which comes with MPP", where=f"{LIBRARIES}/{name}", hint="take another library")
            found[name], whose[name] = data, one.name
            room -= len(data)
    if room < 0:
        raise Refused("project.wheel", f"the dependencies have more than {SOURCES_BYTES_MAX} bytes", where=LIBRARIES, hint="take fewer, or smaller ones")
    return {f"{LIBRARIES}/{name}": data for name, data in found.items()}


def _check_names(own: Mapping[str, bytes], libraries: Mapping[str, bytes]) -> None:
    """An own module hides a dependency of the same name, and nobody sees why it does not work."""
    tops = {name.split("/")[1].removesuffix(".py") for name in libraries if name.endswith(".py")} | {PACKAGE}
    for name in own:
        parts = name.split("/")
        if name.endswith(".py") and parts[1].removesuffix(".py") in tops:
            raise Refused("project.path", f"hides the dependency {parts[1].removesuffix('.py')}", where=name, hint="rename the module")


def _late(*all_looked: Looked) -> frozenset[str]:
    return frozenset().union(*(looked.imported for looked in all_looked))
