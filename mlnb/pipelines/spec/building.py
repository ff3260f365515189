"""Build a pipeline in Python: the same object that the YAML file describes.

>>> flow = Builder("flights", params={"year": 2013, "floor": 0.6})
>>> ingest = flow.step(notebook="ingest.ipynb", params={"year": flow.params.year})
>>> train = flow.step(notebook="train.ipynb", params={"data": ingest["data"]})
>>> flow.step(notebook="release.ipynb", when=train["score"] > flow.params.floor)
Handle('release')
>>> flow.build().steps["release"].needs
['train']
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from mlnb.core.errors import InvalidPipeline, suggestion
from mlnb.pipelines import expressions
from mlnb.pipelines.spec import writing
from mlnb.pipelines.spec.models import Pipeline, Step
from mlnb.pipelines.spec.reading import made


class Expression:
    """A value that is known when the pipeline runs; compared and combined like a value.

    ``&``, ``|`` and ``~`` stand for and, or, not. In text it is its ``${{ … }}``:
    ``f"flights-{flow.params.year}"``.
    """

    def __init__(self, source: str) -> None:
        self.source = source

    def __str__(self) -> str:
        return f"${{{{ {self.source} }}}}"

    def __repr__(self) -> str:
        return f"Expression({self.source!r})"

    def __getitem__(self, key: Any) -> "Expression":
        return Expression(f"{_operand(self)}[{_source(key)}]")

    def __eq__(self, other: object) -> "Expression":  # type: ignore[override]  # not a bool yet
        return _compared(self, "==", other)

    def __ne__(self, other: object) -> "Expression":  # type: ignore[override]  # not a bool yet
        return _compared(self, "!=", other)

    def __lt__(self, other: object) -> "Expression":
        return _compared(self, "<", other)

    def __le__(self, other: object) -> "Expression":
        return _compared(self, "<=", other)

    def __gt__(self, other: object) -> "Expression":
        return _compared(self, ">", other)

    def __ge__(self, other: object) -> "Expression":
        return _compared(self, ">=", other)

    def __and__(self, other: object) -> "Expression":
        return Expression(f"{_operand(self)} and {_operand(other)}")

    def __or__(self, other: object) -> "Expression":
        return Expression(f"{_operand(self)} or {_operand(other)}")

    def __invert__(self) -> "Expression":
        return Expression(f"not {_operand(self)}")

    def is_in(self, values: Iterable[Any]) -> "Expression":
        """Ask whether it is one of several values."""
        return _compared(self, "in", values if isinstance(values, Expression) else list(values))

    def contains(self, value: object) -> "Expression":
        """Ask whether it, a list or text, has a value in it."""
        return Expression(f"{_operand(value)} in {_operand(self)}")

    def __bool__(self) -> bool:
        raise TypeError(
            f"{self.source} is known only when the pipeline runs: "
            "combine it with & | ~ instead of and, or, not, and give it as `when`."
        )

    __hash__ = None  # type: ignore[assignment]  # == does not compare
    __iter__ = None  # else `in` and `for` would ask for item after item without an end


class Names:
    """What has names: ``flow.params.year``, or ``flow.params["year"]``."""

    def __init__(self, root: str, known: Mapping[str, Any] | None = None) -> None:
        self._root = root
        self._known = known

    def __getitem__(self, name: str) -> Expression:
        if self._known is not None and name not in self._known:
            raise InvalidPipeline(
                f"The pipeline has no parameter {name!r}.", suggestion(name, self._known)
            )
        return Expression(f"{self._root}.{name}")

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]


class Handle:
    """A step that was added: ``step["score"]`` is a value that it glues."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, value: str) -> Expression:
        return Expression(f"steps.{self.name}.{value}")

    def __repr__(self) -> str:
        return f"Handle({self.name!r})"


