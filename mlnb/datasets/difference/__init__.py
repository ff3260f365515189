"""What changed between two versions of a table.

`comparing` is the entry: schema, rows and cells. It stands on functions over Arrow arrays that
know nothing of versions: `alignment` (which row is which), `hashes` (a number per row content)
and `cells` (where two columns differ). Importing this package imports none of them.
"""
