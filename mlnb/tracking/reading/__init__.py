"""Runs read back; `mlnb.tracking.runs` names what is public.

`stored` is a run as a store has it, `queries` MLflow's filters and orders, parsed. Where runs come
from: `database` (a SQLite store, by SQL), `client` (any store, through MLflow) and `waiting` (the
journal). What is made of them: `listing`, `detail`, `comparing` (with `code`, `packages` and
`curves`) and `restoring`.
"""
