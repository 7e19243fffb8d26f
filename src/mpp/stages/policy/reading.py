"""Policy documents from bytes: TOML or JSON, one strict form for both. Spec: spec/3-policy.md section 1.

Faults are collected with their places; a document with one fault is refused as a whole.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping

from mpp.errors import Refused
from mpp.limits import FAULTS_MAX, JSON_DEPTH_MAX, JSON_VALUES_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.hiddentext import hidden_texts
from mpp.model.hostpattern import HOST_PATTERN_MAX, read_host_pattern
from mpp.model.jsontext import Json, read, shown
from mpp.model.limits import DESCRIPTION_MAX, NAME_MAX, PATH_CHARS_MAX
from mpp.model.names import PACKAGE_NAME
from mpp.stages.policy.document import Policy, Rule
from mpp.stages.policy.limits import DOTTED_PARTS_MAX, MAPPINGS_MAX, POLICY_BYTES_MAX, PRIVATE_HOSTS_MAX, RULES_MAX
from mpp.stages.policy.patterns import check_path
from mpp.stages.policy.reading_privacy import read_privacy
from mpp.stages.policy.reading_rules import read_rule

NAME_FORM = f"a short name of at most {NAME_MAX} characters such as our-fleet (lower case and digits, single '-', '_' or '.' between)"

_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DOTTED = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{DOTTED_PARTS_MAX}}}")


def parse_policy(data: bytes, *, where: str) -> Policy:
    """Read one document. Whether it is TOML or JSON, its first character says."""
    if len(data) > POLICY_BYTES_MAX:
        raise Refused("policy.length", f"a policy has at most {POLICY_BYTES_MAX} bytes", where=where, hint="split it into layers, or use wider patterns")
    found: object = read(data, family="policy", where=where) if data.lstrip(b" \t\r\n").startswith(b"{") else _toml(data, where)
    faults = Faults("policy")
    plain = _plain(found, where, [], faults)
    faults.stop()
    return read_policy(plain, where)


def read_policy(found: Json, where: str) -> Policy:
    """Judge a parsed document and make the policy of it."""
    faults = Faults("policy")
    for place, character in hidden_texts(found, FAULTS_MAX):
        faults.add("hidden_text", where + place, f"holds the hidden character {character}", "remove it, or write it in another way")
    fields = Fields(found, where, faults)
    fields.number("mpp_policy", least=1, most=1)
    policy = Policy(
        name=fields.text("name", most=NAME_MAX, pattern=PACKAGE_NAME, form=NAME_FORM),
        description=fields.text("description", most=DESCRIPTION_MAX, default="", least=0),
        rules=_rules(fields),
        private_hosts=_private_hosts(fields),
        mappings=_mappings(fields),
        privacy=read_privacy(fields),
    )
    fields.end()
    faults.stop()
    return policy


def _toml(data: bytes, where: str) -> object:
    # As for JSON: two bytes of text make a value of eighty in memory.
    if sum(map(data.count, (b",", b"[", b"{", b"="))) > JSON_VALUES_MAX:
        raise Refused("policy.toml", f"has more than {JSON_VALUES_MAX} values", where=where, hint="make the document smaller")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("policy.toml", "the text is not UTF-8", where=where, hint="save the file as UTF-8 without a byte-order mark") from None
    # Attack: the library's reader takes time in the square of the parts of a dotted key: minutes for one line.
    if _DOTTED.search(text) is not None:
        raise Refused("policy.toml", f"more than {DOTTED_PARTS_MAX} names joined by dots", where=where, hint="nest with tables, and no deeper than needed")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise Refused("policy.toml", f"not TOML: {shown(str(fault), 200)}", where=where, hint="mend the TOML syntax at that place") from None
    except RecursionError:
        raise _too_deep(where) from None
    except ValueError:
        raise Refused("policy.toml", "a number or a date is out of range", where=where, hint="use integers of ordinary size") from None


def _too_deep(where: str) -> Refused:
    return Refused("policy.toml", f"nested deeper than {JSON_DEPTH_MAX} levels", where=where, hint="flatten the document")


def _plain(found: object, where: str, steps: list[str], faults: Faults) -> Json:
    """The same as JSON. Attack: a long key above many values would be copied for each; so a place is only put together for a fault."""
    if len(steps) > JSON_DEPTH_MAX:
        raise _too_deep(where)
    if isinstance(found, dict):
        return {str(key): _below(item, where, steps, str(key), faults) for key, item in found.items()}
    if isinstance(found, list):
        return [_below(item, where, steps, str(i), faults) for i, item in enumerate(found)]
    if found is None or isinstance(found, bool | int | str):
        return found
    kind = "a date or time" if isinstance(found, dt.date | dt.time) else "a decimal number"
    hint = 'write dates as text: "2026-01-31"' if isinstance(found, dt.date | dt.time) else "write a whole number"
    faults.add("type", "/".join((where, *steps)), f"is {kind}, which no policy holds", hint)
    return None


def _below(item: object, where: str, steps: list[str], step: str, faults: Faults) -> Json:
    steps.append(step)
    found = _plain(item, where, steps, faults)
    steps.pop()
    return found


def _rules(fields: Fields) -> tuple[Rule, ...]:
    rules = fields.each("rules", lambda item, place: read_rule(item, place, fields.faults), most=RULES_MAX)
    seen: set[str] = set()
    for i, rule in enumerate(rules):
        if rule.id and rule.id in seen:
            fields.faults.add("duplicate", f"{fields.path('rules')}/{i}/id", f"the id {shown(rule.id)!r} stands twice", "give each rule an id of its own")
        seen.add(rule.id)
    return rules


def _private_hosts(fields: Fields) -> tuple[str, ...] | None:
    found = fields.texts("private_hosts", most=PRIVATE_HOSTS_MAX, each_most=HOST_PATTERN_MAX)
    for i, item in enumerate(found):
        read_host_pattern(item, f"{fields.path('private_hosts')}/{i}", fields.faults, wildcard=False)
    return found if fields.has("private_hosts") else None


def _mappings(fields: Fields) -> Mapping[str, str]:
    block = fields.object("mappings", required=False)
    if block is None:
        return {}
    if len(block.found) > MAPPINGS_MAX:
        fields.faults.add("length", fields.path("mappings"), f"must have at most {MAPPINGS_MAX} items", "name only the paths that are placed elsewhere")
        return {}
    found: dict[str, str] = {}
    for path in block.found:
        target = block.text(path, most=PATH_CHARS_MAX)
        check_path(path, block.path(path), fields.faults)
        if not path.isascii():
            fields.faults.add("path", block.path(path), "a path that is placed elsewhere is written in ASCII", "give it another name in the package")
        if target:
            check_path(target, block.path(path), fields.faults)
        found[path] = target
    return found
