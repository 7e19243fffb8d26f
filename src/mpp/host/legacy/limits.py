"""Limits of older MCP servers. Spec: legacy, sections 7 and 8."""

from __future__ import annotations

from mpp.limits import KIB, MIB

SERVERS_MAX = 64
"""Servers of one home. Reason: a person knows a dozen; each may be a process."""

SERVERS_BYTES_MAX = 32 * MIB
"""Bytes of ``servers.json``. Reason: it holds all definitions that were agreed to; large servers have a hundred kilobytes."""

COMMAND_WORDS_MAX = 64
"""Words of a command. Reason: real ones have ten."""

WORD_BYTES_MAX = 4 * KIB
"""Bytes of one word of a command, of a path or an address. Reason: the longest path of the system."""

HEADERS_MAX = 16
"""Headers with a secret of one server over HTTP. Reason: real ones have one or two."""

FILLED_CHARS_MAX = 100_000
"""Characters of a word or an address once its values are in it. Reason: what Linux takes for one word, which is more than any secret has."""

PATHS_MAX = 64
"""Folders and files of one server. Reason: a person must be able to read all of them."""

HOSTS_MAX = 64
"""Hosts of one server. Reason: as for paths."""

ENV_MAX = 32
"""Variables of one server. Reason: real ones have one or two."""

TOOLS_MAX = 256
"""Tools of one server. Reason: twice what a package may have; agents choose badly among more."""

PROMPTS_MAX = 256
"""Prompts of one server. Reason: as for tools."""

RESOURCES_MAX = 1024
"""Resources of one server. Reason: each is agreed to as it is described; a store of more has templates."""

TEMPLATES_MAX = 64
"""Templates of resources of one server. Reason: real ones have a handful; each address is held against all."""

ARGUMENTS_MAX = 32
"""Arguments of one prompt. Reason: a prompt has a handful."""

PINS_MAX = TOOLS_MAX + PROMPTS_MAX + RESOURCES_MAX + TEMPLATES_MAX
"""Definitions of one server that are agreed to. Reason: the sum of its kinds."""

FOLLOWED_MAX = 256
"""Resources of one server that are followed for clients. Reason: as many as one client may follow."""

PARKED_MAX = 32
"""Calls of one server that wait for the answer to a question at one time. Reason: each holds a request of the server open; one more ends the oldest."""

PARKED_SECONDS_MAX = 300.0
"""Seconds that a server's question waits for its answer. Reason: as long as a front waits for a person."""

DECLINED_MAX = 32
"""Questions of one request that are declined. Reason: a server that goes on asking does nothing else."""

PROBE_SECONDS_MAX = 10.0
"""Seconds in which a server must say of which era it is, once it has started; then it is taken for one of the older era. Reason: one that does not know the question mostly says so at once."""

RELIST_SECONDS = 1.0
"""Seconds between two looks at lists of which a server says that they changed. Reason: a flood of such words must not keep a host listing."""

DEFINITION_BYTES_MAX = 128 * KIB
"""Bytes of one definition. Reason: twice what a model may be made to read of one tool."""

START_SECONDS_MAX = 60.0
"""Seconds for the start of a server, and for its list. Reason: slow runtimes load for some seconds, and a fetcher with an empty cache takes twenty."""

CALL_MS_MAX = 120_000
"""Milliseconds of one call. Reason: clients give up after a minute or two."""

CALLS_AT_ONCE_MAX = 64
"""Calls of one server at one time. Reason: each holds a thread of the host and a descriptor."""

NEWS_MAX = 256
"""Log lines and progress of one call that wait to be passed on. Reason: a flood must not fill memory; what is more is counted and dropped."""

LOG_LINES_MAX = 1000
"""Log lines and progress of one call that are passed on. Reason: each goes through the filter; a flood would hold the call."""

STDERR_BYTES_MAX = 64 * KIB
"""Last bytes of standard error that are kept. Reason: enough to see why a server does not start."""

CRASHES_MAX = 5
"""Starts that fail in a row, or lives shorter than a minute, until a server is not started any more. Reason: a loop of crashes is no service."""

STEADY_SECONDS = 60.0
"""Seconds that a server must live so that earlier crashes are forgotten. Reason: what crashes with its first call lives shorter."""

BACK_OFF_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Seconds to wait before each new start in a row. Reason: the first restart is at once, so that one crash costs nothing."""

STOP_SECONDS_MAX = 2.0
"""Seconds that a server has to end by itself once its input is closed. Reason: well-behaved ones need a tenth."""

IDLE_SECONDS_MAX = 900.0
"""Seconds without a call after which a server is ended. Reason: it costs memory; it starts anew with the next call."""

ROOM_BYTES = 512 * MIB
"""Bytes of a server's temporary folder, and of its home. Reason: a cache of a package manager fits; a full memory does not follow."""

DATA_BYTES_MAX = 4096 * MIB
"""Bytes that each process of a server may write in memory. Reason: JavaScript runtimes ask for much and use little."""

FILE_BYTES_MAX = 1024 * MIB
"""Bytes of one file that a server writes. Reason: a runaway log ends here."""

DESCRIPTORS_MAX = 1024
"""Descriptors of each process of a server. Reason: what systems give by default."""

PROCESSES_MAX = 256
"""Processes and threads of a server, where the kernel counts them for it alone. Reason: runtimes start a dozen; a fork bomb ends here."""

PLAN_BYTES_MAX = MIB
"""Bytes of the plan that a starter is given. Reason: paths and variables at their largest fit."""

PROXY_LINES_MAX = 16
"""Connections of one server through the proxy at one time. Reason: each takes a thread of the host."""

PROXY_HEAD_BYTES_MAX = 8 * KIB
"""Bytes of the head of a request to the proxy. Reason: one line and a few headers."""

PROXY_SECONDS_MAX = 300.0
"""Seconds that a connection through the proxy may stand still. Reason: long polls last for a minute or two."""

PROXY_CONNECT_SECONDS = 15.0
"""Seconds for resolving a name and connecting. Reason: what is slower does not answer."""

HTTP_BODY_BYTES_MAX = 4 * MIB
"""Bytes of one answer of a server over HTTP. Reason: as for a line on standard output."""
