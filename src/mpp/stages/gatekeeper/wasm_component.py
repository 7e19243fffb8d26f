"""Read the top level of a component: what it imports and exports by name. Spec: spec/2-gatekeeper.md W-20 to W-23.

Nested modules and components are passed over by size: a component reaches the world only through the
imports at its top level, and the engine validates the rest when it compiles.
"""

from __future__ import annotations

from mpp.model.jsontext import shown
from mpp.stages.gatekeeper import wasm_limits as limits
from mpp.stages.gatekeeper.wasm_parts import Cursor, Export, Import, WasmShape

SECTION_LAST = 11
IMPORT_SECTION = 10
EXPORT_SECTION = 11
SORTS = {0: "module", 1: "function", 3: "type", 4: "component", 5: "instance"}
"""What a component can import or export. Values (2) are not part of any released interface."""

_PLAIN = "build for wasm32-wasip2 with a released tool chain"


class ComponentReader:
    """State of one reading; used once."""

    def __init__(self, view: memoryview) -> None:
        self.cursor = Cursor(view, 8)
        self.imports: list[Import] = []
        self.exports: list[Export] = []
        self.import_names: set[str] = set()
        self.export_names: set[str] = set()
        self.custom: list[str] = []

    def read(self) -> WasmShape:
        cursor = self.cursor
        size = cursor.end
        sections = 0
        while cursor.at < size:
            cursor.where = "file"
            sections += 1
            if sections > limits.COMPONENT_SECTIONS_MAX:
                cursor.fault("limit", f"more than {limits.COMPONENT_SECTIONS_MAX} sections", "make the component simpler")
            self._section(size)
        return WasmShape(
            form="component",
            size=size,
            functions=0,
            imports=tuple(self.imports),
            exports=tuple(self.exports),
            memory_min_pages=None,
            memory_max_pages=None,
            tables=0,
            globals=0,
            data_segments=0,
            custom_sections=tuple(self.custom),
            has_start=False,
        )

    def _section(self, size: int) -> None:
        cursor = self.cursor
        number = cursor.byte()
        if number > SECTION_LAST:
            cursor.fault("section", f"unknown section {number}")
        length = cursor.u32()
        if length > size - cursor.at:
            cursor.fault("truncated", "the file ends inside a section")
        cursor.end = cursor.at + length
        if number == IMPORT_SECTION:
            self._imports()
        elif number == EXPORT_SECTION:
            self._exports()
        elif number == 0:
            self._custom()
        else:
            cursor.at = cursor.end
        if cursor.at != cursor.end:
            cursor.fault("section", "the section is longer than what it holds")
        cursor.end = size

    def _custom(self) -> None:
        cursor = self.cursor
        cursor.where = "custom section"
        if len(self.custom) == limits.CUSTOM_SECTIONS_MAX:
            cursor.fault("limit", f"more than {limits.CUSTOM_SECTIONS_MAX} custom sections", "strip the tool")
        self.custom.append(cursor.name())
        cursor.at = cursor.end

    def _imports(self) -> None:
        cursor = self.cursor
        cursor.where = "import section"
        for _ in range(cursor.count(limits.IMPORTS_MAX - len(self.imports), "more imports")):
            name = self._name(self.import_names)
            self.imports.append(Import(module=name, name="", kind=self._description()))

    def _exports(self) -> None:
        cursor = self.cursor
        cursor.where = "export section"
        for _ in range(cursor.count(limits.EXPORTS_MAX - len(self.exports), "more exports")):
            name = self._name(self.export_names)
            kind = self._sort()
            cursor.u32()
            described = cursor.byte()
            if described > 1 or (described == 1 and self._description() != kind):
                cursor.fault("type", "an export is described as something else than it is", _PLAIN)
            self.exports.append(Export(name=name, kind=kind))

    def _name(self, seen: set[str]) -> str:
        """Attack: of two equal names, the check looks at one and the host binds the other."""
        cursor = self.cursor
        if cursor.byte() > 1:
            cursor.fault("name", "a name has a form that is not known", _PLAIN)
        name = cursor.name()
        if name in seen:
            cursor.fault("duplicate", f"the name {shown(name)!r} stands twice")
        seen.add(name)
        return name

    def _sort(self) -> str:
        cursor = self.cursor
        sort = cursor.byte()
        # A core sort has a second byte, and only a module can cross the boundary of a component.
        if sort not in SORTS or (sort == 0 and cursor.byte() != 0x11):
            cursor.fault("type", f"unknown kind of import or export {sort}", _PLAIN)
        return SORTS[sort]

    def _description(self) -> str:
        cursor = self.cursor
        kind = self._sort()
        bound = cursor.byte() if kind == "type" else 0
        if bound > 1:
            cursor.fault("type", "a type is bound in a way that is not known", _PLAIN)
        # A type bound of 1 means a new resource and names no other type.
        if bound == 0:
            cursor.u32()
        return kind
