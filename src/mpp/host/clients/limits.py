"""Limits on the configuration files of clients."""

from __future__ import annotations

from mpp.limits import KIB, MIB

CONFIG_BYTES_MAX = 16 * MIB
"""Bytes of a configuration file. Reason: some clients keep their history in the same file, of a few megabytes."""

CONFIG_DEPTH_MAX = 64
"""Levels of nesting in a configuration file. Reason: it is read by recursion; no client nests deeper than ten."""

CONFIG_VALUES_MAX = 200_000
"""Values in a configuration file. Reason: each takes some hundred bytes of memory while the file is read."""

SERVERS_MAX = 500
"""Servers in one configuration file. Reason: a person must be able to read the plan; clients stop at tens."""

PROJECTS_MAX = 1000
"""Projects of a client that are looked through. Reason: a client remembers each folder it was ever started in."""

SERVER_NAME_MAX = 128
"""Characters of the name of a server. Reason: it is shown, and made into other names; clients ask for less."""

SERVER_TEXT_MAX = 32 * KIB
"""Characters of one word of a server's command, of a variable or of a header. Reason: systems take little more."""

SERVER_WORDS_MAX = 256
"""Words of a server's command, its variables, or its headers. Reason: bounds a plan that a person must read."""

BUNDLE_LIST_MAX = 16 * MIB
"""Bytes of the list of names in an .mcpb file. Reason: it is read whole; a folder of JavaScript modules has tens of thousands of names."""

BUNDLE_MANIFEST_MAX = MIB
"""Bytes of the manifest in an .mcpb file, and of a server.json. Reason: each describes one server; ten kilobytes are usual."""
