"""What a route is: a method and path, the function that answers, and what that function takes.

A function that answers blocks, and is declared like this::

    def run(source: Source, *, run: str, after: int = 0) -> RunDocument: ...

    ROUTES = (Route("GET", "/runs/{run}", run),)

Parameters named in the path come from the URL, ``body`` from the request's JSON, all others from
the query string; each is checked against its annotation. The same declarations make the URL
patterns, the security tests, the OpenAPI document and the TypeScript types.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from mlnb.core.errors import BadInput
from mlnb.core.records import Record

Method = Literal["GET", "POST", "PUT", "DELETE"]
Action = Literal["read", "write", "execute"]
Where = Literal["path", "query", "body"]


@dataclass(frozen=True)
class Blob:
    """An answer that is no JSON: a figure, an artifact, a log."""

    content: bytes
    media_type: str
    name: str = ""


@dataclass(frozen=True)
class Route:
    """One entry of the table of routes.

    Parameters
    ----------
    method : str
        HTTP method.
    path : str
        Below ``mlnb/api``, with ``{name}`` for one part of it.
    answer : callable
        Takes a `Source` and, by keyword, what the request says; returns a `Record` or a `Blob`.
        It is called in a thread, with the source's project as the current one.
    action : {"read", "write", "execute"}
        What the server's authorizer is asked for.
    anywhere : bool
        Whether it is answered in a folder where nothing was recorded yet, too. A route that is
        not leaves such a folder as it is, and finds nothing.
    """

    method: Method
    path: str
    answer: Callable[..., Record | Blob]
    action: Action = "read"
    anywhere: bool = False

    @property
    def name(self) -> str:
        """Return the method and path, as the TypeScript types name the route."""
        return f"{self.method} {self.path}"

    @property
    def pattern(self) -> str:
        """Return the regular expression of the path."""
        return re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path))

    @property
    def returns(self) -> type[Record] | type[Blob]:
        """Return the type of what is answered."""
        found: type[Record] | type[Blob] = inspect.signature(
            self.answer, eval_str=True
        ).return_annotation
        return found

    @property
    def parameters(self) -> "Mapping[str, Parameter]":
        """Return what the function takes beside the source."""
        return _parameters(self.answer, self.path)

    def arguments(
        self, path: Mapping[str, str], query: Mapping[str, Sequence[str]], body: bytes
    ) -> dict[str, Any]:
        """Return the function's keyword arguments, from what a request says.

        Raises
        ------
        BadInput
            If something is missing, unknown or of another type than declared.
        """
        asked = {name for name, item in self.parameters.items() if item.where == "query"}
        for name in query:
            if name not in asked:
                raise BadInput(
                    f"The request says {name!r}, which {self.name} does not take.",
                    f"It takes: {', '.join(sorted(asked)) or 'nothing'}.",
                )
        found: dict[str, Any] = {}
        for name, item in self.parameters.items():
            if item.where == "body":
                found[name] = item.read_body(body)
            elif item.where == "path":
                found[name] = item.read([path[name]])
            elif name in query:
                found[name] = item.read(query[name])
            elif item.required:
                raise BadInput(f"The request does not say {name!r}.", f"{self.name} needs it.")
        return found


@dataclass(frozen=True)
class Parameter:
    """One thing that a route takes from the request."""

    name: str
    where: Where
    kind: Any
    default: Any = inspect.Parameter.empty

    @property
    def required(self) -> bool:
        """Tell whether a request must say it."""
        return self.default is inspect.Parameter.empty

    @property
    def several(self) -> bool:
        """Tell whether it may be said several times, which makes a list."""
        return getattr(self.kind, "__origin__", None) is list

    def read(self, values: Sequence[str]) -> Any:
        """Return the value of what the URL says."""
        value: Any = list(values) if self.several else values[-1]
        return self._checked(lambda: TypeAdapter(self.kind).validate_python(value))

    def read_body(self, body: bytes) -> Any:
        """Return the record that the request's body holds."""
        try:
            content = json.loads(body or b"null")
        except ValueError as error:
            raise BadInput(
                f"The request's body is no JSON: {error}.", "Send a JSON object."
            ) from None
        if not isinstance(content, dict):
            raise BadInput("The request's body is no JSON object.", "Send one.")
        content.pop("format", None)
        if is_dataclass(self.kind):
            known = {item.name for item in fields(self.kind)}
            for name in content.keys() - known:
                raise BadInput(
                    f"The request's body says {name!r}, which is not known.",
                    f"It may say: {', '.join(sorted(known))}.",
                )
        return self._checked(lambda: TypeAdapter(self.kind).validate_python(content))

    def _checked(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join([self.name, *(str(part) for part in first["loc"])])
            raise BadInput(
                f"The request's {place!r} is wrong: {first['msg']}.",
                "docs/reference/routes.md, or GET openapi.json, says what a route takes.",
            ) from None


@cache
def _parameters(answer: Callable[..., Any], path: str) -> dict[str, Parameter]:
    in_path = set(re.findall(r"\{(\w+)\}", path))
    found: dict[str, Parameter] = {}
    _source, *declared = inspect.signature(answer, eval_str=True).parameters.values()
    for item in declared:
        where: Where = "path" if item.name in in_path else "query"
        if item.name == "body":
            where = "body"
        found[item.name] = Parameter(item.name, where, item.annotation, item.default)
    if missing := in_path - found.keys():
        raise TypeError(f"{path}: the function does not take {missing}.")
    return found
