"""Share datasets through another store: push, pull, repair.

A remote is an object store like the project's own, at any URL. A version has one number on both
sides, or it is not written: the logs are compared first (`planning`), then the objects are copied
that the other side lacks (`copying`), then the log entries that name them, and last the tags and
removals (`marks`). Killed at any point, both sides are whole, and doing it again goes on.
"""
