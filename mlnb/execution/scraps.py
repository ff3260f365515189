"""Values that a notebook hands on: written into its outputs as nteract's scrapbook does.

The format is scrapbook's (schema version 1), so that either library reads what the other glued.
"""

import json
import math
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlnb.core.errors import BadInput, UnsupportedData
from mlnb.core.records import finite
from mlnb.execution import notebooks

PREFIX = "application/scrapbook.scrap."
JSON = f"{PREFIX}json+json"
TEXT = f"{PREFIX}text+json"
DATA = (JSON, TEXT)


def glue(name: str, value: Any, *, display: bool = False) -> None:
    """Hand a value on to later steps and to the report; in a run, record it there as well.

    A number is a metric of the run, any other value the artifact ``scraps/NAME.json``.

    Parameters
    ----------
    name : str
        How later steps call it: ``${{ steps.THIS_STEP.name }}``.
    value : object
        JSON types, NumPy and pandas scalars and arrays, paths and times; or anything that
        displays itself (a figure), which is then shown under its name.
    display : bool
        Show the value in the cell as well.

    Raises
    ------
    UnsupportedData
        If the value is neither, or is not a finite number.
    """
    try:
        data = plain(value, name)
    except UnsupportedData:
        bundle, metadata = _shown(value)
        if set(bundle) <= {"text/plain"}:
            raise
        tag = {"scrapbook": {"name": name, "data": False, "display": True}}
        _publish(bundle, {**metadata, **tag})
        return
    payload = {"name": name, "data": data, "encoder": "json", "version": 1}
    tag = {"scrapbook": {"name": name, "data": True, "display": False}}
    _publish({JSON: payload}, tag)
    _record(name, data)
    if display:
        bundle, metadata = _shown(value)
        tag = {"scrapbook": {"name": name, "data": False, "display": True}}
        _publish(bundle, {**metadata, **tag})


def _record(name: str, value: Any) -> None:
    """Record a value in the open run, if there is one and its name can be one there."""
    tracking = sys.modules.get("mlnb.tracking.run")  # without it no run is open
    run = tracking.active() if tracking is not None else None
    if run is None:
        return
    with suppress(BadInput):
        if isinstance(value, int | float) and not isinstance(value, bool):
            run.log(metrics={name: value})
        else:
            run.log(text={f"scraps/{name}.json": json.dumps(value, ensure_ascii=False)})


def read(notebook: Path | str) -> dict[str, Any]:
    """Return the values that an executed notebook glued; of two of one name, the later.

    Raises
    ------
    MissingNotebook, InvalidNotebook
        If it cannot be read.
    """
    return of(notebooks.read(Path(notebook)).cells)


def of(cells: Iterable[notebooks.Cell]) -> dict[str, Any]:
    """Return the values that executed cells glued; of two of one name, the later."""
    values: dict[str, Any] = {}
    for cell in cells:
        for output in cell.get("outputs", []):
            for kind in DATA:
                payload = output.get("data", {}).get(kind)
                if isinstance(payload, dict) and "name" in payload:
                    # other writers may leave NaN
                    values[str(payload["name"])] = finite(payload.get("data"))
    return values


def plain(value: Any, name: str) -> Any:
    """Return a value as JSON types.

    Raises
    ------
    UnsupportedData
        If it has no such form; `name` is what the error calls it.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnsupportedData(
                f"{name!r} cannot be glued: {value} is no finite number.", "Glue None instead."
            )
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item, name) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, name) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    for method in ("isoformat", "tolist", "item", "to_dict"):  # times, arrays, scalars, records
        if callable(convert := getattr(value, method, None)):
            return plain(convert(), name)
    raise UnsupportedData(
        f"{name!r} cannot be glued: {type(value).__name__} has no JSON form.",
        "Glue numbers, text, lists or dictionaries, or something that displays itself.",
    )


def _publish(bundle: dict[str, Any], metadata: dict[str, Any]) -> None:
    from IPython.display import display

    display(bundle, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]


def _shown(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    from IPython.core.formatters import format_display_data

    bundle, metadata = format_display_data(value)  # type: ignore[no-untyped-call]
    return json.loads(json.dumps(bundle, default=_text)), dict(metadata)


def _text(value: Any) -> Any:
    from base64 import b64encode

    return b64encode(value).decode() if isinstance(value, bytes) else str(value)
