"""Versions of tables: save, load, log, show."""
