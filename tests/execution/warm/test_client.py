import subprocess
import sys


def test_the_client_imports_the_standard_library_only() -> None:
    code = (
        "import sys; import mlnb.execution.warm.client; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"
    )
    out = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {_root()!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert out.stdout.strip() == "['__main__', 'mlnb']"


def _root() -> str:
    import mlnb

    return str(mlnb.__path__[0].rpartition("/")[0])
