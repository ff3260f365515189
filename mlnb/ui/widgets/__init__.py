"""Widgets for notebooks (anywidget); their ESM and CSS lie in ``static/`` and load nothing else."""
