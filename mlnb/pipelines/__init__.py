"""Pipelines of notebooks: spec, plan, schedule, report."""
