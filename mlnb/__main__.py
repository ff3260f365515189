"""The ``mlnb`` program; also ``python -m mlnb``."""

import sys


def main() -> int:
    """Run the program and return its exit code: in a warm process where that is quicker."""
    if sys.argv[1:2] == ["notebook"]:
        from mlnb.execution.inprocess import program

        if (code := program.run(sys.argv[1:])) is not None:
            return code
    if sys.argv[1:2] in (["deploy"], ["endpoint"]):
        from mlnb.serving import standby

        standby.expect(sys.argv[1:])
    from mlnb.ui import cli

    return cli.main()


if __name__ == "__main__":
    raise SystemExit(main())
