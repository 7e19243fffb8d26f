"""What binds an approval to one action: digests of actions, questions, proofs, receipts. Spec: 4-approval.md, attestation.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256

from conformance.make.build import GONE, NOW, compact, edit
from conformance.make.documents import HOST, JTI, OTHER_HOST, STRANGER, Change, Document, changed, public, sealed, signer_id, spoilt
from mpp.crypto.ed25519 import SeedSigner
from mpp.model.jsontext import Json
from mpp.stages.approval import make_question, write_question
from mpp.testing.packages import TestRandom
from mpp.testing.questions import asked, given, need

# One case a line, however long.
# fmt: off

ANSWER_TYPE = "application/vnd.mpp.answer+json"
PROOF_TYPE = "application/vnd.mpp.approval+json"
RECEIPT_TYPE = "application/vnd.mpp.receipt+json"
INVOCATION = "0f" * 16
TEXT_SHA256 = sha256(b"the text of a question").hexdigest()


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


AGENT: dict[str, Json] = {"name": "claude", "proof": "launched"}
SIGNED: dict[str, Json] = {"name": "helper", "proof": "signed", "key": _digest("a key")}
FOR_PLANNER: dict[str, Json] = {"kind": "agent", "name": "planner", "proof": "signed"}
FOR_ADA: dict[str, Json] = {"kind": "user", "name": "ada", "proof": "signed"}
ACTION: dict[str, Json] = {
    "tenant": "local", "publisher": _digest("a publisher"), "package": "com.example.hello", "content": _digest("a package"), "tool": "greet", "argument_sha256": _digest("the arguments"),
    "rights": _digest("some rights"), "agent": AGENT, "user": "ada", "policy": _digest("a policy"),
}


def binding(action: Json) -> str:
    """SHA-256 over the canonical form."""
    return sha256(compact(action)).hexdigest()


# Actions: name, title, changes.
ACTIONS: tuple[tuple[str, str, Change], ...] = (
    ("launched", "A call by an agent whose name the start options say", {}),
    ("nobody", "A call by nobody in particular", {"agent": {"name": "", "proof": "anonymous"}, "user": ""}),
    ("signed", "A call by an agent that signed it", {"agent": SIGNED}),
    ("vouched", "An organisation vouches for the key of the agent", {"agent": {**SIGNED, "issuer": _digest("an organisation")}}),
    ("for-user", "The agent acts for a user", {"agent": {**SIGNED, "behalf": [FOR_ADA]}}),
    ("for-agent-for-user", "The agent acts for an agent that acts for a user", {"agent": {**SIGNED, "behalf": [FOR_PLANNER, FOR_ADA]}}),
    ("for-user-for-agent", "The same two in the other order", {"agent": {**SIGNED, "behalf": [FOR_ADA, FOR_PLANNER]}}),
    ("for-user-launched", "The start options say for which user", {"agent": {**AGENT, "behalf": [{**FOR_ADA, "proof": "launched"}]}}),
    ("token", "A call by an agent with a bearer token", {"agent": {**AGENT, "proof": "token"}}),
    ("tenant-other", "Another tenant", {"tenant": "team-7"}),
    ("tool-longer", "A letter moved from the user to the tool", {"tool": "greeta", "user": "da"}),
    ("user-letters", "A user whose name has other letters", {"user": "\u00e4da \u6f22"}),
    ("user-quote", "A user whose name has a quote and a backslash", {"user": 'a"d\\a'}),
)

# Actions that are none: name, title, code, changes.
NO_ACTIONS: tuple[tuple[str, str, str, Change], ...] = (
    ("tool-missing", "An action without a tool", "missing", {"tool": None}),
    ("agent-missing", "An action without an agent", "missing", {"agent": None}),
    ("key-unknown", "A key that nobody knows", "unknown_key", {"origin": "human"}),
    ("arguments-upper-case", "A hash in upper case", "form", {"argument_sha256": _digest("the arguments").upper()}),
    ("arguments-short", "Half a hash", "form", {"argument_sha256": _digest("the arguments")[:32]}),
    ("level-unknown", "A level that is none", "choice", {"agent": {**AGENT, "proof": "certain"}}),
    ("behalf-kind", "For an organisation", "choice", {"agent": {**SIGNED, "behalf": [{**FOR_ADA, "kind": "organisation"}]}}),
    ("agent-key-unknown", "An agent with a key that nobody knows", "unknown_key", {"agent": {**AGENT, "role": "admin"}}),
    ("user-list", "A list of users", "type", {"user": ["ada"]}),
)


def bindings() -> Iterator[Document]:
    """Digests of actions."""
    for name, title, change in ACTIONS:
        action = changed(ACTION, change)
        yield Document(kind="binding", name=name, title=title, clauses="H-1 N-2", data=compact(action), context="none", result={"binding": binding(action)})
    turned = json.dumps(dict(reversed(ACTION.items())), indent=2).encode()
    yield Document(kind="binding", name="other-form", title="An action whose keys stand in another order, with white space", clauses="H-1", data=turned, context="none", result={"binding": binding(ACTION)})
    for name, title, code, change in NO_ACTIONS:
        yield Document(kind="binding", name=name, title=title, clauses="H-1 N-2", code=f"approval.{code}", data=compact(changed(ACTION, change)), context="none")


QUESTION: dict[str, Json] = json.loads(write_question(make_question(asked(), need(), given(), TestRandom())))

# Questions that are none: name, title, code, changes as ``edit`` takes them.
NO_QUESTIONS: tuple[tuple[str, str, str, Change], ...] = (
    ("text-changed", "A text that is not the one of its hash", "mismatch", {"text": str(QUESTION["text"]).replace("com.example.hello", "com.example.hellO")}),
    ("text-space", "One space more in the text", "mismatch", {"text": f"{QUESTION['text']} "}),
    ("arguments-changed", "An action with other arguments than its digest says", "mismatch", {"action>argument_sha256": "0" * 64}),
    ("tool-changed", "An action with another tool than its digest says", "mismatch", {"action>tool": "delete"}),
    ("user-changed", "An action for another user than its digest says", "mismatch", {"action>user": "eve"}),
    ("binding-changed", "The digest of another action", "mismatch", {"binding": "0" * 64}),
    ("key-unknown", "A key that nobody knows", "unknown_key", {"note": "x"}),
    ("text-missing", "A question without a text", "missing", {"text": GONE}),
    ("version-2", "A later version of the question", "range", {"mpp_question": 2}),
    ("reason-triple", "A reason of a risk with three parts", "type", {"risk>reasons": [[1, "a", "b"]]}),
    ("reason-swapped", "A reason whose points stand behind its words", "type", {"risk>reasons": [["a", 1]]}),
    ("offer-text", "A text as what always would be", "type", {"offer": "always"}),
    ("strength-unknown", "A strength that is none", "choice", {"strength": "certain"}),
    ("approvers-3", "Three approvers", "range", {"approvers": 3}),
    ("id-short", "An id of 31 digits", "form", {"id": "0" * 31}),
    ("jti-upper-case", "A jti in upper case", "form", {"jti": "AB" * 16}),
    ("text-long", "A text of more than 4 KiB", "length", {"text": "a" * 4097}),
)


def questions() -> Iterator[Document]:
    """Questions as documents."""
    result: Json = {key: QUESTION[key] for key in ("id", "jti", "binding", "text_sha256")}
    yield Document(kind="question", name="sound", title="A question about a call", clauses="N-1", data=compact(QUESTION), context="none", result=result)
    yield Document(kind="question", name="no-offer", title="A question that cannot be answered for always", clauses="N-1", data=compact({**QUESTION, "offer": None}), context="none", result=result)
    for name, title, code, change in NO_QUESTIONS:
        yield Document(kind="question", name=name, title=title, clauses="N-1", code=f"approval.{code}", data=compact(edit(QUESTION, change)), context="none")
    rows = (
        ("spaced", "A question with a space after each colon", "json", json.dumps(QUESTION, sort_keys=True).encode()),
        ("half", "Half a question", "json", compact(QUESTION)[:500]),
        ("too-long", "A question of more than 256 KiB", "size", compact({**QUESTION, "details": "a" * 262_144})),
    )
    for name, title, code, data in rows:
        yield Document(kind="question", name=name, title=title, clauses="N-1", code=f"approval.{code}", data=data, context="none")


BY_ADA: dict[str, Json] = {"approver": "ada", "amr": "passphrase", "sha256": _digest("an answer")}
BY_BOB: dict[str, Json] = {"approver": "bob", "amr": "tty", "sha256": _digest("another answer")}
PROOF: dict[str, Json] = {
    "mpp_approval": 1, "action": ACTION, "binding": binding(ACTION), "jti": JTI, "text_sha256": TEXT_SHA256, "invocation": INVOCATION, "iat": NOW, "exp": NOW + 120, "aud": signer_id(HOST),
    "answers": [BY_ADA],
}
PROVED: dict[str, Json] = {"now": NOW + 10, "action": ACTION, "host": public(HOST), "invocation": INVOCATION, "spent": []}
SHARED: Mapping[str, Mapping[str, Json]] = {"none": {}, "proof": PROVED, "receipt": {"host": public(HOST)}}


def _of(action: Change) -> dict[str, Json]:
    """Changes of a proof that make it one of another action."""
    other = changed(ACTION, action)
    return {"action": other, "binding": binding(other)}


# Proofs that hold: name, title, clauses, changes, changes of the context, the strength.
HOLDS: tuple[tuple[str, str, str, Change, Change, str], ...] = (
    ("sound", "A proof of this action on this host", "N-23 N-24 N-25 N-26", {}, {}, "passphrase"),
    ("last-second", "It ends in this very second", "N-28", {"exp": NOW + 10}, {}, "passphrase"),
    ("shortest", "It ends in the second in which it was made", "N-22", {"iat": NOW + 10, "exp": NOW + 10}, {}, "passphrase"),
    ("newest", "Made 5 seconds from now", "N-27", {"iat": NOW + 15, "exp": NOW + 20}, {}, "passphrase"),
    ("two-answers", "Two approvers, of whom one answered less strongly", "N-21", {"answers": [BY_ADA, BY_BOB]}, {}, "tty"),
    ("spent-other", "Another approval was spent before", "H-71", {}, {"spent": ["f" * 32]}, "passphrase"),
    ("delegated", "The agent acts for an agent that acts for a user", "H-1 N-2 N-25", _of({"agent": {**SIGNED, "behalf": [FOR_PLANNER, FOR_ADA]}}), {"action": changed(ACTION, {"agent": {**SIGNED, "behalf": [FOR_PLANNER, FOR_ADA]}})}, "passphrase"),
)

# The call is another one than was approved: name, what is different, changes of the action.
OTHER_ACTIONS: tuple[tuple[str, str, Change], ...] = (
    ("tenant", "Another tenant", {"tenant": "team-7"}),
    ("publisher", "A package of the same name by another publisher", {"publisher": _digest("another publisher")}),
    ("package", "Another package", {"package": "com.example.hello2"}),
    ("content", "Another version of the package", {"content": _digest("another package")}),
    ("tool", "Another tool", {"tool": "delete"}),
    ("tool-case", "The tool in upper case", {"tool": "Greet"}),
    ("arguments", "Other arguments", {"argument_sha256": _digest("other arguments")}),
    ("rights", "Other rights", {"rights": _digest("more rights")}),
    ("agent", "Another agent", {"agent": {**AGENT, "name": "other"}}),
    ("agent-level", "The same agent, of which the host is less sure", {"agent": {**AGENT, "proof": "anonymous"}}),
    ("agent-key", "The same agent with a key", {"agent": {**AGENT, "key": _digest("a key")}}),
    ("agent-behalf", "The same agent, for somebody", {"agent": {**AGENT, "behalf": [FOR_ADA]}}),
    ("user", "Another user", {"user": "eve"}),
    ("user-none", "No user", {"user": ""}),
    ("policy", "Another policy", {"policy": _digest("another policy")}),
)

# Proofs that do not hold: name, title, clauses, code, who signs, changes, changes of the context.
BAD: tuple[tuple[str, str, str, str, SeedSigner, Change, Change], ...] = (
    ("host-other", "Made by another host", "N-24", "audience", OTHER_HOST, {"aud": signer_id(OTHER_HOST)}, {}),
    ("host-other-says-ours", "Made by another host in the name of this one", "N-24", "audience", OTHER_HOST, {}, {}),
    ("host-ours-says-other", "Made by this host for another", "N-24", "audience", HOST, {"aud": signer_id(OTHER_HOST)}, {}),
    ("by-approver", "Signed by an approver instead of the host", "N-24", "audience", STRANGER, {}, {}),
    ("binding-other", "The action of this call, and the digest of another", "N-25", "mismatch", HOST, {"binding": "0" * 64}, {}),
    ("action-other", "The digest of this call, and another action", "N-25", "mismatch", HOST, {"action": changed(ACTION, {"tool": "delete"})}, {}),
    ("invocation-other", "For another invocation", "N-26", "mismatch", HOST, {"invocation": "0" * 32}, {}),
    ("expired", "It ended a second ago", "N-28", "expired", HOST, {"exp": NOW + 9}, {}),
    ("early", "Made 6 seconds from now", "N-27", "clock", HOST, {"iat": NOW + 16, "exp": NOW + 20}, {}),
    ("too-long-a-time", "It lives for 121 seconds", "N-22", "clock", HOST, {"exp": NOW + 121}, {}),
    ("backwards", "It ends before it was made", "N-22", "clock", HOST, {"iat": NOW + 12, "exp": NOW + 11}, {}),
    ("replayed", "Spent before", "H-70 H-71", "spent", HOST, {}, {"spent": [JTI]}),
    ("answers-none", "Nobody answered", "N-21", "length", HOST, {"answers": []}, {}),
    ("answers-three", "Three answers", "N-21", "length", HOST, {"answers": [BY_ADA, BY_BOB, BY_ADA]}, {}),
    ("amr-unknown", "An answer given in a way that is none", "N-21", "choice", HOST, {"answers": [{**BY_ADA, "amr": "certain"}]}, {}),
    ("answer-key-unknown", "An answer with a key that nobody knows", "N-21", "unknown_key", HOST, {"answers": [{**BY_ADA, "note": "x"}]}, {}),
    ("jti-short", "A jti of 31 digits", "N-24 K-14", "form", HOST, {"jti": JTI[1:]}, {}),
    ("jti-missing", "No jti", "N-24 K-14", "missing", HOST, {"jti": None}, {}),
    ("version-2", "A later version of the proof", "N-24 K-14", "range", HOST, {"mpp_approval": 2}, {}),
    ("key-unknown", "A key that nobody knows", "N-24 K-13", "unknown_key", HOST, {"note": "x"}, {}),
    ("exp-text", "A text as end", "N-24 K-14", "type", HOST, {"exp": str(NOW + 120)}, {}),
    ("exp-missing", "Without an end", "N-22 K-14", "missing", HOST, {"exp": None}, {}),
)


def proofs() -> Iterator[Document]:
    """Proofs of approval."""
    for name, title, clauses, change, around, strength in HOLDS:
        body = changed(PROOF, change)
        answers = body["answers"]
        who: list[Json] = [one["approver"] for one in answers if isinstance(one, dict)] if isinstance(answers, list) else []
        result: Json = {"jti": JTI, "invocation": INVOCATION, "until": body["exp"], "strength": strength, "approvers": who}
        yield Document(kind="approval-proof", name=name, title=title, clauses=clauses, data=sealed(PROOF_TYPE, body, HOST), context={**PROVED, **around} if around else "proof", result=result)
    for name, title, change in OTHER_ACTIONS:
        yield Document(kind="approval-proof", name=f"other-{name}", title=f"The call differs from what was approved: {title[0].lower()}{title[1:]}", clauses="H-1 N-25", code="approval.mismatch", data=sealed(PROOF_TYPE, PROOF, HOST), context={**PROVED, "action": changed(ACTION, change)})
    for name, title, clauses, code, by, change, around in BAD:
        yield Document(kind="approval-proof", name=name, title=title, clauses=clauses, code=f"approval.{code}", data=sealed(PROOF_TYPE, changed(PROOF, change), by), context={**PROVED, **around} if around else "proof")
    for name, title, clauses, what, data in spoilt(PROOF_TYPE, PROOF, HOST, other_type=ANSWER_TYPE):
        yield Document(kind="approval-proof", name=name, title=title, clauses=f"N-11 N-24 {clauses}", code=f"approval.{what}", data=data, context="proof")
    long = sealed(PROOF_TYPE, {**PROOF, "answers": [{**BY_ADA, "approver": "U" * 9000}]}, HOST)
    yield Document(kind="approval-proof", name="too-long", title="More than 8 KiB", clauses="N-24", code="approval.size", data=long, context="proof")


RECEIPT: dict[str, Json] = {"mpp_receipt": 1, "invocation": INVOCATION, "jti": JTI, "binding": binding(ACTION), "outcome": "ok", "at": NOW + 12, "result_sha256": _digest("a result")}
RECEIPTS: tuple[tuple[str, str, Change], ...] = (
    ("sound", "A call that ended well", {}),
    ("failed", "A call that failed", {"outcome": "tool.trap", "result_sha256": ""}),
    ("no-result", "A call that ended well and gave nothing", {"result_sha256": ""}),
)
BAD_RECEIPTS: tuple[tuple[str, str, str, SeedSigner, Change], ...] = (
    ("host-other", "By another host", "signature", OTHER_HOST, {}),
    ("outcome-words", "An outcome in words", "form", HOST, {"outcome": "All went well"}),
    ("outcome-missing", "No outcome", "missing", HOST, {"outcome": None}),
    ("result-short", "Half a hash of the result", "form", HOST, {"result_sha256": "0" * 32}),
    ("at-text", "A text as time", "type", HOST, {"at": str(NOW)}),
    ("version-2", "A later version of the receipt", "range", HOST, {"mpp_receipt": 2}),
    ("key-unknown", "A key that nobody knows", "unknown_key", HOST, {"result": "hello"}),
)


def receipts() -> Iterator[Document]:
    """Receipts."""
    for name, title, change in RECEIPTS:
        body = changed(RECEIPT, change)
        result: Json = {key: item for key, item in body.items() if key != "mpp_receipt"}
        yield Document(kind="receipt", name=name, title=title, clauses="N-30", data=sealed(RECEIPT_TYPE, body, HOST), context="receipt", result=result)
    for name, title, code, by, change in BAD_RECEIPTS:
        yield Document(kind="receipt", name=name, title=title, clauses="N-30", code=f"approval.{code}", data=sealed(RECEIPT_TYPE, changed(RECEIPT, change), by), context="receipt")
    for name, title, clauses, what, data in spoilt(RECEIPT_TYPE, RECEIPT, HOST, other_type=PROOF_TYPE):
        yield Document(kind="receipt", name=name, title=title, clauses=f"N-30 {clauses}", code=f"approval.{what}", data=data, context="receipt")


def documents() -> Iterator[Document]:
    """All but answers."""
    yield from bindings()
    yield from questions()
    yield from proofs()
    yield from receipts()
