"""Exports: versions written for other tools, with what each format does not keep.

``exporting`` chooses the format; each writes its target whole or not at all. ``losses`` reads
back what was written and names every column that is not as it was.
"""
