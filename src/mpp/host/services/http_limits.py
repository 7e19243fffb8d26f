"""Limits of ``http.fetch``. Spec: spec/call-contract.md gives the same numbers."""

from __future__ import annotations

from mpp.limits import KIB, MIB

URL_CHARS_MAX = 8 * KIB
"""Characters of an address that a guest asks for. Reason: common servers refuse longer ones."""

HEADERS_MAX = 64
"""Headers of a request of a guest. Reason: real requests have ten; servers refuse a hundred."""

HEADER_BYTES_MAX = 16 * KIB
"""Bytes of all headers of a request of a guest. Reason: common servers refuse more."""

REQUEST_BODY_MAX = 4 * MIB
"""Bytes of the body of a request. Reason: it is held in memory and searched for secrets before it leaves."""

RESPONSE_BODY_MAX = 8 * MIB
"""Bytes of the body of an answer, before and after inflating. Reason: it is held in memory; it reaches the guest as base64 in one message."""

RESPONSE_HEADERS_MAX = 128
"""Header lines of an answer, and trailer lines. Reason: real answers have thirty."""

RESPONSE_HEAD_MAX = 64 * KIB
"""Bytes of the head of an answer, of each interim answer and of a trailer. Reason: bounds memory before anything is understood."""

INTERIM_MAX = 8
"""Interim (1xx) answers before the final one. Reason: a server could send them for ever."""

CHUNKS_MAX = 131_072
"""Chunks of one body. Reason: chunks of one byte cost far more work than they bring."""

CHUNK_LINE_MAX = 256
"""Bytes of the line before a chunk. Reason: extensions of chunks mean nothing to anybody."""

RATIO_MAX = 200
"""Bytes inflated from one, once a body passes RATIO_FREE_MAX. Reason: text shrinks ten to twenty times; a bomb a thousand times."""

RATIO_FREE_MAX = MIB
"""Bytes that a body may inflate to at any ratio. Reason: a small body of spaces harms nobody."""

MEMBERS_MAX = 64
"""Compressed members one after the other in a body. Reason: nearly all servers send one; each costs a fresh decoder."""

REDIRECTS_MAX = 5
"""Redirects followed for one request. Reason: longer chains are loops."""

TIMEOUT_DEFAULT_MAX = 30_000
"""Milliseconds for a request that names none. Reason: what people wait for; a call may be shorter still."""

ADDRESSES_MAX = 4
"""Addresses tried for one name. Reason: two of each family; the time for each shrinks with their number."""

ANSWERS_MAX = 64
"""Addresses that a name may resolve to. Reason: all are judged before one is used."""

RESOLVING_MAX = 64
"""Names being resolved at a time. Reason: the system's resolver cannot be interrupted, so each holds a thread until it gives up."""

AT_ONCE_MAX = 32
"""Requests under way in the service. Reason: each holds a thread and up to sixty megabytes."""

AT_ONCE_EACH_MAX = 8
"""Requests under way for one package. Reason: slow servers of one package must not hold up the others."""

WAITING_MAX = 1024
"""Requests that wait for their turn. Reason: bounds open descriptors; more means that something is wrong."""

IDLE_MAX = 128
"""Connections kept open for reuse. Reason: bounds descriptors; the oldest goes first."""

IDLE_EACH_MAX = 8
"""Connections kept open for one package. Reason: as many as it may use at a time."""

IDLE_SECONDS_MAX = 15.0
"""Seconds that a connection may lie idle. Reason: servers close theirs at five to seventy-five."""

IDLE_UNSAFE_SECONDS_MAX = 3.0
"""Seconds idle before a request that must not be sent twice takes a fresh connection. Reason: shorter than the idle time of common servers."""

AGE_SECONDS_MAX = 120.0
"""Seconds that a connection may live. Reason: names move to other addresses, and an address is judged when it is connected."""

FRAME_HEAD_MAX = MIB
"""Bytes of the head of a frame between host and service. Reason: holds all headers and secrets with every character escaped."""

START_SECONDS_MAX = 60.0
"""Seconds to start the service. Reason: it takes a tenth of one; a machine under load takes longer."""

GRACE_MS_MAX = 20
"""Milliseconds that the service gets less than there are. Reason: so its own word that the time is over, with what was contacted, comes in time."""

STOP_SECONDS_MAX = 2.0
"""Seconds that the service may take to end. Reason: it ends at once when its host closes the control socket; then it is killed."""

MESSAGE_MAX = 200
"""Characters of the words of a refusal. Reason: one line."""

SECRET_VALUE_MAX = 8 * KIB
"""Characters of a secret in a header. Reason: common servers refuse longer headers."""

SHORTEST_NEEDLE = 4
"""Characters from which on a secret is searched for. Reason: shorter ones stand in every text by chance."""

SHORTEST_ENCODED = 6
"""Characters from which on an encoded secret is searched for. Reason: as above; an encoding of a short secret loses its edges."""

SERVICE_MEMORY_MAX = 3 * 1024 * MIB
"""Bytes of address space of the service. Reason: all requests at their largest, with room."""

SERVICE_FILES_MAX = 4096
"""Descriptors of the service. Reason: waiting channels, connections and names being resolved, with room."""
