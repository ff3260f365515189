"""The environment a model is loaded in: this one when it fits, else one of its own, made by uv.

Environments lie in ``.mlnb/local/environments``, named by the digest of their lock: every package
with its version and the hashes of its files. A lock is made once for a set of requirements; an
environment that is there is used without uv and without a network. Only wheels are installed, for
building a package would run its code.
"""

import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mlnb.core import project, redaction
from mlnb.core.errors import BadInput
from mlnb.core.hashing import digest_json

if TYPE_CHECKING:
    from packaging.requirements import Requirement

CORE = frozenset(
    {"blake3", "numpy", "obstore", "packaging", "pandas", "pyarrow", "pydantic", "pyyaml"}
    | {"zstandard"}
)
"""What the server needs of mlnb's own requirements, beside those of the serving extra."""
NOT_NEEDED = frozenset({"mlflow", "mlflow-skinny", "mlflow-tracing"})
"""Packages that MLflow writes down for every model, and that mlnb loads none with."""
SOURCE = Path(__file__).parents[1]
"""The folder of this very mlnb."""
_READY = ".mlnb-ready"
_PINNED = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)==(\d+(?:\.\d+)*)", re.ASCII)
_MINUTES = 15


def requirements_in(files: Path) -> list[str]:
    """Return the requirements stored with a model, without comments."""
    file = files / "requirements.txt"
    if not file.is_file():
        return []
    lines = (line.partition(" #")[0].strip() for line in file.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def python_in(files: Path) -> str:
    """Return the Python that a model was made with, ``3.11``, or ``""``."""
    import yaml

    file = files / "python_env.yaml"
    try:
        said = str(yaml.safe_load(file.read_text("utf-8"))["python"])
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        return ""
    return ".".join(said.split(".")[:2])


def differences(files: Path) -> list[str]:
    """Return in what this environment is not what a model was made with; empty when it is."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = python_in(files)
    found = [f"python {python}, here {here}"] if python and python != here else []
    rest = [line for line in requirements_in(files) if not _is_here(line)]
    for wanted in _parsed(rest):
        try:
            installed = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            found.append(f"{wanted}, which is not installed here")
            continue
        if not wanted.specifier.contains(installed.partition("+")[0], prereleases=True):
            found.append(f"{wanted}, here {installed}")
    return found


def _is_here(line: str) -> bool:
    """Tell whether a line names exactly what is installed; reading others properly is slow."""
    pin = _PINNED.fullmatch(line)
    if pin is None:
        return False
    try:
        return pin[1].lower() in NOT_NEEDED or metadata.version(pin[1]) == pin[2]
    except metadata.PackageNotFoundError:
        return False


def interpreter(files: Path) -> Path:
    """Return the interpreter to load a model with: this one, or that of its own environment.

    Raises
    ------
    BadInput
        If an environment is needed and cannot be made: uv is missing, or a package is.
    """
    different = differences(files)
    if not different:
        return Path(sys.executable)
    made_lock = _locked(files, different)
    made = made_lock.parent / digest_json([made_lock.read_text("utf-8"), _place(files)])[:32]
    with _held(made_lock):
        if not (made / _READY).exists():
            _make(made, made_lock, _place(files)[0], different)
    _put_mlnb_into(made)
    return made / "bin" / "python"


def server_ranges() -> list[str]:
    """Return what mlnb itself asks for of the packages that its server needs."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found = {}
    for line in metadata.requires("mlnb") or ():
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        of_extra = marker is not None and marker.evaluate({"extra": "serving"})
        if (marker is None and name in CORE) or (of_extra and not marker_free(requirement)):
            found[name] = f"{name}{requirement.specifier}"
    return sorted(found.values())


def marker_free(requirement: "Requirement") -> bool:
    """Tell whether a requirement holds without any extra."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def pinned(files: Path) -> list[str]:
    """Return the server's and the model's packages and all they need, as installed here.

    Only where `differences` finds none: these are then exactly the packages of the model.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    waiting = [*_parsed(requirements_in(files)), *map(Requirement, server_ranges())]
    found: dict[str, str] = {}
    asked: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = {"", *requirement.extras}
        if all((name, extra) in asked for extra in extras):
            continue
        asked |= {(name, extra) for extra in extras}
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            raise BadInput(
                f"{name} is not installed here, which a server needs.",
                "Run: pip install 'mlnb[serving]'",
            ) from None
        for line in metadata.requires(name) or ():
            needed = Requirement(line)
            holds = needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in extras
            )
            if holds and canonicalize_name(needed.name) not in NOT_NEEDED:
                waiting.append(needed)
    return [f"{name}=={version}" for name, version in sorted(found.items())]


