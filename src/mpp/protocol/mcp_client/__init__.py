"""The Model Context Protocol from the client's side, without any I/O: bytes in, messages and counts out. Spec: legacy, section 2."""
