"""``mlnb dataset`` / ``%dataset``: save, load, inspect, compare and share dataset versions."""

from mlnb.ui.commands.dataset import checks, folders, history, links, sharing, tables
from mlnb.ui.commands.dataset.group import dataset

__all__ = ["checks", "dataset", "folders", "history", "links", "sharing", "tables"]
