"""The generated sources of SQLite: numbers, flags, names, and the public header."""

from __future__ import annotations

from mpp.author.layers.sqlite_sources import number_opcodes, read_opcodes, read_source_id, write_header, write_opcodes

VDBE = """
case OP_Goto: {             /* jump */
case OP_Init: {          /* jump0 */
case OP_Transaction: {
case OP_Add:                   /* same as TK_PLUS, in1, in2, out3 */
case OP_SeekLT:         /* jump0, in3, group, ncycle */
case OP_First: /* group */
case OP_Last:   /* group, out2 */
case OP_Other: {
case OP_Noop: {
default: {          /* This is really OP_Noop, OP_Explain */
case OP_Abortable:   {
"""
PARSE = "#define TK_SEMI 1\n#define TK_PLUS 4\n"


def test_numbers_follow_tokens_then_the_resolved_then_jumps_then_groups():
    numbers = number_opcodes(read_opcodes(VDBE), {"TK_PLUS": 4})
    assert numbers["OP_Add"] == 4
    assert sorted((numbers["OP_Init"], numbers["OP_Transaction"])) == [0, 1]
    assert sorted((numbers["OP_Goto"], numbers["OP_SeekLT"])) == [2, 3]
    assert numbers["OP_Last"] == numbers["OP_First"] + 1
    assert numbers["OP_Abortable"] == max(numbers.values())
    assert len(set(numbers.values())) == len(numbers)


def test_a_group_steps_over_numbers_that_are_taken():
    opcodes = read_opcodes("case OP_A: /* group */\ncase OP_B: /* group */\ncase OP_C: /* same as TK_X */\n")
    numbers = number_opcodes(opcodes, {"TK_X": 1})
    assert (numbers["OP_A"], numbers["OP_B"], numbers["OP_C"]) == (2, 3, 1)
    assert numbers["OP_Noop"] == 0


def test_the_header_and_the_names():
    header, code = write_opcodes(PARSE, VDBE)
    assert "#define OP_Add 4\n" in header
    assert "#define OPFLG_JUMP0 0x80\n" in header
    flags = header.partition("OPFLG_INITIALIZER {")[2].partition("}")[0].split(", ")
    assert flags[4] == "0x26"
    assert flags[0] == "0x81"
    assert "#define SQLITE_MX_JUMP_OPCODE 3\n" in header
    assert '"Init", "Transaction", "Goto", "SeekLT", "Add"' in code


def test_numbers_without_an_opcode_have_a_name_that_says_so():
    header, code = write_opcodes("#define TK_PLUS 9\n", VDBE)
    assert "OP_NotUsed_" not in code
    assert "#define OP_Add 9\n" in header
    _, code = write_opcodes("#define TK_PLUS 40\n", VDBE)
    assert '"NotUsed_39", "Add"' in code


def test_the_public_header():
    template = '#define V "--VERS--"\n#define N --VERSION-NUMBER--\n#define S "--SOURCE-ID--"\nint sqlite3_open(\n  const char *a);\nsqlite3_int64 *sqlite3_x(void);\nextern const char sqlite3_version[];  \ntypedef struct sqlite3 sqlite3;\n'
    assert write_header(template, "3.46.1", "2024 abc").splitlines() == [
        '#define V "3.46.1"', "#define N 3046001", '#define S "2024 abc"', "SQLITE_API int sqlite3_open(", "  const char *a);", "SQLITE_API sqlite3_int64 * sqlite3_x(void);",
        "SQLITE_API extern const char sqlite3_version[];", "typedef struct sqlite3 sqlite3;",
    ]  # fmt: skip


def test_the_source_id():
    assert read_source_id("C x\nD 2024-08-13T09:16:08.123\n", "c9c2ab\n") == "2024-08-13 09:16:08 c9c2ab"
    assert read_source_id("", "c9c2ab\n") == "c9c2ab"
