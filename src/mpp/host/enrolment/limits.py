"""Limits of fleets: what is signed for them, what hosts say, and how long each may take."""

from __future__ import annotations

from mpp.limits import KIB, MIB

TRUST_PAYLOAD_MAX = 8 * MIB
"""Bytes of what is signed in a trust bundle. Reason: some thousand publishers with their root documents."""

PUBLISHERS_MAX = 2_000
"""Publishers of one trust bundle. Reason: people vouch for each; bounds the checks of signatures when it is read."""

NAMES_MAX = 10_000
"""Pins, prefixes or revocations of one trust bundle. Reason: as many as a trust document has."""

REGISTRIES_MAX = 100
"""Registries that one trust bundle pins. Reason: one for each namespace that an organisation uses."""

FLEET_NAME_MAX = 56
"""Characters of the name of a policy or a trust bundle that a registry serves. Reason: with its kind it is the name in a leaf of the log."""

CODE_BYTES = 20
"""Bytes of the secret of an enrolment code. Reason: nobody guesses 160 bits, and it fits a line."""

CODE_CHARS_MAX = 250
"""Characters of an enrolment code. Reason: its secret and two digests."""

HOST_NAME_MAX = 100
"""Characters of the name of a host. Reason: it is shown on one line."""

ENROLMENT_BYTES_MAX = 16 * KIB
"""Bytes of a request for enrolment. Reason: a name, two keys and a code."""

ANSWER_BYTES_MAX = MIB
"""Bytes of the answer to one. Reason: two root documents and a handful of lines."""

REPORT_BYTES_MAX = 4 * MIB
"""Bytes of one report. Reason: ten thousand rows of four hundred bytes."""

REPORT_PACKAGES_MAX = 5_000
"""Installed versions in one report. Reason: as many packages as a host may have."""

REPORT_USES_MAX = 1_000
"""Agents with packages in one report. Reason: as many as the record counts in one table."""

ASK_SECONDS_MAX = 60
"""Seconds of one request to the fleet's registry. Reason: the largest document at 3 Mbit/s."""

SILENCE_SECONDS_MAX = 10
"""Seconds in which it must take the connection and go on sending. Reason: one that is silent for longer is down."""

STATE_BYTES_MAX = 2 * MIB
"""Bytes of what a home keeps of its enrolment. Reason: two root documents and addresses."""

CALLS_MAX = 2**53 - 1
"""Calls that are counted in a row of a report. Reason: whole numbers in JSON are exact up to there."""

USE_DAYS = 30
"""Days back over which uses are reported. Reason: a tool that nobody called for a month is installed, and not used."""
