"""``mpp layer build``."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from typing import Protocol

import click

from mpp.author.development import seal_for_development
from mpp.author.keys import CHAIN_FILE, key_is_sealed, load_chain, load_signer
from mpp.author.sign import sign_package
from mpp.cli.agreeing import told
from mpp.cli.layer.shared import put_in_place, shown_path, the_layers
from mpp.cli.options import home, json_option, passphrase_option, read_passphrase
from mpp.cli.screen import mark, put_json, say, TICK
from mpp.cli.store.progress import Working
from mpp.errors import Refused
from mpp.files import write_atomic
from mpp.host.layers import judge_file, JudgedLayer
from mpp.host.layers.judging import vouched
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import shown
from mpp.stages.gatekeeper import NO_TRUST


class BuiltLayer(Protocol):
    """What a recipe gives: an unsigned package."""

    @property
    def data(self) -> bytes: ...

    @property
    def name(self) -> str: ...

    @property
    def content_hash(self) -> str: ...


Recipe = Callable[..., BuiltLayer]


@click.command(name="build")
@click.argument("name")
@click.option(
    "-k", "--key", default=None, type=click.Path(dir_okay=False), help="Sign it with this release key, to hand it on. [default: a key for development]"
)
@click.option("-o", "--output", default=None, type=click.Path(dir_okay=False), help="Also write the signed layer to this file.")
@passphrase_option
@json_option
def command(name: str, key: str | None, output: str | None, passphrase_file: str | None, as_json: bool) -> None:
    """Build the layer NAME (python, javascript) from its sources, sign it and install it. This takes minutes the first time.

    The content hash, by which tools name it, does not depend on who signs it.

    \b
    Examples:
      mpp layer build python
      mpp layer build python -k ~/.mpp/keys/publisher.key -o mpp-layer-python.mpp

    \b
    Exit code:
      0   built and installed
      3   a tool that it needs is missing, or the key is not right
      17  what was built breaks the rules for layers
      31  there is no such layer
    """
    with Working("building", quiet=as_json) as work:
        data = _signed(_made(name, _quiet if as_json else work.tell), key, passphrase_file)
    judged = judge_file(data, vouched(NO_TRUST, data), SystemClock().now())
    if output is not None:
        write_atomic(output, data)
    is_new, megabytes = _kept(judged, data, quiet=as_json)
    ref = judged.ref
    if as_json:
        put_json({"ok": True, "id": ref.id, "version": ref.version, "sha256": ref.sha256, "new": is_new, "file": output or the_layers().path(ref.sha256)})
        return
    say(mark(TICK), f" Built and installed {ref.id} {ref.version}, {len(data) / 1e6:.1f} MB, {megabytes:.1f} MB of code")
    say(f"  content   sha256:{ref.sha256}")
    if output is not None:
        say(f"  file      {shown_path(output)}")


def build_layer(name: str, *, progress: Callable[[str], None], quiet: bool) -> None:
    """Build a layer, seal it with a key for development and install it, as the command does where it is given nothing else."""
    data = _signed(_made(name, progress), None, None)
    _kept(judge_file(data, vouched(NO_TRUST, data), SystemClock().now()), data, quiet=quiet)


def _made(name: str, progress: Callable[[str], None]) -> bytes:
    return _recipe(name)(cache=os.path.join(home().cache, "layers"), progress=progress).data


def _kept(judged: JudgedLayer, data: bytes, *, quiet: bool) -> tuple[bool, float]:
    """Put it in place and say so in the record; whether it is new, and the megabytes of its code."""
    is_new, megabytes = put_in_place(judged, data, quiet=quiet)
    if is_new:
        ref = judged.ref
        told("layer", f"sha256:{ref.sha256} {ref.id} {ref.version}", "built", "")
    return is_new, megabytes


def _recipe(name: str) -> Recipe:
    known = recipes()
    if name not in known:
        raise Refused("layer.kind", f"there is no recipe for a layer {shown(name)!r}", hint="known are: " + (", ".join(sorted(known)) or "none"))
    module, _, function = known[name].partition(":")
    found: Recipe = getattr(importlib.import_module(module), function)
    return found


def recipes() -> Mapping[str, str]:
    """Names of layers that can be built, and where their recipes are."""
    from mpp.author.layers import LAYERS  # noqa: PLC0415 - only this command needs them

    return LAYERS


def _signed(data: bytes, key: str | None, passphrase_file: str | None) -> bytes:
    if key is None:
        return seal_for_development(data, os.path.join(home().cache, "development"), SystemClock(), SystemRandom())[0]
    if not os.path.lexists(key):
        raise Refused("usage.no_file", "there is no key file", where=key, hint="make keys with `mpp keygen`, or name your release key with -k")
    passphrase = read_passphrase(passphrase_file, confirm=False, what=os.path.basename(key)) if key_is_sealed(key) else None
    chain = load_chain(os.path.join(os.path.dirname(key), CHAIN_FILE))
    return sign_package(data, chain, (load_signer(key, "release", passphrase),), SystemClock()).data


def _quiet(_words: str) -> None:
    """A program reads the answer."""
