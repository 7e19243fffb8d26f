"""Limits of fleets on the side of the registry."""

from __future__ import annotations

CODE_SECONDS = 3600
"""Seconds for which an enrolment code holds, where nothing is said. Reason: whoever makes it uses it at once."""

CODE_SECONDS_MAX = 30 * 86_400
"""Seconds for which it holds at most. Reason: an image with a code in it is rolled out within a month."""

CODES_OPEN_MAX = 10_000
"""Codes that nobody has used yet. Reason: one for each machine of a large roll-out."""

LABEL_CHARS_MAX = 100
"""Characters of the label of a code. Reason: it is shown on one line."""

HOSTS_MAX = 100_000
"""Hosts of one registry. Reason: their reports are some gigabytes; more machines have several registries."""

PAGE_ITEMS_MAX = 500
"""Rows of one page of hosts or inventory. Reason: as many as a screen shows, many times."""

AGENTS_SHOWN_MAX = 50
"""Agents named in one row of the inventory. Reason: one line; their number is exact."""

SILENT_SECONDS = 86_400
"""Seconds after which a host that does not report is shown as silent. Reason: hosts report each hour; a day allows for a night without power."""

CLOCK_SECONDS_MAX = 300
"""Seconds by which a report's time may be from ours. Reason: as for signed requests, with room for slow lines."""

ROOTS_BYTES_MAX = 256 * 1024
"""Bytes of the root documents of the fleet's signer. Reason: as everywhere."""

DOCUMENTS_KEPT = 20
"""Versions of one document that are kept. Reason: hosts take the newest; the others are for people who compare."""

LOGS_EACH_MAX = 4
"""Records of one host. Reason: it has one for each home that was enrolled under its key; a new one after a loss."""
