"""``mpp cache``: the native code that packages were compiled to."""

from __future__ import annotations

import click

from mpp.cli.options import find_package, home, json_option, show_time
from mpp.cli.screen import put_json, say
from mpp.cli.store.progress import Working
from mpp.host.home import Home
from mpp.host.sandbox import native_cache, prepare_package
from mpp.model.jsontext import Json
from mpp.stages.sandbox import ImageCache, NativeCache


@click.group(name="cache", no_args_is_help=True)
def command() -> None:
    """Look at, empty or fill the cache of compiled code, and of images of tools that stand on a layer.

    A package is compiled once for each machine and engine. The cache is sealed with a key of this home; what does not fit
    is compiled again, so it may be cleared at any time.
    """


@command.command(name="list")
@json_option
def list_(as_json: bool) -> None:
    """Show what is cached. "outdated" was made by another engine, setting or processor and is never used.

    \b
    Example:
      mpp cache list --json
    """
    entries, images = tuple(_cache(home()).entries()), ImageCache(home().cache).sizes()
    if as_json:
        rows: list[Json] = [{"wasm_sha256": one.wasm_sha256, "current": one.current, "size": one.size, "modified": one.modified} for one in entries]
        put_json({"ok": True, "folder": _cache(home()).folder, "entries": rows, "images": {"count": images[0], "bytes": images[1]}})
        return
    for one in entries:
        say(f"{one.wasm_sha256[:16]}  {one.size / 1e6:8.2f} MB  {show_time(one.modified)}  {'current' if one.current else 'outdated'}")
    say(f"{len(entries)} entries, {sum(one.size for one in entries) / 1e6:.2f} MB in {_cache(home()).folder}")
    if images[0]:
        say(f"{images[0]} images of tools that stand on a layer, {images[1] / 1e6:.2f} MB")


@command.command()
@click.option("--outdated", is_flag=True, help="Remove only what an earlier engine made.")
@json_option
def clear(outdated: bool, as_json: bool) -> None:
    """Remove cached code and images. The next call of each package makes them again.

    \b
    Example:
      mpp cache clear --outdated
    """
    count, size = _cache(home()).clear(outdated_only=outdated)
    if not outdated:
        # Images fit any engine; they go with the rest.
        images, bytes_ = ImageCache(home().cache).clear()
        count, size = count + images, size + bytes_
    if as_json:
        put_json({"ok": True, "removed": count, "bytes": size})
    else:
        say(f"removed {count} entries, {size / 1e6:.2f} MB")


@command.command()
@click.argument("files", nargs=-1)
@json_option
def warm(files: tuple[str, ...], as_json: bool) -> None:
    """Verify and compile each of FILES (default: the package of the project you are in) before it is called.

    \b
    Example:
      mpp cache warm tools/*.mpp
    """
    from mpp.cli.packages import take_package  # noqa: PLC0415 - brings the gatekeeper

    rows: list[Json] = []
    for file in files or (None,):
        path = find_package(file)
        taken = take_package(path, ask=not as_json)
        with Working("compiling", quiet=as_json):
            done = prepare_package(taken.package, home())
        rows.append({"file": path, "wasm_sha256": done.wasm_sha256, "fresh": done.fresh, "size": done.size, "seconds": round(done.seconds, 3)})
        if not as_json:
            words = f"compiled in {done.seconds:.2f} s" if done.fresh else "was there already"
            say(f"{path}: {words}, {done.size / 1e6:.2f} MB")
    if as_json:
        put_json({"ok": True, "packages": rows})


def _cache(where: Home) -> NativeCache:
    return native_cache(where.cache)
