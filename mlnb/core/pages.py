"""The templates of HTML pages: values are escaped, and a missing one is an error."""

from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined


def templates(package: str, compiled: Path | None = None) -> Environment:
    """Return the templates in a package's folder ``templates``.

    Parameters
    ----------
    package : str
        Which package's.
    compiled : Path, optional
        A folder that only its owner can write to; compiled templates are kept there.
    """
    cache = None
    if compiled is not None:
        compiled.mkdir(exist_ok=True)
        cache = FileSystemBytecodeCache(str(compiled))
    return Environment(
        bytecode_cache=cache,
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
