"""Custom patterns judged in a jail, and what compiling cost kept under a seal.

The process that judges imports from here, so nothing is imported here. ``judging`` has the door, ``cache`` the store.
"""
