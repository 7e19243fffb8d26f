"""The ``[privacy]`` table of a policy document, read strictly. Spec: spec/3-policy.md section 10."""

from __future__ import annotations

import ipaddress
import re

from mpp.model.fields import Faults, Fields
from mpp.model.hostpattern import HOST_PATTERN_MAX, read_host_pattern
from mpp.model.jsontext import Json, shown
from mpp.model.limits import DESCRIPTION_MAX, NAME_MAX, PACKAGE_ID_MAX, PATTERNS_MAX, POINTER_MAX, REGEX_CHARS_MAX
from mpp.model.manifest import CustomPattern
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM, TOOL_NAME, TOOL_NAME_FORM
from mpp.model.regexcheck import regex_fault
from mpp.stages.policy.limits import ALLOWED_CHARS_MAX, KEEP_MAX, KEEP_USUAL, PRIVACY_LIST_MAX, PRIVACY_TYPES_MAX, PSEUDONYM_MINUTES_MAX
from mpp.stages.policy.patterns import check_package
from mpp.stages.policy.privacy_rules import (
    ACTIONS,
    ADDRESS_TYPE,
    DEFAULT_TYPE,
    GROUPS,
    NO_PRIVACY,
    OUTGOING,
    OUTGOING_ACTIONS,
    Allowed,
    Exempt,
    PrivacyRules,
    Reveal,
    TypeAction,
    make_actions,
)
from mpp.stages.policy.reading_tests import POINTER, POINTER_FORM

TYPE_ID = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
TYPE_FORM = "the id of a type such as credit_card"

CIDR_CHARS_MAX = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128")
"""Characters of a range of addresses. Reason: the longest way to write one."""


