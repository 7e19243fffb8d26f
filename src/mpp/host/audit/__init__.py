"""The log of one home on disk: written by many processes at once, read by anybody who may read the folder."""
