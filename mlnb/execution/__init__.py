"""Parameterized notebooks, executed through papermill."""
