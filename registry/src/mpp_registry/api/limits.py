"""Limits of the registry's HTTP interface."""

from __future__ import annotations

from mpp.limits import KIB, MIB

BODY_BYTES_MAX = 512 * KIB
"""Bytes of a JSON body. Reason: a root document with a hundred versions fits; it is held in memory."""

SPOOL_BYTES = 1 * MIB
"""Bytes of an upload that are held in memory at a time. Reason: the rest lies in a file, so that slow uploads take no memory."""

BODY_GRACE_SECONDS = 20
"""Seconds that a body may take without bringing anything. Reason: a lost packet and a busy line cost a few; a silent client holds a place."""

BODY_RATE_MIN = 16 * KIB
"""Bytes a second that a body must bring after the grace. Reason: a slow telephone line does more; the largest package then takes five hours at most."""

UPLOADS_MAX = 16
"""Uploads that are received at once. Reason: each may come to lie on the disk with a quarter of a gigabyte."""

PUBLISHES_MAX = 2
"""Packages that are judged at once in one process. Reason: each is in memory whole and takes a core."""

THREADS = 16
"""Threads that answer requests. Reason: they wait for the database most of their time; more only queue there."""

OUTSIDE_THREADS = 8
"""Threads that wait for servers elsewhere: peers, issuers, domains. Reason: they may take seconds each; more would only be more for a stranger to hold."""

DOWNLOAD_THREADS = 16
"""Threads that read blobs for downloads. Reason: a slow storage must not keep the others' answers back."""

WAITING_MAX = 512
"""Requests that are worked on or wait for it. Reason: at some milliseconds each, the last one waits for seconds; more are told to come again."""

QUERY_CHARS_MAX = 2000
"""Characters of a query. Reason: the longest that means something has a few hundred."""

SEARCH_CHARS_MAX = 200
"""Characters of what is searched for. Reason: a few words."""

PAGE_ITEMS = 20
"""Items of a page, where nothing is said. Reason: as many as a screen shows."""

RATE_READ = 1200
"""Requests a minute of one address. Reason: an install takes ten; a build machine that installs two packages a second fits."""

RATE_WRITE = 120
"""Changes a minute of one key. Reason: nobody publishes two versions a second."""

RATE_WRITE_ADDRESS = 240
"""Requests a minute of one address that would change something, whoever it is. Reason: each costs a check of a signature before it is known."""

COUNTED_MAX = 10_000
"""Packages whose downloads wait to be counted. Reason: bounds memory; more are written at once."""

COUNT_SECONDS = 10
"""Seconds between two writings of download counts. Reason: one write of the database for many downloads; a crash loses a few counts and nothing else."""

METRIC_SERIES_MAX = 1000
"""Series of one metric. Reason: routes times statuses are some hundreds; nothing that a client writes is a label."""

HEALTH_SECONDS = 1
"""Seconds for which an answer about health is kept. Reason: it asks the database and the storage, and anybody may ask it."""

STOP_SECONDS_MAX = 15
"""Seconds for which a registry that was told to stop lets requests end. Reason: whoever stopped it waits; a publish takes a few."""

ADDRESS_WAITING_MAX = 64
"""Of these, those of one address. Reason: browsers and installers open six to twenty; a company behind one address has more people."""
