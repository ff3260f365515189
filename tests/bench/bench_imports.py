"""Starting up: processor time of fresh interpreters."""

from collections.abc import Iterator

from measuring import Line, compare, processor, processor_of_module

SHELL = (
    "from IPython.core.interactiveshell import InteractiveShell\n"
    "shell = InteractiveShell.instance()\n"
)


def lines() -> Iterator[Line]:
    """Compare imports and help texts."""
    yield compare("import mlnb", processor("import mlnb"), "bare Python", processor("pass"))
    yield compare(
        "import mlnb", processor("import mlnb"), "import mlflow", processor("import mlflow")
    )
    yield compare(
        "IPython with %load_ext mlnb",
        processor(SHELL + "shell.extension_manager.load_extension('mlnb')"),
        "IPython",
        processor(SHELL),
    )
    yield compare(
        "mlnb --help",
        processor_of_module("mlnb", "--help"),
        "papermill --help",
        processor_of_module("papermill", "--help"),
    )
    yield compare(
        "mlnb --help",
        processor_of_module("mlnb", "--help"),
        "mlflow --help",
        processor_of_module("mlflow", "--help"),
    )