class Builder:
    """Builds a `Pipeline` step by step; takes the keys of the pipeline file as arguments."""

    matrix = Names("matrix")
    """The values of a step's matrix or foreach: ``flow.matrix.family``."""
    run = Names("run")
    """How the run ended, for `on_failure`: ``flow.run.error``."""

    def __init__(self, name: str, **settings: Any) -> None:
        self._body: dict[str, Any] = {"name": name, **settings}
        self._steps: dict[str, dict[str, Any]] = {}
        self.params = Names("params", dict(settings.get("params") or {}))

    def step(
        self,
        name: str | None = None,
        *,
        function: Callable[..., Any] | str | None = None,
        needs: Iterable[Handle | str] | Handle | str = (),
        **settings: Any,
    ) -> Handle:
        """Add a step.

        Parameters
        ----------
        name : str, optional
            By default the notebook's, script's or function's own.
        function : callable or str, optional
            Of a module that can be imported.
        needs : steps, optional
            Steps whose values it uses are needed anyway.
        **settings
            The other keys of a step in a pipeline file, with expressions as values.

        Raises
        ------
        InvalidPipeline
            If the name is taken.
        """
        if function is not None:
            settings["function"] = _named(function)
        for kind in ("notebook", "script"):
            if isinstance(settings.get(kind), PurePath):
                settings[kind] = settings[kind].as_posix()
        name = name or _name_of(settings)
        if name in self._steps:
            raise InvalidPipeline(f"There are two steps {name!r}.", "Name one of them otherwise.")
        needed = [needs] if isinstance(needs, Handle | str) else needs
        body = {key: _plain(value) for key, value in settings.items() if value is not None}
        named = [item.name if isinstance(item, Handle) else item for item in needed]
        if named:
            body["needs"] = named
        self._steps[name] = body
        return Handle(name)

    def on_failure(self, **settings: Any) -> None:
        """Set the step that is run when the run has failed."""
        if callable(settings.get("function")):
            settings["function"] = _named(settings["function"])
        self._body["on_failure"] = _plain(settings)

    def build(self) -> Pipeline:
        """Return the pipeline.

        Raises
        ------
        InvalidPipeline
            As reading its file would.
        """
        steps = {name: self._with_needs(body) for name, body in self._steps.items()}
        body = {key: _plain(value) for key, value in self._body.items() if value is not None}
        return made({**body, "steps": steps}, f"Pipeline {self._body['name']!r}")

    def to_yaml(self) -> str:
        """Return the text of the pipeline file."""
        return writing.to_yaml(self.build())

    def write(self, path: Path | str, *, schema: str = "") -> Path:
        """Write the pipeline file, having checked it.

        Parameters
        ----------
        path : path
            Where to.
        schema : str
            Path or address of the JSON Schema, for editors.
        """
        return writing.write(self.build(), Path(path), schema=schema)

    def _with_needs(self, body: dict[str, Any]) -> dict[str, Any]:
        """Add the steps whose values are used, except those that are needed already."""
        used = [body.get(key) for key in ("params", "foreach")]
        if isinstance(body.get("when"), str):
            used.append(expressions.condition(body["when"]))
        found = expressions.references(used, self._steps)
        needs = [*body.get("needs", ()), *(item.name for item in found if item.root == "steps")]
        return {**body, "needs": list(dict.fromkeys(needs))} if needs else body


def _named(function: Callable[..., Any] | str) -> str:
    if isinstance(function, str):
        return function
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", "")
    if module in (None, "__main__") or not name.isidentifier():
        raise InvalidPipeline(
            f"{name or function!r} cannot be imported by a step.",
            "Put the function into a module of the project.",
        )
    return f"{module}:{name}"


def _name_of(settings: Mapping[str, Any]) -> str:
    source = next((str(settings[k]) for k in Step.model_fields if k in _KINDS & set(settings)), "")
    stem = source.partition(":")[2] or PurePath(source).stem
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "step"


_KINDS = {"notebook", "script", "function"}


def _plain(value: Any) -> Any:
    """Return a value as the file has it: expressions as text, tuples as lists."""
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.as_posix() if isinstance(value, PurePath) else value


def _compared(left: object, sign: str, right: object) -> Expression:
    return Expression(f"{_operand(left)} {sign} {_operand(right)}")


def _operand(value: object) -> str:
    """Return a value's source, in brackets where it is more than one word."""
    source = _source(value)
    simple = not isinstance(value, Expression) or re.fullmatch(r"[\w.\-\[\]'\"]+", source)
    return source if simple else f"({source})"


def _source(value: object) -> str:
    if isinstance(value, Expression):
        return value.source
    if isinstance(value, list | tuple):
        return f"[{', '.join(_source(item) for item in value)}]"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value).replace("}}", "}\\x7d")
    raise InvalidPipeline(
        f"{value!r} cannot stand in an expression.", "Use text, numbers, booleans and lists."
    )
