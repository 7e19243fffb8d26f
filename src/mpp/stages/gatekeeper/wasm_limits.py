"""Limits of the static WebAssembly rules. Together they bound one reading to well under a second."""

from __future__ import annotations

from mpp.limits import MIB

WASM_BYTES_MAX = 64 * MIB
"""Bytes of one WebAssembly file. Reason: bounds memory while verifying and the time an engine needs to compile it."""

FUNCTIONS_MAX = 100_000
"""Functions that a module defines. Reason: bounds compile time; an interpreter has about 20,000."""

TYPES_MAX = 10_000
"""Function types of a module. Reason: bounds the work per file; large real modules have about 2,000."""

TYPE_VALUES_MAX = 1_000
"""Parameters, and likewise results, of one function type. Reason: engines refuse more."""

IMPORTS_MAX = 1_000
"""Imports. Reason: all names we allow together are fewer than 100; the rest is room for a useful refusal."""

EXPORTS_MAX = 10_000
"""Exports. Reason: bounds memory for names; a tool needs two."""

NAME_BYTES_MAX = 1_024
"""UTF-8 bytes of one name. Reason: names are shown and kept; with EXPORTS_MAX this bounds them to 10 MiB."""

TABLES_MAX = 16
"""Tables. Reason: each costs memory before the first instruction; compilers emit one."""

TABLE_ITEMS_MAX = 1_000_000
"""Items that all tables have at the start. Reason: tables are not counted as linear memory, and 8 MiB is enough."""

GLOBALS_MAX = 10_000
"""Globals. Reason: bounds the work per file; compilers emit tens."""

TAGS_MAX = 1_000
"""Exception tags. Reason: bounds the work per file; compilers emit one or two."""

SEGMENTS_MAX = 10_000
"""Data segments, and likewise element segments. Reason: bounds the work per file and at each start of a tool."""

ELEMENT_ITEMS_MAX = 200_000
"""Items of all element segments. Reason: bounds the work per file; a function table lists each function about once."""

CONST_OPS_MAX = 200_000
"""Instructions of all constant expressions. Reason: bounds the work per file; a segment or global has one or two."""

CUSTOM_SECTIONS_MAX = 256
"""Custom sections. Reason: bounds memory for names; a module with debug information has about 20."""

COMPONENT_SECTIONS_MAX = 10_000
"""Sections at the top level of a component. Reason: bounds the work per file; composed components have hundreds."""

MEMORY_PAGES_MAX = 65_536
"""Pages of 64 KiB in a 32-bit memory. Reason: the address space ends there."""

PAGES_PER_MIB = 16
"""Pages of 64 KiB in one MiB. Reason: memory limits are stated in MiB, memories in pages."""
