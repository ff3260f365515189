"""Cached cells: keys taken before a cell runs, results in the object store, both explained."""
