"""Limits of publishing."""

from __future__ import annotations

from mpp.limits import DAY_SECONDS, KIB, MIB

ALIKE_EDITS_MAX = 1
"""Edits between two package ids of which the second is refused. Reason: a slip of one key is how people reach a squatted name; two edits are another word."""

ALIKE_KEPT_MAX = 20_000
"""Names looked at for one key. Reason: bounds the work of one upload of a new id; half a name with its length is shared by far fewer."""

ALIKE_SHOWN_MAX = 5
"""Names that are shown as alike. Reason: a person reads them at one glance."""

REQUEST_KEEP_SECONDS = 300
"""Seconds for which a nonce is kept. Reason: twice the window of a signed request, with room for clocks of replicas that differ."""

TOKEN_SECONDS = 900
"""Seconds that a token of a build service counts. Reason: a build publishes at its end and at once; what is stolen is soon worth nothing."""

CLEANED_MAX = 1000
"""Rows that one clean-up removes. Reason: it holds the one writer; the next run goes on."""

UPLOAD_SECONDS = 3600
"""Seconds after which a file that no row names is removed. Reason: an upload is judged and written within a minute."""

STAGED_SECONDS = 7 * DAY_SECONDS
"""Seconds for which a version waits for its approval. Reason: a week of holidays; what is older was forgotten."""

STAGED_EACH_MAX = 20
"""Versions of one publisher that wait at a time. Reason: each holds a file that nobody may see yet."""

PUBLISHER_BYTES_MAX = 20 * 1024 * MIB
"""Bytes of all files of one publisher, unless an administrator says otherwise. Reason: two hundred large layers; one upload after the other must not fill a disk."""

PUBLISHER_VERSIONS_MAX = 20_000
"""Versions of one publisher, unless an administrator says otherwise. Reason: twenty packages, three versions a day for a year."""

PUBLISHER_PACKAGES_MAX = 500
"""Packages of one publisher, unless an administrator says otherwise. Reason: whoever needs more asks; ids are not to be hoarded."""

PACKAGE_VERSIONS_MAX = 2000
"""Versions of one package. Reason: all of them stand in its state, which each new one reads and writes."""

README_BYTES_MAX = 256 * KIB
"""Bytes of a README that are kept for the site. Reason: longer ones are cut; the package has all of it."""

DOCUMENT_BYTES_MAX = 4 * MIB
"""Bytes of an SBOM or of a provenance that are kept for the site. Reason: larger ones stay in the package alone; no half of a JSON document is of use."""

CREATED_AHEAD_SECONDS = 86_400
"""Seconds that a package may claim to be made in the future. Reason: clocks differ by hours at most; later is a lie that sorts it first."""

WISHES_EACH_MAX = 16
"""Lists of owners of one package that wait for somebody. Reason: each is shown to those whom it needs."""

WISH_SECONDS = 14 * DAY_SECONDS
"""Seconds for which a wished list of owners waits. Reason: people are on holiday; older wishes are not meant any more."""

REASON_CHARS_MAX = 500
"""Characters of a reason. Reason: it is shown on one screen, and stands in the log for ever."""

LISTED_MAX = 200
"""Rows of one list for an administrator. Reason: people read them from the oldest on; the rest comes when these are done."""

PREFIX_CHARS_MIN = 16
"""Digits of a publisher's id by which a person names it. Reason: as for hosts; fewer can be ground."""
