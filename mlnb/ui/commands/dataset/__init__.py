"""``mlnb dataset`` / ``%dataset``: save, load, inspect, compare and share dataset versions."""

from mlnb.ui.commands.dataset import folders, history, tables
from mlnb.ui.commands.dataset.group import dataset

__all__ = ["dataset", "folders", "history", "sharing", "tables"]
