"""Project and settings, object store, records, hashing, events, lineage, errors."""
