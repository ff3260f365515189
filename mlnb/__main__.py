"""``python -m mlnb``: the ``mlnb`` program."""

from mlnb.ui.cli import main

raise SystemExit(main())
