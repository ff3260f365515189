"""A release as a container image: lean, not root, with a health check and a list of its packages.

The context has the model's files, the exact packages, and mlnb itself; nothing else of the
project. The image serves by itself (``docker run -p 8080:8080 IMAGE``), also on SageMaker.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlnb.core import project
from mlnb.core.hashing import digest_file, digest_json
from mlnb.serving import comparing, environments
from mlnb.serving.package import Package

BASE = "python:{python}-slim"
_DOCKERFILE = """\
ARG BASE={base}

FROM ${{BASE}} AS packages
COPY requirements.txt /tmp/requirements.txt
RUN python3 -m venv --without-pip /opt/mlnb/env \\
 && python3 -m pip --python /opt/mlnb/env/bin/python install --no-cache-dir --no-compile \\
    --no-deps --only-binary :all: -r /tmp/requirements.txt \\
 && find /opt/mlnb/env -type d \\( -name tests -o -name __pycache__ \\) -prune -exec rm -rf {{}} +

FROM ${{BASE}}
LABEL org.opencontainers.image.title="{title}" \\
      org.opencontainers.image.version="{number}" \\
      mlnb.model="{model}" \\
      mlnb.digest="{digest}"
ENV PYTHONUNBUFFERED=1 \\
    PYTHONDONTWRITEBYTECODE=1 \\
    OMP_NUM_THREADS=1 \\
    MLNB_MLFLOW_VERSION={mlflow}
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin mlnb \\
 && install -d -m 1777 /run/mlnb /var/lib/mlnb /var/lib/mlnb/log
COPY --from=packages /opt/mlnb/env /opt/mlnb/env
COPY mlnb {site}/mlnb
COPY model /opt/mlnb/model
COPY engine /opt/mlnb/engine
COPY release.json /opt/mlnb/release.json
RUN /opt/mlnb/env/bin/python -m mlnb.serving.sbom {title} {number} > /opt/mlnb/sbom.cdx.json
WORKDIR /opt/mlnb
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \\
  CMD ["/opt/mlnb/env/bin/python", "-c", "{health}"]
ENTRYPOINT ["/opt/mlnb/env/bin/python", "-m", "mlnb.serving.standalone"]
CMD ["serve"]
"""
_HEALTH = (
    "import os, urllib.request as r; "
    "r.urlopen('http://127.0.0.1:' + os.environ.get('MLNB_PORT', '8080') + '/ping', timeout=2)"
)
_SKIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", "labextension", "node_modules")


def tag_of(package: Package, endpoint: str) -> str:
    """Return the image's name: it says what is in it, so the same release is the same image."""
    name = re.sub(r"[^a-z0-9]+", "-", f"{project.current().name}-{endpoint}".lower()).strip("-")
    parts = [package.manifest.key, environments.lock(package.files)]
    for file in sorted(environments.SOURCE.rglob("*.py")):
        parts.append(digest_file(file))
    return f"mlnb/{name}:{package.version.number}-{digest_json(parts)[:12]}"


def dockerfile(package: Package, base: str = "") -> str:
    """Return the Dockerfile of a package.

    Parameters
    ----------
    package : Package
        What is served.
    base : str
        The image to build on; Python's own slim one by default.
    """
    python = environments.python_in(package.files)
    python = python or f"{sys.version_info.major}.{sys.version_info.minor}"
    version = package.version
    return _DOCKERFILE.format(
        base=base or BASE.format(python=python),
        title=version.name,
        number=version.number,
        model=version.ref,
        digest=version.digest,
        mlflow=_mlflow(package),
        site=f"/opt/mlnb/env/lib/python{python}/site-packages",
        health=_HEALTH,
    )


@contextmanager
def context(package: Package, endpoint: str, base: str = "") -> Iterator[Path]:
    """Give a folder with everything that the image is built from, for as long as it is needed."""
    with TemporaryDirectory(prefix="mlnb-image-") as name:
        folder = Path(name)
        write_context(folder, package, endpoint, base)
        yield folder


def write_context(folder: Path, package: Package, endpoint: str, base: str = "") -> None:
    """Write what an image is built from into a folder, for building it elsewhere."""
    (folder / "Dockerfile").write_text(dockerfile(package, base), encoding="utf-8")
    (folder / "requirements.txt").write_text(environments.lock(package.files), encoding="utf-8")
    shutil.copytree(package.files, folder / "model")
    engine = comparing.prepared(package)
    (folder / "engine").mkdir()
    if engine.is_dir():  # a model that cannot be loaded here was not compared
        shutil.copytree(engine, folder / "engine", dirs_exist_ok=True)
    shutil.copytree(environments.SOURCE, folder / "mlnb", ignore=_SKIPPED)
    release = {"format": 1, "job": job(package, endpoint), "package": package.manifest.to_dict()}
    text = json.dumps(release, indent=1, sort_keys=True)
    (folder / "release.json").write_text(text, encoding="utf-8")


def job(package: Package, endpoint: str) -> dict[str, Any]:
    """Return what a loader is told to serve, without the places of this machine."""
    return {
        "endpoint": endpoint,
        "model": package.version.ref,
        "digest": package.version.digest,
        "trusted": package.trusted,
        "columns": [column.to_dict() for column in package.columns],
        "body_limit": project.current().settings.endpoint_body_limit,
    }


def _mlflow(package: Package) -> str:
    """Return the version of MLflow that the model was registered with."""
    for line in environments.requirements_in(package.files):
        name, mark, number = line.partition("==")
        if mark and name.strip() == "mlflow":
            return number.strip()
    return metadata.version("mlflow")
