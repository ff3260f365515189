"""Every setting in one table: ``mlnb.toml`` below environment variables ``MLNB_*``.

To add a setting, add a field here; its help text, its environment variable, its check and its
line in the documentation follow from it.
"""

import getpass
import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlnb.core.errors import BadInput, InvalidSetting, UnknownSetting

FILE_NAME = "mlnb.toml"
PREFIX = "MLNB_"
CONTEXT = frozenset(
    {
        "MLNB_INPUTS",
        "MLNB_NOTEBOOK",
        "MLNB_PARAMS",
        "MLNB_PIPELINE_RUN",
        "MLNB_PROJECT",
        "MLNB_RUNTIME_DIR",
        "MLNB_SERVING_METRICS",
        "MLNB_STEP",
    }
)
"""Variables by which mlnb tells its own processes where they run; they are no settings."""
HIDDEN = "MLNB_SECRET_"
"""Variables of this form are secret parameters of notebooks; they are no settings either."""
SIGNING_KEY = "MLNB_SIGNING_KEY"
"""What stored Python objects are signed with; no setting, so that it is never in a file."""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


class Settings(BaseModel):
    """The project's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", description="Project name; the folder's name when empty.")
    store: str = Field(
        ".mlnb/store",
        description="Object store (data, notebooks, history): a folder, s3://…, gs://… or az://….",
    )
    durable: bool = Field(
        False,
        description="Whether a save in a folder waits until the disk has it, so that it outlasts "
        "a loss of power; a killed process loses nothing in any case.",
    )
    remote: str = Field(
        "",
        description="Store that `dataset push` and `pull` share with: a folder, s3://…, gs://… "
        "or az://….",
    )
    tracking_uri: str = Field(
        "sqlite:///.mlnb/mlflow.db", description="MLflow tracking and registry URI."
    )
    artifacts: str = Field(
        "",
        description="Where new experiments keep the files of their runs: a folder, s3://…, gs://…; "
        "when empty beside a database, and where a tracking server keeps them.",
    )
    experiment: str = Field("", description="MLflow experiment; the project name when empty.")
    background_delivery: bool = Field(
        True,
        description="Whether a process of its own brings what runs log to the tracking store while "
        "they run; without it, the next command that reads runs does.",
    )
    author: str = Field(
        default_factory=_user, description="Who is named as author of versions and releases."
    )
    workers: int = Field(2, ge=1, le=256, description="Pipeline steps that run at a time.")
    kernel: str = Field("python3", description="Kernelspec for headless notebooks.")
    runner: Literal["inprocess", "kernel"] = Field(
        "inprocess",
        description="How headless cells run: `inprocess`, in a process forked for them, or "
        "`kernel`, in an ipykernel. What needs a kernel gets one either way.",
    )
    cell_output_limit: int = Field(
        64 * 1024**2,
        ge=1024,
        description="Bytes of outputs kept of a headless cell; one that writes four times as much "
        "is stopped.",
    )
    warm_kernels: Literal["auto", "fork", "pool", "off"] = Field(
        "auto",
        description="How kernels start at once: forked (Linux), from a pool of started ones "
        "(macOS), or not (Windows); auto chooses.",
    )
    preload: str = Field(
        "numpy, pandas, sklearn, matplotlib.pyplot, mlflow",
        description="Modules that warm kernels have imported already, where that is safe.",
    )
    warm_idle: float = Field(
        900, gt=0, description="Seconds that the parent of warm kernels waits for the next one."
    )
    warm_pool: int = Field(2, ge=1, le=64, description="Started kernels that a pool keeps.")
    step_cache_size: int = Field(
        20 * 1024**3,
        ge=0,
        description="Bytes of cached cells and checkpoints that `project gc` leaves in the store.",
    )
    cell_timeout: float = Field(
        0, ge=0, description="Seconds a headless cell may take; 0 means no limit."
    )
    diff_limit: int = Field(
        1_000_000, ge=0, description="Largest uncommitted diff kept with a run, in bytes."
    )
    capture_notebook: bool = Field(
        True, description="Whether runs keep the notebook as it ran: every executed cell."
    )
    capture_outputs: bool = Field(
        True, description="… with what the run's cells printed and showed."
    )
    output_limit: int = Field(
        1_000_000,
        ge=0,
        description="Largest text or picture of one output that a run's notebook keeps, in bytes.",
    )
    capture_figures: bool = Field(
        True, description="Whether runs keep figures that cells show or leave open, as PNG and SVG."
    )
    capture_datasets: bool = Field(
        True, description="Whether runs record the dataset versions that they load and save."
    )
    capture_models: bool = Field(
        True,
        description="Whether the packages of models that MLflow logs in a run are found in this "
        "process, and not by MLflow in another one, which takes ten seconds.",
    )
    capture_git: bool = Field(
        True, description="Whether runs record the commit, the branch and the uncommitted changes."
    )
    capture_packages: bool = Field(True, description="Whether runs record the installed packages.")
    capture_machine: bool = Field(
        True, description="Whether runs record Python, operating system, processor and memory."
    )
    capture_resources: bool = Field(
        True, description="Whether runs record processor time and memory that their cells use."
    )
    capture_seeds: bool = Field(
        True, description="Whether runs record random seeds and the state of random generators."
    )
    capture_warnings: bool = Field(
        True, description="Whether runs record the warnings that were shown."
    )
    dataset_memory: int = Field(
        2 * 1024**3,
        ge=0,
        description="Bytes of tables saved or loaded last that a process keeps for the next save.",
    )
    host: str = Field("127.0.0.1", description="Address that endpoints listen on.")
    endpoint_auth: bool = Field(True, description="Endpoints ask for their token.")
    endpoint_body_limit: int = Field(
        64 * 1024 * 1024, ge=1024, description="Largest request an endpoint takes, in bytes."
    )
    endpoint_target: Literal["local", "docker"] = Field(
        "local",
        description="Where endpoints run: as processes of this machine, or in containers.",
    )
    docker_base: str = Field(
        "", description="Image to build releases on; Python's own slim one when empty."
    )
    endpoint_warm: bool = Field(
        True,
        description="Whether the model that an endpoint served before stays in memory, so that a "
        "rollback takes no time.",
    )
    endpoint_log_sample: float = Field(
        1.0, ge=0, le=1, description="Share of the requests that the prediction log keeps."
    )
    endpoint_log_exclude: str = Field(
        "",
        description="Inputs that are not written to the prediction log (personal data, say), by "
        "name, with commas between.",
    )
    drift_psi: float = Field(
        0.2, gt=0, description="A feature has drifted at this population stability index."
    )
    drift_alpha: float = Field(
        0.01, gt=0, lt=1, description="… and a corrected p-value below this."
    )


def is_setting(variable: str) -> bool:
    """Tell whether an environment variable is meant as a setting."""
    if not variable.startswith(PREFIX):  # most of them
        return False
    return not (variable in CONTEXT or variable == SIGNING_KEY or variable.startswith(HIDDEN))


_seen: tuple[Any, tuple[tuple[str, str], ...]] = (None, ())


def variables() -> tuple[tuple[str, str], ...]:
    """Return the environment variables that are settings, sorted."""
    global _seen
    now: Any = getattr(os.environ, "_data", None)  # comparing it is 20 times sooner than decoding
    if now is None or now != _seen[0]:
        found = tuple(sorted((k, v) for k, v in os.environ.items() if is_setting(k)))
        _seen = (dict(now) if now is not None else None, found)
    return _seen[1]


def load(root: Path) -> Settings:
    """Read the settings of the project at ``root``.

    Raises
    ------
    UnknownSetting, InvalidSetting
        Naming the file or variable, with the nearest known name.
    """
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    file = root / FILE_NAME
    if file.is_file():
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadInput(f"{FILE_NAME} is no TOML: {error}.") from None
        values.update(table)
        places.update(dict.fromkeys(table, FILE_NAME))
    for variable, value in os.environ.items():
        if is_setting(variable):
            key = variable.removeprefix(PREFIX).lower()
            values[key] = value
            places[key] = f"The environment variable {variable}"
    for key in values:
        if key not in Settings.model_fields:
            raise UnknownSetting(key, Settings.model_fields, places[key])
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        raise InvalidSetting(key, values[key], first["msg"], places[key]) from None


def table() -> list[dict[str, str]]:
    """Return name, environment variable, default and help of every setting, for the docs."""
    return [
        {
            "name": name,
            "variable": PREFIX + name.upper(),
            "default": "" if field.default_factory else str(field.default),
            "help": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]
