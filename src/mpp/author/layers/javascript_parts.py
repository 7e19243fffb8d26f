"""What the JavaScript layer changes in the sources of QuickJS, as data, and the text of its boot program.

QuickJS measures recursion by the memory that its frames take. In WebAssembly most of a frame stands in the engine's own stack, where nothing can measure it,
so functions that recurse get a piece of memory as large as their part of that stack. Sizes are measured: a deep recursion of each kind must end as an error
and not as a trap (tests/attack has them).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from mpp.author.layers.limits import MODULE_SOURCE_BYTES_MAX
from mpp.errors import HostFailed
from mpp.files import read_bounded

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "javascript")

STACK_BYTES = 430_000
"""Bytes of JavaScript stack. Reason: frames take at most as much of the engine's 512 KiB, of which calls from the host need a part."""

FRAMES: Mapping[str, Mapping[str, int]] = {
    "quickjs.c": {
        "JS_CallInternal": 450, "JS_GetPropertyInternal": 256, "js_call_c_function": 800, "async_func_resume": 800, "__JS_EvalInternal": 1400,
        "JS_FlattenIntoArray": 512, "js_json_to_str": 512, "json_parse_value": 256, "internalize_json_property": 384, "js_create_function": 512,
        "js_parse_assign_expr2": 1792, "js_parse_unary": 256, "js_parse_postfix_expr": 512, "js_parse_statement_or_decl": 384, "js_parse_function_decl2": 512,
        "js_parse_class": 512, "js_parse_template": 512, "js_proxy_get": 512, "js_proxy_set": 768, "js_proxy_has": 512, "js_proxy_get_own_property": 768,
        "js_proxy_define_own_property": 768, "js_proxy_delete_property": 512, "js_proxy_get_own_property_names": 768, "js_proxy_get_prototype": 512,
        "js_proxy_set_prototype": 512, "js_proxy_is_extensible": 512, "js_proxy_prevent_extensions": 512, "js_proxy_call": 512, "js_proxy_call_constructor": 512,
    },
    "libregexp.c": {"re_parse_disjunction": 512, "re_parse_term": 512},
}  # fmt: skip
"""File -> function -> bytes of memory that each of its frames takes up."""

WORDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    # What other engines say, and what programs look for.
    "quickjs.c": (('JS_ThrowInternalError(ctx, "stack overflow")', 'JS_ThrowRangeError(ctx, "Maximum call stack size exceeded")'),),
    "libregexp.c": (),
}
"""File -> pieces of text that stand there once, and what stands there then."""

_FRAME = '#include "frame.h"\n'


def changed(name: str, text: str) -> str:
    """A file of QuickJS as the layer compiles it. Attack on ourselves: another version in which a piece is not found must not be built without it."""
    for old, new in WORDS[name]:
        if text.count(old) != 1:
            raise HostFailed("host.compiler_failed", f"{name} of this version of QuickJS is another than this recipe knows: {old}", where=name, hint=_HINT)
        text = text.replace(old, new)
    for function, size in FRAMES[name].items():
        found = list(re.finditer(rf"^[A-Za-z_][\w *]*\b{function}\([^;{{}}]*\)\n\{{\n", text, re.MULTILINE))
        if len(found) != 1:
            raise HostFailed("host.compiler_failed", f"{name} of this version of QuickJS has no one function {function}", where=name, hint=_HINT)
        text = f"{text[: found[0].end()]}    LAYER_FRAME({size});\n{text[found[0].end() :]}"
    return _FRAME + text


_HINT = "this recipe was written for QuickJS 2025-04-26: take that version, or a finished layer: mpp layer install FILE"


def boot_program() -> str:
    """The files of boot/ as one program: a function of the native functions that gives the hooks."""
    folder = os.path.join(FOLDER, "boot")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".js"))
    files = [read_bounded(os.path.join(folder, name), MODULE_SOURCE_BYTES_MAX).decode("utf-8").rstrip() for name in names]
    calls = "".join(f"{text}(native, shared);\n" for text in files)
    return f'"use strict";(function (native) {{ const shared = {{ hooks: {{}} }};\n{calls}return shared.hooks; }})'


def boot_header(program: str) -> str:
    """The program as a table of bytes in C, with a zero at its end."""
    data = program.encode("utf-8")
    return f"static const char boot_source[] = {{{','.join(map(str, data))},0}};\nenum {{ boot_size = {len(data)} }};\n"
