"""Read a core module: every section but the bodies of functions, which the engine validates when it compiles.

Sections come in one fixed order, so whatever an index points to was read before. Spec: spec/2-gatekeeper.md W-3 to W-15.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from mpp.model.jsontext import shown
from mpp.stages.gatekeeper import wasm_limits as limits
from mpp.stages.gatekeeper.wasm_parts import Cursor, Export, Import, WasmShape

ORDER = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)
"""Section ids in the order in which they must stand; 0, custom, may stand anywhere."""

KINDS = ("function", "table", "memory", "global", "tag")

VALUE_LETTERS = {0x7F: "i", 0x7E: "I", 0x7D: "f", 0x7C: "F", 0x7B: "v", 0x70: "c", 0x6F: "x", 0x69: "e"}
"""Value types as letters: i32, i64, f32, f64, v128, funcref, externref, exnref."""

REFERENCES = frozenset((0x70, 0x6F, 0x69))
_VALUES = bytes(VALUE_LETTERS)
_LETTERS = bytes.maketrans(_VALUES, "".join(VALUE_LETTERS.values()).encode())
_ARITHMETIC = frozenset((0x6A, 0x6B, 0x6C, 0x7C, 0x7D, 0x7E))
_ONE_MEMORY = "compile for wasm32 with one memory of its own, without threads"
_SMALLER_TABLES = "use fewer and smaller tables"
_PLAIN = "compile without the garbage collection and typed reference proposals"


class CoreReader:
    """State of one reading; used once."""

    def __init__(self, view: memoryview) -> None:
        self.cursor = Cursor(view, 8)
        self.types: list[tuple[bytes, bytes]] = []
        self.imports: list[Import] = []
        self.exports: list[Export] = []
        self.function_types: list[int] = []
        self.counts = dict.fromkeys(KINDS, 0)
        self.memory: tuple[int, int | None] | None = None
        self.imported_functions = 0
        self.table_items = 0
        self.element_items = 0
        self.segments = 0
        self.stated_segments: int | None = None
        self.bodies = 0
        self.const_ops = 0
        self.custom: list[str] = []
        self.has_start = False
        self.variables: dict[int, str] = {}
        self.exported_globals: set[int] = set()

    def read(self) -> WasmShape:
        cursor = self.cursor
        size = cursor.end
        reached = -1
        while cursor.at < size:
            cursor.where = "file"
            number = cursor.byte()
            length = cursor.u32()
            if length > size - cursor.at:
                cursor.fault("truncated", "the file ends inside a section")
            cursor.end = cursor.at + length
            if number == 0:
                self._custom()
            else:
                reached = self._section(number, reached)
            cursor.end = size
        self._check_counts()
        return self._shape(size)

    def _section(self, number: int, reached: int) -> int:
        """Spec: W-4. Attack: two readers that disagree on unknown, repeated or unread parts see two modules."""
        cursor = self.cursor
        if number not in self.SECTIONS:
            cursor.fault("section", f"unknown section {number}")
        place = ORDER.index(number)
        cursor.where, read = self.SECTIONS[number]
        if place <= reached:
            cursor.fault("section", "the section stands twice or out of order")
        read(self)
        if cursor.at != cursor.end:
            cursor.fault("section", "the section is longer than what it holds")
        return place

    def _custom(self) -> None:
        cursor = self.cursor
        cursor.where = "custom section"
        if len(self.custom) == limits.CUSTOM_SECTIONS_MAX:
            cursor.fault("limit", f"more than {limits.CUSTOM_SECTIONS_MAX} custom sections", "strip the tool")
        self.custom.append(cursor.name())
        cursor.at = cursor.end

    def _check_counts(self) -> None:
        """Spec: W-7."""
        cursor = self.cursor
        cursor.where = "file"
        defined = self.counts["function"] - self.imported_functions
        if self.bodies != defined:
            cursor.fault("count", f"{defined} functions are declared and {self.bodies} have a body")
        if self.stated_segments not in (None, self.segments):
            cursor.fault("count", f"{self.stated_segments} data segments are announced and {self.segments} are there")

    def _shape(self, size: int) -> WasmShape:
        lowest, highest = self.memory or (None, None)
        return WasmShape(
            form="core",
            size=size,
            functions=self.bodies,
            imports=tuple(self.imports),
            exports=tuple(self.exports),
            memory_min_pages=lowest,
            memory_max_pages=highest,
            tables=self.counts["table"],
            globals=self.counts["global"],
            data_segments=self.segments,
            custom_sections=tuple(self.custom),
            has_start=self.has_start,
            variables="".join(letter for number, letter in self.variables.items() if number in self.exported_globals),
            hidden_variables=len(self.variables.keys() - self.exported_globals),
        )

    # Sections, in their order.

    def _types(self) -> None:
        cursor = self.cursor
        for _ in range(cursor.count(limits.TYPES_MAX, "types")):
            if cursor.byte() != 0x60:
                cursor.fault("type", "a type is not a function type", _PLAIN)
            self.types.append((self._values("parameters"), self._values("results")))

    def _values(self, what: str) -> bytes:
        values = self.cursor.take(self.cursor.count(limits.TYPE_VALUES_MAX, what))
        if values.translate(None, _VALUES):
            self.cursor.fault("type", "a value type is not known", _PLAIN)
        return values

    def _signature(self, function: int) -> str:
        """Spec: W-9."""
        parameters, results = self.types[self.function_types[function]]
        return str(parameters.translate(_LETTERS) + b":" + results.translate(_LETTERS), "ascii")

    def _imports(self) -> None:
        cursor = self.cursor
        describe = (self._function, self._table, self._memory, self._imported_global, self._tag)
        for _ in range(cursor.count(limits.IMPORTS_MAX, "imports")):
            module, name, kind = cursor.name(), cursor.name(), cursor.byte()
            if kind >= len(KINDS):
                cursor.fault("type", f"unknown kind of import {kind}")
            describe[kind]()
            signature = self._signature(-1) if kind == 0 else ""
            self.imports.append(Import(module=module, name=name, kind=KINDS[kind], signature=signature))
        self.imported_functions = self.counts["function"]

    def _function(self) -> None:
        self.function_types.append(self._index(len(self.types), "type"))
        self.counts["function"] += 1

    def _functions(self) -> None:
        for _ in range(self.cursor.count(limits.FUNCTIONS_MAX, "functions")):
            self._function()

    def _table(self) -> None:
        cursor = self.cursor
        if cursor.byte() not in REFERENCES:
            cursor.fault("type", "the item type of a table is not known", _PLAIN)
        flags = cursor.byte()
        if flags > 1:
            cursor.fault("table", "a table is shared or 64-bit", _ONE_MEMORY)
        lowest, _ = self._limits(flags)
        self.counts["table"] += 1
        self.table_items += lowest
        if self.counts["table"] > limits.TABLES_MAX or self.table_items > limits.TABLE_ITEMS_MAX:
            cursor.fault("limit", f"more than {limits.TABLES_MAX} tables or {limits.TABLE_ITEMS_MAX} items in them", _SMALLER_TABLES)

    def _tables(self) -> None:
        for _ in range(self.cursor.count(limits.TABLES_MAX, "tables")):
            self._table()

    def _memory(self) -> None:
        """Spec: W-8. Attack: a shared or second memory escapes the one limit that the host sets."""
        cursor = self.cursor
        flags = cursor.byte()
        if flags > 1:
            cursor.fault("memory", "the memory is shared, 64-bit or has pages of another size", _ONE_MEMORY)
        if self.memory is not None:
            cursor.fault("memory", "there is more than one memory", _ONE_MEMORY)
        lowest, highest = self._limits(flags)
        if max(lowest, highest or 0) > limits.MEMORY_PAGES_MAX:
            cursor.fault("memory", f"the memory has more than {limits.MEMORY_PAGES_MAX} pages", _ONE_MEMORY)
        self.memory = lowest, highest
        self.counts["memory"] = 1

    def _memories(self) -> None:
        for _ in range(self.cursor.u32()):  # a second one is refused
            self._memory()

    def _limits(self, flags: int) -> tuple[int, int | None]:
        lowest = self.cursor.u32()
        highest = self.cursor.u32() if flags else None
        if highest is not None and lowest > highest:
            self.cursor.fault("number", "a minimum is above its maximum")
        return lowest, highest

    def _tag(self) -> None:
        if self.cursor.byte() != 0:
            self.cursor.fault("type", "the attribute of a tag is not known")
        self._index(len(self.types), "type")
        self.counts["tag"] += 1

    def _tags(self) -> None:
        for _ in range(self.cursor.count(limits.TAGS_MAX, "tags")):
            self._tag()

    def _global(self) -> None:
        cursor = self.cursor
        letter = VALUE_LETTERS.get(cursor.byte())
        if letter is None:
            cursor.fault("type", "the type of a global is not known", _PLAIN)
        is_variable = cursor.byte()
        if is_variable > 1:
            cursor.fault("type", "a global is neither constant nor variable", _PLAIN)
        if is_variable:
            self.variables[self.counts["global"]] = letter

    def _imported_global(self) -> None:
        self._global()
        self.counts["global"] += 1

    def _globals(self) -> None:
        for _ in range(self.cursor.count(limits.GLOBALS_MAX, "globals")):
            # The count grows last: an initial value may use earlier globals and not itself.
            self._global()
            self._expression()
            self.counts["global"] += 1

    def _exports(self) -> None:
        cursor = self.cursor
        seen: set[str] = set()
        for _ in range(cursor.count(limits.EXPORTS_MAX, "exports")):
            name, kind = cursor.name(), cursor.byte()
            if kind >= len(KINDS):
                cursor.fault("type", f"unknown kind of export {kind}")
            index = self._index(self.counts[KINDS[kind]], KINDS[kind])
            # Attack: of two exports of one name, the check looks at one and the host calls the other.
            if name in seen:
                cursor.fault("duplicate", f"the export {shown(name)!r} stands twice")
            seen.add(name)
            if KINDS[kind] == "global":
                self.exported_globals.add(index)
            signature = self._signature(index) if kind == 0 else ""
            self.exports.append(Export(name=name, kind=KINDS[kind], signature=signature))

    def _start(self) -> None:
        if self._signature(self._index(self.counts["function"], "function")) != ":":
            self.cursor.fault("type", "the start function takes or gives values")
        self.has_start = True

    def _elements(self) -> None:
        cursor = self.cursor
        for _ in range(cursor.count(limits.SEGMENTS_MAX, "element segments")):
            flags = cursor.u32()
            if flags > 7:
                cursor.fault("segment", f"unknown kind of element segment {flags}")
            # Bit 0: not placed by itself; bit 1: names a table, or is declared only; bit 2: items are expressions.
            if not flags & 1:
                self._index(self.counts["table"], "table") if flags & 2 else self._implied("table")
                self._expression()
            if flags & 3:
                self._element_kind(by_expression=flags > 3)
            self._element_items(by_expression=flags > 3)

    def _element_kind(self, *, by_expression: bool) -> None:
        kind = self.cursor.byte()
        if kind not in REFERENCES if by_expression else kind != 0:
            self.cursor.fault("segment", "the item type of an element segment is not known", _PLAIN)

    def _element_items(self, *, by_expression: bool) -> None:
        items = self.cursor.count(limits.ELEMENT_ITEMS_MAX - self.element_items, "more element items")
        self.element_items += items
        functions = self.counts["function"]
        for _ in range(items):
            if by_expression:
                self._expression()
            else:
                self._index(functions, "function")

    def _data_count(self) -> None:
        self.stated_segments = self.cursor.count(limits.SEGMENTS_MAX, "data segments")

    def _code(self) -> None:
        cursor = self.cursor
        view = cursor.view
        self.bodies = cursor.count(limits.FUNCTIONS_MAX, "function bodies")
        for _ in range(self.bodies):
            length = cursor.u32()
            cursor.skip(length)
            # The shortest body has no locals and ends at once.
            if length < 2 or view[cursor.at - 1] != 0x0B:
                cursor.fault("body", "a function body does not end where it says")

    def _data(self) -> None:
        cursor = self.cursor
        self.segments = cursor.count(limits.SEGMENTS_MAX, "data segments")
        for _ in range(self.segments):
            flags = cursor.u32()
            if flags > 2:
                cursor.fault("segment", f"unknown kind of data segment {flags}")
            if flags != 1:
                self._index(self.counts["memory"], "memory") if flags else self._implied("memory")
                self._expression()
            cursor.skip(cursor.u32())

    def _implied(self, kind: str) -> None:
        if not self.counts[kind]:
            self.cursor.fault("index", f"a segment is placed in {kind} 0, which is not there")

    def _index(self, bound: int, what: str) -> int:
        index = self.cursor.u32()
        if index >= bound:
            self.cursor.fault("index", f"{what} {index} is used, there are {bound}")
        return index

    def _expression(self) -> None:
        """Spec: W-10. A constant expression: bounded in length, and nothing in it but what has a fixed value."""
        cursor = self.cursor
        first = self.const_ops
        while (op := cursor.byte()) != 0x0B:
            self.const_ops += 1
            if self.const_ops > limits.CONST_OPS_MAX:
                cursor.fault("limit", f"more than {limits.CONST_OPS_MAX} instructions in constant expressions", "use plainer initial values")
            self._constant(op)
        if self.const_ops == first:
            cursor.fault("expression", "a constant expression is empty")

    def _constant(self, op: int) -> None:
        cursor = self.cursor
        if op == 0x41:
            cursor.skip_signed(32)
        elif op == 0x42:
            cursor.skip_signed(64)
        elif op in (0x43, 0x44):
            cursor.skip(4 if op == 0x43 else 8)
        elif op == 0x23:
            self._index(self.counts["global"], "global")
        elif op == 0xD2:
            self._index(self.counts["function"], "function")
        elif op not in _ARITHMETIC and not self._wide_constant(op):
            cursor.fault("expression", f"instruction 0x{op:02x} is not constant", _PLAIN)

    def _wide_constant(self, op: int) -> bool:
        """A null reference or a 128-bit constant."""
        if op == 0xD0:
            return self.cursor.byte() in REFERENCES
        if op == 0xFD and self.cursor.u32() == 12:
            self.cursor.skip(16)
            return True
        return False

    SECTIONS: ClassVar[dict[int, tuple[str, Callable[[CoreReader], None]]]] = {
        1: ("type section", _types),
        2: ("import section", _imports),
        3: ("function section", _functions),
        4: ("table section", _tables),
        5: ("memory section", _memories),
        6: ("global section", _globals),
        7: ("export section", _exports),
        8: ("start section", _start),
        9: ("element section", _elements),
        10: ("code section", _code),
        11: ("data section", _data),
        12: ("data count section", _data_count),
        13: ("tag section", _tags),
    }
    """Each section's name and reader. Plain functions, so that a reader is in no cycle and frees its bytes at once."""
