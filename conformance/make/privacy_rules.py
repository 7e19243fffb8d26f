"""What is done with what is found, and what policy lets through. Spec: 6-privacy F-2, F-13, F-21, F-30 to F-34, 3-policy section 10."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from conformance.make.privacy import Message, REDACT, table
from mpp.model.jsontext import Json

MAIL = "ada@example.com"
TOKEN = "ghp§_" + "x1Y2" * 9
CRM: Mapping[str, Json] = {"package_id": "com.example.crm", "bound": True, "tool": "find_contact"}
EXEMPT: Json = [{"package": "com.example.crm", "tool": "find_contact", "pointer": "/contacts/*/email", "types": ["email"]}]
EXEMPTING = table(actions={"default": "redact"}, exempt=EXEMPT)
CONTACTS: Json = {"contacts": [{"email": MAIL, "phone": "+1 415 555 2671"}], "owner": "bob@example.com"}
SHOWN: Json = {"contacts": [{"email": MAIL, "phone": "[PHONE]"}], "owner": "[EMAIL]"}
HIDDEN: Json = {"contacts": [{"email": "[EMAIL]", "phone": "[PHONE]"}], "owner": "[EMAIL]"}
STAFF: Json = {"custom_patterns": [{"id": "staff_number", "regex": "STAFF-[0-9]{6}"}]}
WIDE: Json = {"custom_patterns": [{"id": "ticket", "regex": "ticket [a-z]{3}@example[.]com"}]}

BOMB = "QlpoOTFBWSZTWXhrHVUC7f+RgEAAIgAEQCAAcDNAFKnqHQAlVgAlVgAlVgAlV4AJVYAJVeACVXxdyRThQkHhrHVU"
"""Nine hundred thousand characters in bzip2."""

# One case a line, however long: name, title, clauses, message, what it must become, counts, context.
# fmt: off

ROWS: tuple[tuple[str, str, str, Json, Json, str, Mapping[str, Json]], ...] = (
    ("redact", "The pattern in capitals", "F-30", {"a": f"mail {MAIL}.", "b": [MAIL, 1]}, {"a": "mail [EMAIL].", "b": ["[EMAIL]", 1]}, "email=2", REDACT),
    ("redact-number", "A number that becomes a text", "F-33", {"card": 4111111111111111, "n": 123456}, {"card": "[CREDIT_CARD]", "n": 123456}, "credit_card=1", REDACT),
    ("redact-keys", "Two keys that would become one", "F-33", {"x": 3, MAIL: 1, "bob@example.com": 2}, {"x": 3, "[EMAIL]": 1, "[EMAIL]~2": 2}, "email=2", REDACT),
    ("pseudonym", "One name for one value, another one for another", "F-30 F-31", {"t": f"{MAIL} and {MAIL}, bob@example.com"}, {"t": r"~(\[EMAIL-[bcdfghjkmnpqrstz]{8}\]) and \1, (?!\1)\[EMAIL-[bcdfghjkmnpqrstz]{8}\]"}, "email=3", {}),
    ("partial", "The last four characters", "F-30", {"card": "4111 1111 1111 1234", "x": "5555 5555 5555 4444"}, {"card": "[CREDIT_CARD:***1234]", "x": "[CREDIT_CARD:***4444]"}, "credit_card=2", table(actions={"credit_card": "partial"})),
    ("partial-two", "The last two characters", "F-30", {"iban": "DE89370400440532013000"}, {"iban": "[IBAN:***00]"}, "iban=1", table(actions={"iban": {"action": "partial", "keep": 2}})),
    ("partial-short", "Nothing of a value shorter than twice what is shown", "F-30", {"pin": "493817"}, {"pin": "[ACCESS_CODE]"}, "access_code=1", table(actions={"default": "partial"})),
    ("group", "A group and a type of it", "P-92 F-20", {"a": TOKEN, "bsn": "111222333"}, {"a": "[GITHUB_TOKEN]", "bsn": r"~\[BSN-[bcdfghjkmnpqrstz]{8}\]"}, "bsn=1 github_token=1", table(actions={"api_key": "redact"})),
    ("type-before-group", "The type itself goes before its group", "P-92", {"a": TOKEN}, {"a": r"~\[GITHUB_TOKEN:\*\*\*x1Y2\]|\[GITHUB_TOKEN:\*\*\*[0-9A-Za-z]{4}\]"}, "github_token=1", table(actions={"api_key": "block", "github_token": "partial"})),
    ("allow-value", "A value that is nobody's", "F-34 P-96", {"t": f"support@example.com, {MAIL}"}, {"t": "support@example.com, [EMAIL]"}, "email=1", table(actions={"default": "redact"}, allow=[{"type": "email", "value": "support@example.com"}])),
    ("allow-domain", "Addresses of a domain, and one that only looks so", "F-34 P-96", {"a": "x@corp.example", "b": "x@corp.example.evil.net"}, {"a": "x@corp.example", "b": "[EMAIL]"}, "email=1", table(actions={"default": "redact"}, allow=[{"domain": "corp.example"}])),
    ("allow-range", "Addresses of a range", "F-34 P-96", {"a": "10.1.2.3", "b": "8.8.8.8"}, {"a": "10.1.2.3", "b": "[IP_ADDRESS]"}, "ip_address=1", table(actions={"default": "redact"}, allow=[{"cidr": "10.0.0.0/8"}])),
    ("off", "A type that is turned off", "P-90", {"email": MAIL, "phone": "+1 415 555 2671"}, {"email": MAIL, "phone": "[PHONE]"}, "phone=1", table(actions={"default": "redact"}, off=["email"])),
    ("off-demanded", "A type that is turned off, and that a rule demands", "P-95", {"email": MAIL}, {"email": "[EMAIL]"}, "email=1", {**table(actions={"default": "redact"}, off=["email"]), "privacy_patterns": ["email"]}),
    ("on", "A type that is off by default", "P-94", {"latitude": "52.520008"}, {"latitude": "[GEO_LOCATION]"}, "geo_location=1", table(actions={"default": "redact"}, on=["geo_location"])),
    ("exempt", "One place of one tool", "F-34 P-91", CONTACTS, SHOWN, "email=1 phone=1", {**EXEMPTING, **CRM}),
    ("exempt-other-tool", "Another tool of the package", "P-91", CONTACTS, HIDDEN, "email=2 phone=1", {**EXEMPTING, **CRM, "tool": "list_all"}),
    ("exempt-other-package", "Another package", "P-91", CONTACTS, HIDDEN, "email=2 phone=1", {**EXEMPTING, **CRM, "package_id": "com.example.crm2"}),
    ("exempt-unbound", "A package that only says that it is the one", "P-91", CONTACTS, HIDDEN, "email=2 phone=1", {**EXEMPTING, **CRM, "bound": False}),
    ("exempt-demanded", "An exemption that a rule takes back", "P-95", CONTACTS, HIDDEN, "email=2 phone=1", {**EXEMPTING, **CRM, "privacy_patterns": ["email"]}),
    ("disabled", "A publisher who turns the filter off, and a policy that accepts it", "F-34 P-91", {"email": MAIL}, {"email": MAIL}, "", {**table(accept_disabled=["com.example.crm"]), **CRM, "privacy_filters": {"enabled": False}}),
    ("disabled-alone", "A publisher who turns the filter off by himself", "F-34", {"email": MAIL}, {"email": "[EMAIL]"}, "email=1", {**REDACT, **CRM, "privacy_filters": {"enabled": False}}),
    ("custom", "A publisher's own pattern", "F-21", {"t": f"STAFF-123456 is {MAIL}, STAFF-12345 is nobody"}, {"t": "[STAFF_NUMBER] is [EMAIL], STAFF-12345 is nobody"}, "email=1 staff_number=1", {**REDACT, "privacy_filters": STAFF}),
    ("custom-of-policy", "An organisation's own pattern", "F-21 P-94", {"t": "STAFF-123456"}, {"t": "[STAFF_NUMBER]"}, "staff_number=1", table(actions={"default": "redact"}, patterns=[{"id": "staff_number", "regex": "STAFF-[0-9]{6}"}])),
    ("custom-around", "A publisher's wide pattern around an address, with a milder action", "F-13 F-21", {"t": f"ticket {MAIL} open"}, {"t": "[EMAIL] open"}, "email=1", {**table(actions={"email": "redact", "ticket": "pseudonym"}), "privacy_filters": WIDE}),
    ("invisible", "Characters that nobody sees", "F-7", {"t": "hello\u200b\u200b world\U000e0041, ok"}, {"t": "hello world, ok"}, "", {}),
    ("invisible-wanted", "A joiner within an emoji stays", "F-7", {"t": "\U0001f468\u200d\U0001f469\u200d\U0001f467 family"}, {"t": "\U0001f468\u200d\U0001f469\u200d\U0001f467 family"}, "", {}),
)

WITHHELD: tuple[tuple[str, str, str, Json, str, Mapping[str, Json]], ...] = (
    ("block", "A type that policy blocks", "F-30", {"t": f"found {TOKEN}", "other": "words"}, "privacy.blocked", table(actions={"api_key": "block"})),
    ("block-default", "Everything is blocked", "F-30", {"t": MAIL}, "privacy.blocked", table(actions={"default": "block"})),
    ("block-encoded", "A blocked type in base64", "F-10 F-30", {"t": "am9obi5zbWl0aEBleGFtcGxlLmNvbQ=="}, "privacy.blocked", table(actions={"email": "block"})),
    ("block-key", "A blocked type in a key", "F-1 F-30", {MAIL: 1}, "privacy.blocked", table(actions={"email": "block"})),
    ("bomb", "Few bytes that unpack to very many", "F-2 F-10", {"blob": BOMB}, "privacy.limit", {}),
    ("half", "Half of a character", "F-2", {"t": "\ud800 half"}, "privacy", {}),
)

# fmt: on


def actions() -> Iterator[Message]:
    """What must come back, in full."""
    for name, title, clauses, message, form, counts, context in ROWS:
        yield Message(group="rules", name=name, title=title, clauses=clauses, message=message, form=form, counts=counts, context=context)


def withheld() -> Iterator[Message]:
    """What must not come back at all."""
    for name, title, clauses, message, code, context in WITHHELD:
        yield Message(group="withheld", name=name, title=title, clauses=clauses, message=message, withheld=code, context=context)


TABLES = (actions, withheld)
