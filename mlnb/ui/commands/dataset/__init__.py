"""``mlnb dataset`` / ``%dataset``: save, load, inspect, compare and share dataset versions."""

from mlnb.ui.commands.dataset import folders, history, links, tables
from mlnb.ui.commands.dataset.group import dataset

__all__ = ["dataset", "folders", "history", "links", "sharing", "tables"]
