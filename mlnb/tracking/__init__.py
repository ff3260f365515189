"""Runs, provenance and the model registry; MLflow is the store."""
