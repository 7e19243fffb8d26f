"""The log of a registry: each change is a leaf, each state has a signed checkpoint, and a map proves what is newest."""
