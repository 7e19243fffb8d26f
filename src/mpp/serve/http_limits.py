"""Limits of the front over HTTP. Spec: spec/mcp-front.md, J-90 to J-96."""

from __future__ import annotations

from mpp.limits import KIB, MIB

HTTP_BODY_BYTES_MAX = 4 * MIB
"""Bytes of one request's body. Reason: the largest arguments of a call fit, with what stands around them; a body is held in memory whole."""

HTTP_HEAD_BYTES_MAX = 64 * KIB
"""Bytes of a request's line and headers. Reason: an access token of the largest size fits, and forty headers beside it."""

HTTP_HEADERS_MAX = 100
"""Headers of one request. Reason: clients and the proxies between them send twenty."""

HTTP_HEAD_SECONDS_MAX = 10
"""Seconds from the first byte of a request, or from the connection, to the end of its headers. Reason: a client sends them at once; a slow one holds a place."""

HTTP_BODY_SECONDS_MAX = 30
"""Seconds in which a body must have come whole. Reason: the largest comes at 1.2 Mbit/s."""

HTTP_WRITE_SECONDS_MAX = 30
"""Seconds for which a client may leave unread what was sent to it. Reason: what it does not read stays in memory."""

HTTP_IDLE_SECONDS_MAX = 75
"""Seconds for which a connection without a request is kept. Reason: longer than most proxies keep theirs, so that they close first."""

HTTP_TLS_SECONDS_MAX = 10
"""Seconds of a TLS handshake. Reason: as for the headers."""

HTTP_CONNECTIONS_MAX = 4096
"""Connections at once. Reason: each takes a descriptor and some 20 KiB; a thousand agents with four each."""

HTTP_CALLS_MAX = 2048
"""Requests that are worked on or wait for it, of all tenants. Reason: at a millisecond each, the last one waits for two seconds."""

HTTP_CALLS_EACH_MAX = 1024
"""Of these, those of one token. Reason: one agent cannot take the places of all others."""

HTTP_THREADS = 256
"""Threads that carry calls. Reason: a call waits for the disk and its worker most of its time; they are made when they are needed."""

HTTP_THREADS_EACH = 64
"""Of these, those of one token. Reason: others' calls go on while one token has many long ones."""

HTTP_STREAMS_EACH_MAX = 64
"""Open streams of one token that wait for news. Reason: a client needs one."""

HTTP_STREAMS_MAX = 2048
"""Open streams that wait for news, of all tenants. Reason: half of the connections remain for calls."""

HTTP_SESSIONS_EACH_MAX = 256
"""Sessions of one token. Reason: a client makes one; the oldest idle one makes room for one too many."""

HTTP_SESSIONS_MAX = 10_000
"""Sessions of all tenants. Reason: each takes some KiB; forty tokens with all of theirs."""

HTTP_SESSION_SECONDS_MAX = 3600
"""Seconds after which a session ends that nobody used. Reason: clients make a new one when theirs is gone."""

HTTP_REPLAY_MAX = 32
"""Messages of one session's stream that are kept for a client that comes back. Reason: word of changes; ten thousand sessions with so many take 80 MB, and who was away for longer reads the lists anew."""

HTTP_OUTBOX_MAX = 1000
"""Messages that wait to be read on one stream. Reason: what a tool says faster than its client reads is left out, never piled up."""

HTTP_KEEPALIVE_SECONDS = 15
"""Seconds of silence after which a stream says that it lives. Reason: proxies cut silent ones after 30 to 60; and a client that is gone is noticed."""

HTTP_STOP_SECONDS_MAX = 10
"""Seconds for which a server that was told to stop lets calls end. Reason: whoever stopped it waits."""

HTTP_RATE_WINDOW_SECONDS = 60
"""Seconds over which a rate counts. Reason: rates are given a minute."""

HTTP_RATES_KEPT_MAX = 10_000
"""Tokens and tenants of which it is remembered how much they asked. Reason: bounds memory; more tokens than a host can have."""
