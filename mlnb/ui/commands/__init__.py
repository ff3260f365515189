"""Click commands, one file per noun: the single grammar of the CLI and the magics."""
