"""How tables are stored: hash, match with the parent, encode, write; and read back.

The pipeline of a save is `units` (hash each column × row range) → `matching` (what the parent
holds already) → `encoding` and `writing` (store the rest); that of a load is `manifest` →
`reading`.
"""
