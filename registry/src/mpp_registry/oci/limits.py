"""Limits of the OCI protocol."""

from __future__ import annotations

from mpp.limits import KIB

MANIFEST_BYTES_MAX = 64 * KIB
"""Bytes of a manifest that is pushed. Reason: one layer and some notes have less than two; clients may send four MiB elsewhere."""

UPLOADS_EACH_MAX = 8
"""Files that one publisher has sent and not published. Reason: each lies in the storage for an hour, with up to a quarter of a gigabyte."""

TOKEN_SECONDS = 900
"""Seconds for which a token holds that a publisher takes for such a client. Reason: as those of build services; a push takes one or two minutes."""

TOKEN_BYTES = 32
"""Bytes of a token. Reason: nobody finds it by trying."""

TAGS_MAX = 1000
"""Tags of one answer. Reason: a package has at most two thousand versions."""

MANIFESTS_EACH_MAX = 16
"""Manifests that are kept of one version. Reason: each push by another client may write another one; more is no push but storage for strangers."""
