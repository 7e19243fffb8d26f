"""Protocols as bytes in and events out: nothing here opens a socket, reads a clock or starts a thread."""
