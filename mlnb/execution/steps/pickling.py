"""Several values of a notebook as one pickle, so that what they share stays shared.

Functions and classes of the notebook go by value; a function's globals are, after loading, the
notebook's variables again, not a copy of them. Secrets are refused wherever they are.
"""

import io
import pickle
import types
from collections.abc import Collection, Mapping
from typing import Any

import cloudpickle

from mlnb.execution.parameters.secret import Secret


class NotStored(Exception):
    """A value that must not, or cannot, be stored; the argument says why."""


def dump(
    values: Mapping[str, Any],
    namespace: Mapping[str, Any],
    *,
    by_name: Collection[str] = (),
    secrets: Collection[str] = (),
) -> tuple[bytes, dict[str, str]]:
    """Pickle values, and tell which could not be.

    Parameters
    ----------
    values : mapping
        By name.
    namespace : mapping
        The notebook's variables.
    by_name : collection of str
        Functions and classes that will be there under their names when this is loaded.
    secrets : collection of str
        Texts that must not be in the pickle.

    Returns
    -------
    bytes
        What `load` takes.
    dict of str
        By name of what was left out: why.
    """
    refused: dict[str, str] = {}
    names = frozenset(by_name)
    left = dict(values)
    while True:
        try:
            return _dumped(left, namespace, names, secrets), refused
        except Exception:
            bad = {}
            for name, value in left.items():
                try:
                    _dumped({name: value}, namespace, names, secrets)
                except Exception as error:  # whatever a value's own reduction raises
                    bad[name] = _reason(error)
            if not bad:  # only together they cannot be
                bad = dict.fromkeys(left, "it cannot be stored together with the others")
            refused |= bad
            left = {name: value for name, value in left.items() if name not in bad}


def load(data: bytes, namespace: dict[str, Any]) -> dict[str, Any]:
    """Unpickle what `dump` made; only for bytes whose origin has been checked."""
    loaded: dict[str, Any] = _Unpickler(io.BytesIO(data), namespace).load()
    return loaded


def _dumped(
    values: Mapping[str, Any],
    namespace: Mapping[str, Any],
    by_name: frozenset[str],
    secrets: Collection[str],
) -> bytes:
    stream = io.BytesIO()
    _Pickler(stream, namespace, by_name).dump(dict(values))
    data = stream.getvalue()
    for secret in secrets:
        if len(secret) >= 4 and secret.encode(errors="replace") in data:
            raise NotStored("it holds a secret")
    return data


def _reason(error: Exception) -> str:
    if isinstance(error, NotStored):
        return str(error)
    text = (str(error) or type(error).__name__).splitlines()[0]
    return f"it cannot be pickled: {text}"


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle is untyped
    def __init__(
        self, stream: io.BytesIO, namespace: Mapping[str, Any], by_name: frozenset[str]
    ) -> None:
        super().__init__(stream, protocol=5)
        self._namespace = namespace
        self._by_name = by_name

    def persistent_id(self, value: Any) -> Any:
        if value is self._namespace:
            return ("namespace",)
        if self._by_name and isinstance(value, types.FunctionType | type):
            name = value.__name__
            if name in self._by_name and self._namespace.get(name) is value:
                return ("name", name)
        return None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, Secret):
            raise NotStored("it is a secret")
        return super().reducer_override(value)

    def _dynamic_function_reduce(self, function: Any) -> Any:
        made: tuple[Any, ...] = super()._dynamic_function_reduce(function)
        if function.__globals__ is not self._namespace:
            return made
        maker, (code, _globals, *rest), (state, slots), *more = made
        return (maker, (code, self._namespace, *rest), (state, {**slots, "__globals__": {}}), *more)


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, namespace: dict[str, Any]) -> None:
        super().__init__(stream)
        self._namespace = namespace

    def persistent_load(self, reference: Any) -> Any:
        if reference[0] == "namespace":
            return self._namespace
        return self._namespace[reference[1]]