def read_privacy(fields: Fields) -> PrivacyRules | None:
    """None where the document does not speak of it. An empty table does: it grants nothing. Spec: 3-policy P-90."""
    block = fields.object("privacy", required=False)
    if block is None:
        return None
    faults = block.faults
    rules = PrivacyRules(
        actions=make_actions(_read_actions(block)),
        off=_types(block, "off", most=PRIVACY_LIST_MAX),
        on=_types(block, "on", most=PRIVACY_LIST_MAX),
        allow=block.each("allow", lambda item, place: _read_allowed(item, place, faults), most=PRIVACY_LIST_MAX),
        exempt=block.each("exempt", lambda item, place: _read_exempt(item, place, faults), most=PRIVACY_LIST_MAX),
        accept_disabled=block.texts("accept_disabled", most=PRIVACY_LIST_MAX, each_most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
        patterns=block.each("patterns", lambda item, place: _read_pattern(item, place, faults), most=PATTERNS_MAX),
        reveal=block.each("reveal", lambda item, place: _read_reveal(item, place, faults), most=PRIVACY_LIST_MAX),
        require=block.flag("require", default=NO_PRIVACY.require),
        outgoing=block.one_of("outgoing", OUTGOING, default=NO_PRIVACY.outgoing),
        outgoing_action=block.one_of("outgoing_action", OUTGOING_ACTIONS, default=NO_PRIVACY.outgoing_action),
        pseudonym_minutes=block.number("pseudonym_minutes", least=1, most=PSEUDONYM_MINUTES_MAX, default=NO_PRIVACY.pseudonym_minutes),
    )
    _judge_whole(rules, block)
    block.end()
    return rules


def _judge_whole(rules: PrivacyRules, block: Fields) -> None:
    for i, name in enumerate(rules.off):
        if name in rules.on:
            block.faults.add("duplicate", f"{block.path('off')}/{i}", f"{shown(name)!r} is turned off and on", "keep it in one of the two lists")
    seen: set[str] = set()
    for i, one in enumerate(rules.patterns):
        if one.id and one.id in seen:
            block.faults.add("duplicate", f"{block.path('patterns')}/{i}/id", f"the id {shown(one.id)!r} stands twice", "give each pattern an id of its own")
        seen.add(one.id)


def _types(fields: Fields, key: str, *, most: int, required: bool = False) -> tuple[str, ...]:
    found = fields.texts(key, most=most, each_most=NAME_MAX, pattern=TYPE_ID, form=TYPE_FORM, required=required, least=1 if required else 0)
    for i, name in enumerate(found):
        # Attack: "default" in a list of types, which reads as a word and would mean all of them.
        if name == DEFAULT_TYPE:
            fields.faults.add("form", f"{fields.path(key)}/{i}", f"{DEFAULT_TYPE!r} stands for all types, and goes with actions only", "name the types")
    return found


def _read_actions(block: Fields) -> dict[str, TypeAction]:
    table = block.object("actions", required=False)
    if table is None:
        return {}
    if len(table.found) > PRIVACY_LIST_MAX:
        block.faults.add("length", table.where, f"must have at most {PRIVACY_LIST_MAX} items", "use 'default' for what is alike")
        return {}
    found: dict[str, TypeAction] = {}
    for name in table.found:
        if len(name) > NAME_MAX or TYPE_ID.fullmatch(name) is None:
            block.faults.add("form", table.path(name), f"{shown(name)!r} is not {TYPE_FORM}", f"write {TYPE_FORM}")
        found[name] = _read_action(table, name)
    return found


def _read_action(table: Fields, name: str) -> TypeAction:
    if not isinstance(table.found[name], dict):
        action = table.one_of(name, ACTIONS)
        return TypeAction(action=action, keep=KEEP_USUAL if action == "partial" else 0)
    fields = Fields(table.found[name], table.path(name), table.faults)
    action = fields.one_of("action", ACTIONS)
    if action == "partial":
        keep = fields.number("keep", least=1, most=KEEP_MAX, default=KEEP_USUAL)
    else:
        keep = 0
        if fields.has("keep"):
            fields.raw("keep")
            fields.faults.add("choice", fields.path("keep"), f"says nothing with {shown(action)!r}", "remove it; it goes with 'partial'")
    fields.end()
    return TypeAction(action=action, keep=keep)


def _read_allowed(found: Json, where: str, faults: Faults) -> Allowed:
    fields = Fields(found, where, faults)
    one = Allowed(
        type=fields.text("type", most=NAME_MAX, default="", pattern=TYPE_ID, form=TYPE_FORM),
        value=fields.text("value", most=ALLOWED_CHARS_MAX, default=""),
        domain=fields.text("domain", most=HOST_PATTERN_MAX, default=""),
        cidr=fields.text("cidr", most=CIDR_CHARS_MAX, default=""),
    )
    given = [key for key in ("value", "domain", "cidr") if fields.has(key)]
    if fields.is_object and len(given) != 1:
        # Attack: an entry without any of them, which would fit everything.
        faults.add("missing", where, f"names {' and '.join(given) or 'no value'}, and must name exactly one", "give one of value, domain and cidr")
    if one.domain:
        _check_domain(one.domain, fields.path("domain"), faults)
    if one.cidr:
        _check_cidr(one, fields)
    fields.end()
    return one


def _check_domain(domain: str, where: str, faults: Faults) -> None:
    """A host by itself, or ``*.`` before it. Spec: 3-policy P-22, P-23."""
    if domain == "*" or ":" in domain or "[" in domain:
        faults.add("host", where, f"{shown(domain)!r} is no domain", "write example.com, or *.example.com for its sub-domains")
        return
    read_host_pattern(domain, where, faults)


def _check_cidr(one: Allowed, fields: Fields) -> None:
    where, faults = fields.path("cidr"), fields.faults
    if one.type not in {"", ADDRESS_TYPE}:
        faults.add("choice", fields.path("type"), f"a range of addresses says nothing of {shown(one.type)!r}", f"leave it out, or write {ADDRESS_TYPE}")
    try:
        network = ipaddress.ip_network(one.cidr)
    except ValueError:
        faults.add("form", where, f"{shown(one.cidr)!r} is no range of addresses", "write a range such as 10.0.0.0/8, with nothing behind its prefix")
        return
    if str(network) != one.cidr:
        faults.add("form", where, f"{shown(one.cidr)!r} is not in its shortest form", f"write {network}")
    if network.prefixlen == 0:
        faults.add("range", where, "is every address there is", "name the ranges; to search no addresses at all put their type into 'off'")


def _read_exempt(found: Json, where: str, faults: Faults) -> Exempt:
    fields = Fields(found, where, faults)
    one = Exempt(
        publisher=fields.text("publisher", most=64, default="", pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        package=fields.text("package", most=PACKAGE_ID_MAX + 2, default=""),
        tool=_tool(fields),
        pointer=_pointer(fields),
        types=_types(fields, "types", most=PRIVACY_TYPES_MAX, required=True),
    )
    if fields.is_object and not one.publisher and (not one.package or one.package == "*"):
        # Attack: an exemption for everybody, which is one for the package of a stranger.
        faults.add(
            "missing",
            fields.path("package"),
            "an exemption must name a publisher or packages",
            "give a publisher, a package id, or com.example.* for all below",
        )
    if one.package:
        check_package(one.package, fields.path("package"), faults)
    fields.end()
    return one


def _read_reveal(found: Json, where: str, faults: Faults) -> Reveal:
    fields = Fields(found, where, faults)
    one = Reveal(
        package=fields.text("package", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
        tool=_tool(fields),
        pointer=_pointer(fields),
        types=_types(fields, "types", most=PRIVACY_TYPES_MAX, required=True),
    )
    fields.end()
    return one


def _tool(fields: Fields) -> str:
    return fields.text("tool", most=NAME_MAX, default="", pattern=TOOL_NAME, form=TOOL_NAME_FORM)


def _pointer(fields: Fields) -> str:
    return fields.text("pointer", most=POINTER_MAX, default="", least=0, pattern=POINTER, form=POINTER_FORM)


def _read_pattern(found: Json, where: str, faults: Faults) -> CustomPattern:
    fields = Fields(found, where, faults)
    regex = fields.text("regex", most=REGEX_CHARS_MAX)
    wrong = regex_fault(regex, may_match_nothing=False) if regex else ""
    if wrong:
        faults.add("regex", fields.path("regex"), f"the regular expression {wrong}", "stay within the portable subset: no lookaround, back-reference or flag")
    name = fields.text("id", most=NAME_MAX, pattern=TYPE_ID, form=TYPE_FORM)
    if name in {DEFAULT_TYPE, *GROUPS}:
        faults.add("form", fields.path("id"), f"{shown(name)!r} stands for several types", "take another id")
    one = CustomPattern(id=name, regex=regex, description=fields.text("description", most=DESCRIPTION_MAX, default="", least=0))
    fields.end()
    return one
