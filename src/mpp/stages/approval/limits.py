"""Limits of the approval stage. Spec: spec/4-approval.md gives the same numbers."""

from __future__ import annotations

from mpp.limits import KIB
from mpp.model.limits import MANIFEST_BYTES_MAX

QUESTION_SECONDS_MAX = 24 * 3600
"""Seconds that a question can be answered. Reason: who is asked on Friday evening must not say yes to it on Monday."""

ANSWER_SECONDS_MAX = 15 * 60
"""Seconds from an answer to its use. Reason: the person still remembers what it was for; the agent asks again within moments."""

PROOF_SECONDS_MAX = 120
"""Seconds that a proof lives. Reason: it is made when it is used; a slow disk and a cold start fit."""

SKEW_SECONDS_MAX = 5
"""Seconds that another clock may be ahead of ours. Reason: machines that keep their time are far closer; more would stretch every lifetime."""

TEXT_BYTES_MAX = 4 * KIB
"""Bytes of the text of a question. Reason: it is read whole before somebody says yes, on a telephone too."""

LINE_COLUMNS_MAX = 76
"""Columns of one line of the text. Reason: no terminal breaks it, so nothing that others wrote begins a line on the screen."""

VALUE_COLUMNS_MAX = 150
"""Columns of one argument in the text; of a longer one its head and tail are shown. Reason: two lines each, so that all are seen."""

ARGUMENTS_SHOWN_MAX = 20
"""Arguments in the text of a question. Reason: more cannot be judged at a glance; the details show them."""

USES_SHOWN_MAX = 12
"""Rights in the text of a question. Reason: half of a small terminal; a last line counts the rest."""

REASONS_SHOWN_MAX = 6
"""Reasons of a risk, and lines of what is new, in the text of a question. Reason: as for rights."""

DETAILS_BYTES_MAX = 64 * KIB
"""Bytes of the details of a question. Reason: some thirty screens; nobody reads more, and the hash binds the rest."""

QUESTION_BYTES_MAX = 256 * KIB
"""Bytes of a question as a document. Reason: its details may double when they are written as JSON, and all else has a few KiB."""

QUESTION_TEXTS_MAX = 2 * KIB
"""Characters of one name in a question as a document. Reason: a name of a user or an agent, with all behind it, is shorter."""

ANSWER_BYTES_MAX = 8 * KIB
"""Bytes of a signed answer, proof or receipt. Reason: they have under 3; anything larger is something else."""

ACTION_BYTES_MAX = 4 * KIB
"""Bytes of an action in canonical form. Reason: its proof, with two answers and a signature, has at most ``ANSWER_BYTES_MAX``; real ones have one KiB."""

PENDING_MAX = 200
"""Questions of one tenant that wait for an answer. Reason: nobody answers more in a day; bounds the store."""

PENDING_AGENT_MAX = 20
"""Questions of one agent that wait for an answer. Reason: an agent that asks without end must not crowd out the others. Those that only say their name are one."""

STANDING_CALLS = 100
"""Calls that an approval for always is good for, unless another number is set. Reason: a day's work, and a number that a loop soon meets."""

STANDING_CALLS_MAX = 100_000
"""Calls that an approval for always can be good for. Reason: more is what a policy is for."""

STANDING_SECONDS = 30 * 24 * 3600
"""Seconds that an approval for always lasts, unless others are set. Reason: a month later nobody remembers why."""

STANDING_SECONDS_MAX = 366 * 24 * 3600
"""Seconds that an approval for always can last. Reason: more is what a policy is for."""

STANDING_MAX = 1000
"""Approvals for always of one tenant. Reason: a person must be able to look through them; bounds the search on each call."""

APPROVERS_MAX = 1000
"""Approvers of one home. Reason: a person manages tens; bounds reading."""

APPROVERS_BYTES_MAX = 1024 * KIB
"""Bytes of the document of approvers. Reason: a thousand of them fit."""

APPROVER_PACKAGES_MAX = 64
"""Package patterns of one approver. Reason: a person must be able to read all of them."""

APPROVER_CHARS_MAX = 64
"""Characters of an approver's id. Reason: it stands on one line with what was approved."""

APPROVER_NAME_CHARS_MAX = 100
"""Characters of an approver's name. Reason: it is shown on one line."""

IDENTITY_CHARS_MAX = 512
"""Characters of the issuer and of the subject of an identity elsewhere. Reason: they are addresses."""

CONSENT_BYTES_MAX = MANIFEST_BYTES_MAX
"""Bytes of what a consent keeps of the manifest. Reason: the whole manifest, so that an update can be compared with it word by word."""

CHANGE_CHARS_MAX = 300
"""Characters of one changed description that are shown, old or new. Reason: four lines; the package itself has the rest."""

CHANGES_MAX = 100
"""Lines of differences between two versions of a package. Reason: a person gives up long before."""

TIME_MAX = 253402300799
"""Latest time in any document here: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

INTENTS_KNOWN_MAX = 256
"""Bodies of intents that are remembered. Reason: a host has one for each tool and agent in use, of half a kilobyte."""
