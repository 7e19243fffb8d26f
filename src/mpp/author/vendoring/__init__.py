"""Dependencies of Python tools: asked for by name, locked by hash, unpacked into the package, listed in its bill of materials."""
