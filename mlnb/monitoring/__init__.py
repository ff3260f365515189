"""Prediction logs → drift and realised performance → alerts."""
