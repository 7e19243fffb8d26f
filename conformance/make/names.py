"""Check 3: names of members. Each package is signed with its odd name, so nothing but the name is wrong."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.make.build import files, package
from conformance.make.case import Case, refuse

# One case a line, however long.
# fmt: off

LONG = "a" * 100

# Name of the case, what it is, the name (Latin-1, one character a byte), code, clauses.
NAMES: tuple[tuple[str, str, str, str, str], ...] = (
    ("parent", "'..' at the beginning", "../evil", "traversal", "A-32"),
    ("parent-alone", "'..' alone", "..", "traversal", "A-32"),
    ("parent-middle", "'..' in the middle", "a/../../evil", "traversal", "A-32"),
    ("parent-end", "'..' at the end", "a/..", "traversal", "A-32"),
    ("parent-harmless", "'..' that stays inside", "a/../evil", "traversal", "A-32"),
    ("parent-backslash", "'..' with a backslash", "..\\evil", "form", "A-35"),
    ("parent-percent", "'..' in percent encoding", "%2e%2e/evil", "form", "A-35"),
    ("parent-overlong", "'..' with an overlong UTF-8 slash", "..\xc0\xafevil", "form", "A-35"),
    ("parent-fullwidth", "'..' with a full-width slash in UTF-8", "..\xef\xbc\x8fevil", "form", "A-35"),
    ("parent-space", "'..' and a space", ".. /evil", "form", "A-35"),
    ("three-dots", "three dots", ".../evil", "form", "A-35"),
    ("here", "'.' at the beginning", "./evil", "form", "A-35"),
    ("here-middle", "'.' in the middle", "a/./evil", "form", "A-35"),
    ("here-alone", "'.' alone", ".", "form", "A-35"),
    ("absolute", "an absolute name", "/etc/passwd", "absolute", "A-31"),
    ("absolute-double", "two slashes at the beginning", "//server/share", "absolute", "A-31"),
    ("absolute-root", "the root alone", "/", "absolute", "A-31"),
    ("drive", "a drive", "C:/evil", "absolute", "A-31"),
    ("drive-backslash", "a drive with a backslash", "C:\\evil", "absolute", "A-31"),
    ("drive-relative", "a drive without a slash", "c:evil", "absolute", "A-31"),
    ("stream-one-letter", "a stream of a file of one letter", "a:evil", "absolute", "A-31"),
    ("stream", "an alternate data stream", "file.txt:evil", "form", "A-35"),
    ("backslash", "a backslash between components", "a\\evil", "form", "A-35"),
    ("backslash-server", "a server with backslashes", "\\\\server\\share", "form", "A-35"),
    ("device-path", "a Windows device path", "\\\\?\\C:\\evil", "form", "A-35"),
    ("empty", "no name at all", "", "length", "A-30"),
    ("slash-double", "two slashes in the middle", "a//evil", "form", "A-35"),
    ("folder", "a folder, as its slash at the end says", "folder/", "form", "A-35"),
    ("nul", "a NUL in the middle", "good.txt\0.exe", "form", "A-35"),
    ("nul-end", "a NUL at the end", "evil\0", "form", "A-35"),
    ("line-feed", "a line feed", "a\nb", "form", "A-35"),
    ("carriage-return", "a carriage return", "a\rb", "form", "A-35"),
    ("escape", "an escape sequence for terminals", "a\x1b[31mb", "form", "A-35"),
    ("delete", "the control character 7F", "a\x7fb", "form", "A-35"),
    ("tab", "a tab", "a\tb", "form", "A-35"),
    ("dot-end", "a dot at the end", "evil.", "form", "A-35"),
    ("dot-end-folder", "a dot at the end of a folder", "evil./a", "form", "A-35"),
    ("space-end", "a space at the end", "evil ", "form", "A-35"),
    ("space-begin", "a space at the beginning", " evil", "form", "A-35"),
    ("space", "a space in the middle", "a b", "form", "A-35"),
    ("hidden", "a dot at the beginning", ".bashrc", "form", "A-35"),
    ("option", "a dash at the beginning", "-rf", "form", "A-35"),
    ("option-inside", "a dash at the beginning of a component", "a/--force", "form", "A-35"),
    ("plus", "a plus at the beginning", "+x", "form", "A-35"),
    ("tilde", "a tilde at the beginning", "~root", "form", "A-35"),
    ("short-name", "a short name of Windows", "PROGRA~1", "form", "A-35"),
    ("star", "a star", "a*", "form", "A-35"),
    ("question-mark", "a question mark", "a?", "form", "A-35"),
    ("quote", "a quotation mark", 'a"b', "form", "A-35"),
    ("pipe", "a vertical bar", "a|b", "form", "A-35"),
    ("dollar", "a shell variable", "$HOME", "form", "A-35"),
    ("umlaut-utf8", "a letter outside ASCII, in UTF-8", "\xc3\xa9", "form", "A-35"),
    ("umlaut-latin", "a letter outside ASCII, in Latin-1", "\xe9", "form", "A-35"),
    ("umlaut-inside", "a letter outside ASCII inside", "caf\xc3\xa9.txt", "form", "A-35"),
    ("direction", "a mark that turns the direction of reading", "a\xe2\x80\xaetxt.exe", "form", "A-35"),
    ("zero-width", "a character without width", "a\xe2\x80\x8bb", "form", "A-35"),
    ("byte-order-mark", "a byte-order mark", "\xef\xbb\xbfa", "form", "A-35"),
    ("device-con", "the device CON", "CON", "device", "A-36"),
    ("device-nul-extension", "the device NUL with an extension", "nul.txt", "device", "A-36"),
    ("device-aux-folder", "the device AUX as a folder", "a/aux/b", "device", "A-36"),
    ("device-com1", "the device COM1 with two extensions", "Com1.tar.gz", "device", "A-36"),
    ("device-lpt9", "the device LPT9", "lpt9", "device", "A-36"),
    ("device-com0", "the device COM0", "com0.log", "device", "A-36"),
    ("device-conin", "the device CONIN$", "CONIN$", "form", "A-35"),
    ("component-101", "a component of 101 bytes", LONG + "a", "length", "A-34"),
    ("name-241", "a name of 241 bytes", f"{LONG}/{LONG}/{'a' * 39}", "length", "A-30"),
    ("depth-17", "17 components", "/".join("abcdefghijklmnopq"), "depth", "A-33"),
    ("reserved", "an unknown name below _mpp/", "_mpp/other.json", "reserved", "A-37"),
    ("reserved-case", "a name below _MPP/", "_MPP/publisher.json", "reserved", "A-37"),
    ("reserved-deeper", "a name below a name of the format", "_mpp/sbom.cdx.json/a", "reserved", "A-37"),
    ("reserved-signature", "another signature below _mpp/", "_mpp/signature.json", "reserved", "A-37"),
    ("reserved-folder", "a file where the folder _mpp must stand", "_mpp", "reserved", "A-37"),
    ("reserved-folder-case", "a file called _Mpp", "_Mpp", "reserved", "A-37"),
    ("collision-manifest", "the manifest in upper case, once more", "MANIFEST.JSON", "collision", "A-38"),
    ("collision-file", "README.md in lower case, once more", "readme.md", "collision", "A-38"),
    ("collision-folder", "a file where a folder must stand", "bin", "collision", "A-38"),
    ("collision-folder-case", "a file where a folder must stand, in another case", "BIN", "collision", "A-38"),
    ("collision-below-file", "a file as a folder", "README.md/a", "collision", "A-38"),
    ("collision-in-folder-case", "a file of the same name in a folder of another case", "Bin/main.wasm", "collision", "A-38"),
)


def cases() -> Iterator[Case]:
    """One case for each name."""
    for case, words, name, code, clauses in NAMES:
        yield refuse(f"archive/name-{case}", f"A member name with {words}" if not words.startswith("no ") else "A member without a name", clauses, f"path.{code}", package(files(extra={name: b"x"})))
