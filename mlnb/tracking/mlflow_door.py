"""MLflow's own functions write to the store themselves: secrets are taken out there, too.

While a run of ours is open, what `mlflow.log_param`, `set_tag`, `log_text`, autologging and the
rest send passes through one class of MLflow's; three of its methods are given cleaned values.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlnb.core import redaction
from mlnb.tracking.writing import REDACTED_BYTES

_is_open: Callable[[], bool] = bool


def install(is_open: Callable[[], bool]) -> None:
    """Take secrets out of what MLflow's functions write, while a run is open.

    Parameters
    ----------
    is_open : callable
        Tells whether one is; else MLflow does as ever.
    """
    global _is_open
    _is_open = is_open
    from mlflow.tracking._tracking_service.client import TrackingServiceClient as Client

    if hasattr(Client.log_batch, "_mlnb"):
        return
    for name, clean in (
        ("log_param", _named),
        ("set_tag", _named),
        ("log_batch", _batch),
    ):
        setattr(Client, name, _cleaned(getattr(Client, name), clean))
    Client.log_artifact = _file(Client.log_artifact)  # type: ignore[method-assign]  # for this process


def _cleaned(original: Any, clean: Callable[..., dict[str, Any]]) -> Any:
    @functools.wraps(original)
    def method(self: Any, run_id: str, *args: Any, **kwargs: Any) -> Any:
        if not _is_open():
            return original(self, run_id, *args, **kwargs)
        return original(self, run_id, **clean(*args, **kwargs))

    method._mlnb = True  # type: ignore[attr-defined]  # marks that it is ours
    return method


def _named(key: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    options = dict(zip(("synchronous",), args, strict=False)) | kwargs
    return {"key": key, "value": redaction.named(key, str(value)), **options}


def _batch(
    metrics: Any = (), params: Any = (), tags: Any = (), *args: Any, **kwargs: Any
) -> dict[str, Any]:
    from mlflow.entities import Param, RunTag

    options = dict(zip(("synchronous",), args, strict=False)) | kwargs
    return {
        "metrics": metrics,
        "params": [Param(p.key, redaction.named(p.key, str(p.value))) for p in params],
        "tags": [RunTag(t.key, redaction.named(t.key, str(t.value))) for t in tags],
        **options,
    }


def _file(original: Any) -> Any:
    @functools.wraps(original)
    def log_artifact(
        self: Any, run_id: str, local_path: Any, artifact_path: str | None = None
    ) -> Any:
        path = Path(local_path)
        if _is_open() and path.is_file() and path.stat().st_size <= REDACTED_BYTES:
            body = path.read_bytes()
            clean = redaction.data(body)
            if clean != body:
                with TemporaryDirectory(prefix="mlnb-") as folder:
                    copy = Path(folder) / path.name
                    copy.write_bytes(clean)
                    return original(self, run_id, str(copy), artifact_path)
        return original(self, run_id, local_path, artifact_path)

    return log_artifact
