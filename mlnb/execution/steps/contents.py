"""Digests of what values hold: equal content has one digest in every process.

Memory addresses, the layout of buffers, the order of sets and where a function's source stands do
not count. Functions and classes of the notebook count by their compiled code and what they use;
those of modules by their names (`mlnb.execution.steps.modules` looks after the modules' files).
"""

import dis
import marshal
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from mlnb.core.errors import MlnbError
from mlnb.core.hashing import Hasher
from mlnb.execution.parameters.secret import Secret

_SCALARS = frozenset({int, float, bool, type(None), str, bytes, complex})
_NOT_OF_A_CLASS = frozenset(
    {"__dict__", "__weakref__", "__module__", "__firstlineno__", "__static_attributes__"}
    | {"__annotations_cache__", "__annotate_func__", "__abstractmethods__", "_abc_impl"}
)
_Function = types.FunctionType


class NoContent(Exception):
    """A value whose content cannot be told: an open file, a connection, a generator."""


class Contents:
    """Takes digests, and notes which modules and notebook functions were met on the way.

    Parameters
    ----------
    namespace : mapping
        The notebook's variables.
    fingerprint : callable
        What stands for a secret: it must not tell anybody what the secret is.
    """

    def __init__(
        self, namespace: Mapping[str, Any], fingerprint: Callable[[str], str] = lambda _text: ""
    ) -> None:
        self._namespace = namespace
        self._fingerprint = fingerprint
        self._path: dict[int, int] = {}
        self._hasher: Any = None
        self.modules: set[str] = set()
        """Names of the modules of everything met."""
        self.constants: set[str] = set()
        """Texts in the code of the notebook's functions."""

    def digest(self, value: Any) -> str:
        """Return the digest of a value.

        Raises
        ------
        NoContent
            If it has none.
        """
        self._path = {}
        self._hasher = Hasher()
        try:
            self._add(value)
        except RecursionError:
            raise NoContent(f"{type(value).__name__} is nested too deeply") from None
        return str(self._hasher.hexdigest())

    # -- one value -------------------------------------------------------------------------------

    def _write(self, tag: str, data: Any = b"") -> None:
        view = memoryview(data)
        self._hasher.update(f"<{tag}:{view.nbytes}>".encode())
        self._hasher.update(view.cast("B") if view.nbytes else b"")

    def _add(self, value: Any) -> None:
        kind = type(value)
        if kind in _SCALARS:
            self._write("scalar", marshal.dumps(value, 0))
        elif isinstance(value, Secret):
            self._write("secret", self._fingerprint(str(value)).encode())
        elif id(value) in self._path:
            self._write("cycle", str(len(self._path) - self._path[id(value)]).encode())
        else:
            self._path[id(value)] = len(self._path)
            try:
                self._add_object(value, kind)
            finally:
                del self._path[id(value)]

    def _add_object(self, value: Any, kind: type) -> None:
        if kind in (list, tuple):
            self._add_sequence(value, kind)
        elif kind is dict:
            self._write("dict", str(len(value)).encode())
            for key, item in value.items():
                self._add(key)
                self._add(item)
        elif kind in (set, frozenset):
            self._write(kind.__name__, "".join(sorted(map(self._apart, value))).encode())
        elif isinstance(value, types.ModuleType):
            self._write("module", value.__name__.encode())
            self.modules.add(value.__name__)
        elif isinstance(value, _Function):
            self._add_function(value)
        elif isinstance(value, type):
            self._add_class(value)
        elif isinstance(value, types.CodeType):
            self._add_code(value)
        elif isinstance(
            value, types.GeneratorType | types.CoroutineType | types.AsyncGeneratorType
        ):
            raise NoContent(f"a {kind.__name__} cannot be looked into without using it up")
        elif not self._add_table(value, kind):
            self._add_reduced(value)

    def _add_sequence(self, value: Any, kind: type) -> None:
        self._write(kind.__name__, str(len(value)).encode())
        if len(value) > 8 and set(map(type, value)) <= _SCALARS:
            self._write("scalars", marshal.dumps(list(value), 0))
            return
        for item in value:
            self._add(item)

    def _apart(self, value: Any) -> str:
        """Return the digest of a member of a set, whose order means nothing."""
        outer, self._hasher = self._hasher, Hasher()
        try:
            self._add(value)
            return str(self._hasher.hexdigest())
        finally:
            self._hasher = outer

    # -- tables and arrays -----------------------------------------------------------------------

    def _add_table(self, value: Any, kind: type) -> bool:
        library = kind.__module__.partition(".")[0]
        if library not in ("numpy", "pandas", "polars", "pyarrow") or library not in sys.modules:
            return False
        self.modules.add(library)
        module = sys.modules[library]
        if library == "numpy" and isinstance(value, module.ndarray):
            return self._add_array(value)
        if library == "numpy" and isinstance(value, module.generic) and not value.dtype.hasobject:
            self._write(f"numpy {value.dtype.str}", value.tobytes())
            return True
        if library == "pandas" and isinstance(value, module.DataFrame):
            return self._add_frame(value)
        if library == "pandas" and isinstance(value, module.Series):
            return self._add_series(value)
        if library == "pandas" and isinstance(value, module.Index):
            self._write("index", repr((kind.__name__, value.names)).encode())
            return self._add_index(value)
        if library == "polars" and kind.__name__ in ("DataFrame", "Series"):
            self._write(f"polars {kind.__name__}", repr(getattr(value, "name", "")).encode())
            table = (
                value.to_arrow() if kind.__name__ == "DataFrame" else value.to_frame().to_arrow()
            )
            return self._add_arrow(table)
        if library == "pyarrow" and kind.__name__ in ("Table", "RecordBatch"):
            self._write(f"arrow {kind.__name__}")
            return self._add_arrow(
                value if kind.__name__ == "Table" else module.Table.from_batches([value])
            )
        return False

    def _add_array(self, array: Any) -> bool:
        import numpy as np

        if type(array).__module__.startswith("numpy.ma"):
            return False
        self._write(f"array {array.dtype.descr} {array.shape} {type(array).__name__}")
        if array.dtype.hasobject:
            self._add(array.ravel().tolist())
        else:
            flat = np.ascontiguousarray(array).reshape(-1)
            self._write("data", flat.view(np.uint8) if array.size else b"")
        return True

    def _add_frame(self, frame: Any) -> bool:
        self._write("frame", repr((type(frame).__name__, frame.shape)).encode())
        self._add_index(frame.columns)
        self._add_index(frame.index)
        self._add(dict(frame.attrs))
        for place in range(frame.shape[1]):
            self._add_series(frame.iloc[:, place], indexed=False)
        return True

    def _add_series(self, series: Any, *, indexed: bool = True) -> bool:
        self._write("series", repr((str(series.dtype), type(series).__name__)).encode())
        if indexed:
            self._add(series.name)
            self._add_index(series.index)
        self._add_values(series.array)
        return True

    def _add_index(self, index: Any) -> bool:
        self._write("labels", repr((type(index).__name__, str(index.dtype))).encode())
        self._add(list(index.names))
        if type(index).__name__ == "RangeIndex":
            self._add((index.start, index.stop, index.step))
        elif type(index).__name__ == "MultiIndex":
            for level in range(index.nlevels):
                self._add_index(index.get_level_values(level))
        else:
            self._add_values(index.array)
        return True

    def _add_values(self, values: Any) -> None:
        """Add pandas's array, whatever buffers it is kept in."""
        kind = type(values).__name__
        if kind == "NumpyExtensionArray":
            self._add_array(values.to_numpy())
        elif kind == "Categorical":
            self._add_array(values.codes)
            self._add_index(values.categories)
            self._write("ordered", str(values.ordered).encode())
        elif hasattr(values, "asi8"):  # times
            self._add_array(values.asi8)
        elif hasattr(values, "__arrow_array__"):
            import pyarrow as pa

            array = pa.array(values)
            chunks = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
            self._add_arrow(pa.table({"": chunks}))
        else:
            self._add_array(values.astype(object))

    def _add_arrow(self, table: Any) -> bool:
        import pyarrow as pa

        self._write("schema", str(table.schema.to_string(show_field_metadata=True)).encode())
        self._write("rows", str(table.num_rows).encode())
        for column in table.columns:
            # concatenating with an empty array makes the layout of the buffers canonical
            self._add_buffers(pa.concat_arrays([*column.chunks, pa.array([], column.type)]))
        return True

    def _add_buffers(self, array: Any) -> None:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = array.type
        nulls = None
        if array.null_count:
            nulls = pc.is_null(array).to_numpy(zero_copy_only=False)
            self._add_array(nulls)
        if text := _text_type(kind):
            array = array.cast(text)
            if nulls is not None:
                array = pc.fill_null(array, b"" if text == pa.large_binary() else "")
            if not len(array):
                return
            offsets = np.frombuffer(array.buffers()[1], np.int64)
            offsets = offsets[array.offset : array.offset + len(array) + 1]
            self._add_array(offsets - offsets[0])
            if (data := array.buffers()[2]) is not None:
                self._write("text", memoryview(data)[offsets[0] : offsets[-1]])
        elif pa.types.is_boolean(kind):
            filled = pc.fill_null(array, False)
            self._add_array(filled.to_numpy(zero_copy_only=False))
        elif (pa.types.is_primitive(kind) or pa.types.is_fixed_size_binary(kind)) and len(array):
            width = kind.bit_width // 8
            rows = np.frombuffer(array.buffers()[1], np.uint8)[: len(array) * width]
            rows = rows.reshape(len(array), width)
            if nulls is not None:
                rows = rows.copy()
                rows[nulls] = 0  # what lies under a null means nothing
            self._write("fixed", rows)
        else:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, pa.schema([("", kind)])) as writer:
                writer.write_batch(pa.record_batch([array], names=[""]))
            self._write("ipc", sink.getvalue())

    # -- code ------------------------------------------------------------------------------------

    def _add_function(self, function: Any) -> None:
        module = function.__module__ or ""
        if module != "__main__" and function.__globals__ is not self._namespace:
            self._write("function", f"{module}.{function.__qualname__}".encode())
            self.modules.add(module)
            if "<lambda>" not in function.__qualname__ and "<locals>" not in function.__qualname__:
                return
        self._add_code(function.__code__)
        self._add(function.__defaults__)
        self._add(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            try:
                self._add(cell.cell_contents)
            except ValueError:
                self._write("empty cell")
        if function.__globals__ is self._namespace or module == "__main__":
            for name in global_names(function.__code__):
                if name in function.__globals__:
                    self._write("global", name.encode())
                    self._add(function.__globals__[name])

    def _add_code(self, code: types.CodeType) -> None:
        names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        self._write("code", code.co_code)
        self._write("names", repr((names, code.co_argcount, code.co_flags)).encode())
        for constant in code.co_consts:
            if isinstance(constant, str):
                self.constants.add(constant)
            self._add(constant)

    def _add_class(self, kind: type) -> None:
        self._write("class", f"{kind.__module__}.{kind.__qualname__}".encode())
        self.modules.add(kind.__module__)
        if kind.__module__ != "__main__":
            return
        for base in kind.__bases__:
            self._add(base)
        for name, item in sorted(vars(kind).items()):
            if name not in _NOT_OF_A_CLASS:
                self._write("member", name.encode())
                self._add(_plain_member(item))

    # -- anything else ---------------------------------------------------------------------------

    def _add_reduced(self, value: Any) -> None:
        """Add what pickle would take apart, part by part."""
        import copyreg

        kind = type(value)
        reducer = copyreg.dispatch_table.get(kind)
        try:
            made = reducer(value) if reducer else value.__reduce_ex__(4)
        except MlnbError:
            raise
        except Exception as error:
            raise NoContent(f"{kind.__name__} cannot be taken apart ({error})") from None
        if isinstance(made, str):
            self._write("named", f"{kind.__module__}.{made}".encode())
            self.modules.add(kind.__module__)
            return
        self._write("object", str(len(made)).encode())
        for part in made[:3]:
            self._add(part)
        for items in made[3:5]:
            self._add(list(items) if items is not None else None)


def _text_type(kind: Any) -> Any:
    """Return the type by which texts, or bytes, of any length are compared; None for others."""
    import pyarrow as pa

    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.large_binary()
    return None


def _plain_member(item: Any) -> Any:
    if isinstance(item, staticmethod | classmethod):
        return (type(item).__name__, item.__func__)
    if isinstance(item, property):
        return ("property", item.fget, item.fset, item.fdel)
    if isinstance(item, types.MemberDescriptorType | types.GetSetDescriptorType):
        return ("slot", item.__name__)
    if isinstance(item, types.MappingProxyType):
        return dict(item)
    return item


@lru_cache(maxsize=4096)
def global_names(code: types.CodeType) -> tuple[str, ...]:
    """Return the global names that a function's code reads, inner functions included."""
    return tuple(sorted(set(_global_names(code))))


def _global_names(code: types.CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)
