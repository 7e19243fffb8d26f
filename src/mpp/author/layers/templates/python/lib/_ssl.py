"""Stand-in: the names that are looked for here; see ssl."""

from ssl import (  # noqa: F401
    OPENSSL_VERSION,
    OPENSSL_VERSION_INFO,
    OPENSSL_VERSION_NUMBER,
    RAND_bytes,
    RAND_status,
    MemoryBIO,
    SSLError,
    SSLWantReadError,
    SSLZeroReturnError,
)