def lock(files: Path) -> str:
    """Return the exact packages to serve a model with, as a requirements file.

    With hashes when uv has resolved them; without where they are those installed here.

    Raises
    ------
    BadInput
        If they cannot be found out.
    """
    different = differences(files)
    if not different:
        return "\n".join(pinned(files)) + "\n"
    return _locked(files, different).read_text("utf-8")


def _place(files: Path) -> list[str]:
    python = python_in(files) or f"{sys.version_info.major}.{sys.version_info.minor}"
    return [python, platform.machine(), sys.platform]


def _locked(files: Path, different: Sequence[str]) -> Path:
    """Return the file with the resolved requirements; made once."""
    asked = sorted({*map(str, _parsed(requirements_in(files))), *server_ranges()})
    folder = project.current().local / "environments"
    folder.mkdir(parents=True, exist_ok=True)
    place = _place(files)
    made = folder / f"{digest_json([asked, place])[:32]}.lock"
    with _held(made):
        if not made.exists():
            _lock(made, asked, place[0], different)
    return made


def _parsed(lines: Sequence[str]) -> "list[Requirement]":
    """Return the requirements that hold here; the audit has refused what is none."""
    if not lines:
        return []
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    found = []
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            raise BadInput(f"{line!r} in a model's requirements cannot be read.") from None
        applies = requirement.marker is None or requirement.marker.evaluate()
        if applies and canonicalize_name(requirement.name) not in NOT_NEEDED:
            requirement.marker = None
            found.append(requirement)
    return found


@contextmanager
def _held(lock: Path) -> Iterator[None]:
    """Let one process at a time make an environment; others wait and find it made."""
    with lock.with_suffix(".held").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _lock(lock: Path, asked: Sequence[str], python: str, different: Sequence[str]) -> None:
    """Resolve requirements to exact versions and hashes."""
    with TemporaryDirectory(prefix=".lock-", dir=lock.parent) as staging:
        wanted, draft = Path(staging) / "wanted.txt", Path(staging) / "lock.txt"
        wanted.write_text("\n".join(asked) + "\n", encoding="utf-8")
        options = ["--python-version", python, "--generate-hashes", "--no-header", "--no-annotate"]
        _uv(
            ["pip", "compile", *options, "--no-build", "-q", "-o", str(draft), str(wanted)],
            different,
        )
        draft.replace(lock)


def _make(made: Path, lock: Path, python: str, different: Sequence[str]) -> None:
    """Install a lock; what is half made is never taken for an environment."""
    shutil.rmtree(made, ignore_errors=True)
    _uv(["venv", "-q", "--python", python, str(made)], different)
    options = ["--require-hashes", "--no-build", "--no-deps", "-q"]
    target = ["--python", str(made / "bin" / "python")]
    _uv(["pip", "install", *target, *options, "-r", str(lock)], different)
    (made / _READY).touch()


def _put_mlnb_into(made: Path) -> None:
    """Let the environment's Python find this very mlnb, and nothing else of this environment."""
    source = SOURCE
    for site in (made / "lib").glob("python*/site-packages"):
        link = site / "mlnb"
        if link.is_symlink() and link.readlink() == source:
            continue
        draft = site / f".mlnb-{os.getpid()}"
        draft.unlink(missing_ok=True)
        draft.symlink_to(source)
        draft.replace(link)


def _uv(arguments: Sequence[str], different: Sequence[str]) -> None:
    why = f"The model needs an environment of its own ({'; '.join(different[:3])})"
    program = _program()
    if program is None:
        raise BadInput(
            f"{why}, and uv, which makes it, is not installed.",
            "Run: pip install uv. Or register the model again with the packages of this one.",
        )
    try:
        subprocess.run(  # noqa: S603  (our own arguments; the requirements were looked at)
            [program, *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=60 * _MINUTES,
        )
    except subprocess.TimeoutExpired:
        raise BadInput(f"{why}, which uv did not make within {_MINUTES} minutes.") from None
    except subprocess.CalledProcessError as error:
        said = " ".join(redaction.text(error.stderr).split())[-600:]
        raise BadInput(
            f"{why}, which uv could not make: {said}",
            "Is the network there? An environment that was made once needs none.",
        ) from None


def _program() -> str | None:
    """Return uv: beside this Python, or on PATH."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.is_file() else shutil.which("uv")
