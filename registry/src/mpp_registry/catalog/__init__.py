"""What a registry has: packages, versions, publishers, who sees which, and search. Each question is answered through an index."""
