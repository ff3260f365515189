"""What a step runs, looked at before it runs: that it is there, and the parameters it takes.

Nothing is imported or executed: a script and a function's module are read as syntax trees.
"""

import ast
import sys
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from mlnb.core.errors import InvalidPipeline, UnknownName, suggestion
from mlnb.core.project import Project
from mlnb.execution import notebooks, parameters
from mlnb.execution.parameters import Parameter
from mlnb.pipelines.spec import Kind, Step


@dataclass(frozen=True)
class Source:
    """What a step runs."""

    kind: Kind
    shown: str
    """Path relative to the project, or ``package.module:function``."""
    path: Path | None
    """None for a function that is made otherwise than by ``def``, or not in Python."""
    declared: list[Parameter] | None
    """None when anything is taken: a script, a function with ``**``."""
    cells: int = 1
    required: tuple[str, ...] = ()
    """Parameters of a function that have no default."""
    cwd: str = ""
    """Folder that it runs in, relative to the project, when the step says one."""


def look(project: Project, folder: Path, step: Step) -> Source:
    """Return what a step runs, having checked that it can be read.

    Parameters
    ----------
    project : Project
        Of the pipeline.
    folder : Path
        Where the pipeline file is.
    step : Step
        The step.

    Raises
    ------
    MissingNotebook, InvalidNotebook, UnknownName, InvalidPipeline
        If there is no such thing, or it cannot run.
    """
    found = _look(project, folder, step)
    return replace(found, cwd=_cwd(project, folder / step.cwd)) if step.cwd else found


def _look(project: Project, folder: Path, step: Step) -> Source:
    if step.kind == "script":
        return _script(project, folder / step.source)
    if step.kind == "function":
        return _function(project, folder, step.source)
    path = folder / step.source
    notebook = notebooks.read(path)
    notebooks.kernel_for(notebook, step.kernel)
    declared = parameters.of(notebook)
    return Source("notebook", project.relative(path), path, declared, len(notebook.cells))


def _cwd(project: Project, path: Path) -> str:
    shown = project.relative(path)
    if not path.resolve().is_relative_to(project.root.resolve()):
        raise InvalidPipeline(f"cwd {shown} is outside the project.", "Name a folder within it.")
    if not path.is_dir():
        raise InvalidPipeline(f"cwd {shown} is no folder.", "Make it, or name another.")
    return shown


def _script(project: Project, path: Path) -> Source:
    shown = project.relative(path)
    if not path.is_file():
        nearby = sorted(path.parent.glob("*.py")) if path.parent.is_dir() else []
        raise UnknownName("script", shown, [project.relative(item) for item in nearby])
    _tree(path, shown)
    return Source("script", shown, path, None)


def _tree(path: Path, shown: str) -> ast.Module:
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError) as error:
        raise InvalidPipeline(f"{shown} cannot be read as Python: {error}.") from None


def search_path(project: Project, folder: Path) -> list[Path]:
    """Return the folders of the project in which the module of a function step is looked for."""
    places = (folder, project.root, project.root / "src")
    return list(dict.fromkeys(place for place in places if place.is_dir()))


def _function(project: Project, folder: Path, source: str) -> Source:
    module, _, name = source.partition(":")
    path = _module(project, folder, module)
    if path is None:
        return Source("function", source, None, None)
    tree = _tree(path, project.relative(path))
    made = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found = next((node for node in reversed(made) if node.name == name), None)
    if found is not None:
        return _signature(source, path, found)
    if not {name, "*"} & _assigned(tree):
        raise InvalidPipeline(
            f"{module} has no function {name!r}.", suggestion(name, [node.name for node in made])
        )
    return Source("function", source, path, None)


def _module(project: Project, folder: Path, module: str) -> Path | None:
    """Return the file of a module, the project's own first; None when it has no Python source."""
    own = [str(item) for item in search_path(project, folder)]
    found = _found(module, own) or _found(module, None)
    if found is None and module in sys.builtin_module_names:
        return None
    if found is None:
        raise InvalidPipeline(
            f"There is no module {module!r}, neither in the project nor installed.",
            "It is looked for beside the pipeline file, in the project's folder and in src/.",
        )
    path = Path(found.origin) if found.origin else None
    return path if path is not None and path.suffix == ".py" else None


def _found(module: str, where: list[str] | None) -> ModuleSpec | None:
    """Find a module without importing the packages that it is in."""
    found = None
    parts = module.split(".")
    for number in range(1, len(parts) + 1):
        found = PathFinder.find_spec(".".join(parts[:number]), where)
        if found is None:
            return None
        where = list(found.submodule_search_locations or [])
    return found


def _signature(source: str, path: Path, node: ast.FunctionDef) -> Source:
    given = node.args
    if given.posonlyargs:
        raise InvalidPipeline(
            f"{source} takes {given.posonlyargs[0].arg!r} by position only.",
            "A step calls its function with keywords.",
        )
    arguments = [*given.args, *given.kwonlyargs]
    defaults: list[ast.expr | None] = [
        *([None] * (len(given.args) - len(given.defaults))),
        *given.defaults,
        *given.kw_defaults,
    ]
    declared = [
        Parameter(
            name=item.arg,
            default=ast.unparse(default) if default is not None else "",
            annotation=ast.unparse(item.annotation) if item.annotation else "",
        )
        for item, default in zip(arguments, defaults, strict=True)
    ]
    required = tuple(
        item.arg for item, default in zip(arguments, defaults, strict=True) if default is None
    )
    return Source("function", source, path, None if given.kwarg else declared, required=required)


def _assigned(tree: ast.Module) -> set[str]:
    """Return what a module binds in other ways than by ``def``; ``*`` when that is not known."""
    names = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(item.asname or item.name).partition(".")[0] for item in node.names}
    return names
