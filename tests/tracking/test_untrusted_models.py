"""Malicious models: nothing of them runs on register, show, deploy or load, and it says why.

Every gadget leaves a trace when it runs, and it is shown first that it would.
"""

import bz2
import copyreg
import functools
import gzip
import io
import json
import lzma
import os
import pickle
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mlnb import models
from mlnb.core.errors import BadInput, MlnbError, UnsupportedData, UntrustedModel
from mlnb.core.hashing import digest_folder
from mlnb.core.project import Project
from mlnb.serving.package import load_model, package
from mlnb.tracking import store

FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
LABEL = np.array([0, 0, 1, 1])


class Bomb:
    """Calls a function when it is unpickled."""

    def __init__(self, call: Callable[..., Any], *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call, self.arguments


class Estimator(LogisticRegression):
    """An estimator that unpickles as something else."""

    bomb: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return self.bomb.__reduce__() if self.bomb else super().__reduce__()


def touch(trace: Path) -> Bomb:
    return Bomb(os.system, f"touch {trace}")


def _opcodes(trace: Path) -> bytes:
    return f"cos\nsystem\n(S'touch {trace}'\ntR.".encode()


def _inst(trace: Path) -> bytes:
    return f"(S'touch {trace}'\nios\nsystem\n.".encode()


def _estimator(trace: Path) -> bytes:
    made = Estimator().fit(FRAME, LABEL)
    made.bomb = touch(trace)
    return pickle.dumps(made)


def _joblib(trace: Path, **options: Any) -> bytes:
    stream = io.BytesIO()
    joblib.dump({"model": LogisticRegression(), "bomb": touch(trace)}, stream, **options)
    return stream.getvalue()


def _subclass(trace: Path) -> bytes:
    code = f"import pathlib; pathlib.Path({str(trace)!r}).touch()"
    return pickle.dumps(Bomb(eval, f"exec({code!r})"))


GADGETS: dict[str, Callable[[Path], bytes]] = {
    "reduce": lambda trace: pickle.dumps(touch(trace)),
    "protocol 0": lambda trace: pickle.dumps(touch(trace), protocol=0),
    "protocol 2": lambda trace: pickle.dumps(touch(trace), protocol=2),
    "opcodes by hand": _opcodes,
    "INST opcode": _inst,
    "nested": lambda trace: pickle.dumps({"steps": [("a", ({"b": [touch(trace)]},))]}),
    "an estimator": _estimator,
    "eval": _subclass,
    "subprocess": lambda trace: pickle.dumps(Bomb(subprocess.call, ["touch", str(trace)])),
    "pickle in a pickle": lambda trace: pickle.dumps(
        Bomb(pickle.loads, pickle.dumps(touch(trace)))
    ),
    "partial": lambda trace: pickle.dumps(
        Bomb(functools.reduce, functools.partial(_call), [os.system, f"touch {trace}"])
    ),
    "copyreg": lambda trace: (
        pickle.dumps(Bomb(copyreg._reconstructor, _Trace, object, None))
        + pickle.dumps(touch(trace))
    ),
    "cloudpickle": lambda trace: cloudpickle.dumps(Bomb(_closure(trace))),
    "numpy's exec": lambda trace: pickle.dumps(
        Bomb(_runstring(), f"open({str(trace)!r}, 'w').close()", {})
    ),
    "object array": lambda trace: pickle.dumps(np.array([touch(trace)], dtype=object)),
    "joblib": _joblib,
    "joblib zlib": lambda trace: _joblib(trace, compress=("zlib", 3)),
    "joblib gzip": lambda trace: _joblib(trace, compress=("gzip", 3)),
    "joblib bz2": lambda trace: _joblib(trace, compress=("bz2", 3)),
    "joblib xz": lambda trace: _joblib(trace, compress=("xz", 1)),
}


class _Trace:
    pass


def _call(call: Any, argument: Any) -> Any:
    return call(argument)


def _closure(trace: Path) -> Callable[[], None]:
    name = str(trace)
    return lambda: open(name, "w").close()  # noqa: PTH123  (as short as a gadget is)


def _runstring() -> Callable[..., Any]:
    from numpy.testing._private import utils

    found: Callable[..., Any] = utils.runstring
    return found


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "exploded"


@pytest.fixture
def fine(project: Project) -> Path:
    """Register a harmless model as m@1 and return its files."""
    models.register(LogisticRegression().fit(FRAME, LABEL), "m", example=FRAME)
    found = store.client().get_model_version_download_uri("m", "1")
    return Path(found.removeprefix("file://"))


def adopt(folder: Path) -> None:
    """Register changed files as m@1: what somebody can do who may write to the registry."""
    store.client().set_model_version_tag("m", "1", "mlnb.digest", digest_folder(folder))


def refusals(reference: str = "m@1") -> list[str]:
    """Show, load and deploy a version, and return why each was refused."""
    models.show("m")
    models.resolve(reference)
    models.signature(reference)
    said = []
    for use in (models.load, package):
        with pytest.raises(UntrustedModel) as caught:
            use(reference)
        said.append(str(caught.value))
    return said


@pytest.mark.parametrize("gadget", GADGETS)
def test_a_pickle_does_nothing_wherever_it_is_put(
    fine: Path, trace: Path, gadget: str, tmp_path: Path
) -> None:
    content = GADGETS[gadget](trace)
    explode(content, gadget)
    if gadget != "copyreg":
        assert trace.exists(), "the gadget does not work, so it would show nothing"
        trace.unlink()

    for name in ("model.pkl", "model.joblib", "model.bin", "model.skops"):
        file = tmp_path / name
        file.write_bytes(content)
        with pytest.raises(UnsupportedData, match=r"pickle|no model file|cannot be read"):
            models.register(file, "evil")

    described = (fine / "MLmodel").read_text()
    (fine / "model.skops").write_bytes(content)
    for use in (models.load, package):
        with pytest.raises(UntrustedModel, match="not those that were registered"):
            use("m@1")
    adopt(fine)
    for said in refusals():
        assert "no readable skops archive" in said
    (fine / "MLmodel").write_text(described.replace("format: skops", "format: cloudpickle"))
    adopt(fine)
    for said in refusals():
        assert "stored as a pickle, which can run any code" in said
    with pytest.raises(UntrustedModel, match="pickle"):
        load_model(fine, "m@1", digest_folder(fine), [])
    # … and beside a harmless model, where something else might pick it up
    (fine / "MLmodel").write_text(described)
    assert [item.name for item in models.show("m")] == ["m"]
    assert not trace.exists()


def explode(content: bytes, gadget: str) -> None:
    if gadget.startswith("joblib"):
        joblib.load(io.BytesIO(content))
    else:
        pickle.loads(content)  # noqa: S301  (shows that the gadget works)
    if gadget == "cloudpickle":
        return


@pytest.mark.parametrize(
    "wrapped", [bytes, zlib.compress, gzip.compress, bz2.compress, lzma.compress]
)
def test_the_refusal_names_what_the_pickle_would_call(
    fine: Path, trace: Path, wrapped: Callable[[bytes], bytes]
) -> None:
    (fine / "python_model.pkl").write_bytes(wrapped(pickle.dumps(touch(trace))))
    adopt(fine)
    for said in refusals():
        assert "python_model.pkl is a pickle that names posix.system" in said
    assert not trace.exists()


@pytest.mark.parametrize("form", ["sklearn pickle", "sklearn cloudpickle", "pyfunc", "joblib"])
def test_what_mlflow_itself_registers_is_refused(project: Project, trace: Path, form: str) -> None:
    import mlflow

    store.use(project.tracking_uri)
    made = make_pipeline(FunctionTransformer(_closure(trace)), LogisticRegression())
    folder = project.root / "made"
    if form == "sklearn cloudpickle":
        mlflow.sklearn.save_model(
            made, folder, serialization_format="cloudpickle", pip_requirements=["scikit-learn"]
        )
    elif form == "sklearn pickle":
        _plain_pickle(mlflow, folder)
    elif form == "pyfunc":
        mlflow.pyfunc.save_model(folder, python_model=_model(trace), pip_requirements=["mlflow"])
    else:
        _plain_pickle(mlflow, folder)
        (folder / "model.pkl").rename(folder / "model.joblib")
    client = store.client()
    client.create_registered_model("m")
    client.create_model_version("m", folder.as_uri(), None)
    for said in refusals():
        assert "recorded no digest" in said
        assert "pickle" in said
    # the same, by somebody who can write every tag that mlnb writes
    columns = json.dumps([{"name": "a", "type": "double"}])
    for key, value in (("mlnb.inputs", columns), ("mlnb.trusted_types", '["posix.system"]')):
        client.set_model_version_tag("m", "1", key, value)
    adopt(folder)
    for said in refusals():
        assert "pickle" in said or "module" in said
    assert not trace.exists()


def _plain_pickle(mlflow: Any, folder: Path) -> None:
    mlflow.sklearn.save_model(
        LogisticRegression().fit(FRAME, LABEL),
        folder,
        serialization_format="pickle",
        pip_requirements=["scikit-learn"],
    )


def _model(trace: Path) -> Any:
    import mlflow

    class Evil(mlflow.pyfunc.PythonModel):
        def load_context(self, context):
            trace.touch()

        def predict(self, context, model_input, params=None):
            trace.touch()
            return model_input

    return Evil()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("loader_module: mlflow.sklearn", "loader_module: evil"), "by the module 'evil'"),
        (("loader_module: mlflow.sklearn", "loader_module: os"), "by the module 'os'"),
        (("model_path: model.skops", "model_path: model.skops\n    code: code"), "'code'"),
        (
            ("model_path: model.skops", "model_path: model.skops\n    python_model: p.pkl"),
            "'python_model'",
        ),
        (
            ("model_path: model.skops", "model_path: model.skops\n    model_code_path: code/m.py"),
            "'model_code_path'",
        ),
        (("pickled_model: model.skops", "pickled_model: ../../other.skops"), "not among its files"),
        (("pickled_model: model.skops", "pickled_model: /etc/passwd"), "not among its files"),
        (("flavors:", "flavors: !!python/object/apply:os.system ['true']\nf:"), "MLmodel"),
        (("flavors:", "flavors: []\nf:"), "pickle"),
    ],
)
def test_code_that_a_description_brings_is_not_run(
    fine: Path, trace: Path, change: tuple[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fine / "code").mkdir()
    for name in ("evil.py", "m.py", "sitecustomize.py", "sklearn.py"):
        (fine / "code" / name).write_text(f"open({str(trace)!r}, 'w').close()\n")
    described = (fine / "MLmodel").read_text()
    assert change[0] in described
    (fine / "MLmodel").write_text(described.replace(*change))
    adopt(fine)
    for said in refusals():
        assert says in said
    assert not trace.exists()
    assert "evil" not in sys.modules


@pytest.mark.parametrize(
    "line",
    [
        "evil @ https://files.invalid/evil.tar.gz",
        "https://files.invalid/evil-1.0-py3-none-any.whl",
        "git+https://git.invalid/evil.git",
        "evil @ file:///tmp/evil",
        "-e .",
        "--index-url https://index.invalid/simple",
        "--extra-index-url=https://index.invalid/simple",
        "-r other.txt",
        "--find-links /tmp",
        "./evil",
        "../evil.whl",
        "scikit-learn==1.0 --config-settings=x",
        "evil; os.system('x')\\",
        "$(touch x)",
    ],
)
def test_requirements_from_elsewhere_are_refused(fine: Path, line: str) -> None:
    file = fine / "requirements.txt"
    file.write_text(f"{file.read_text()}\n# fine\nnumpy>=1 ; python_version>'3'\n{line}\n")
    adopt(fine)
    for said in refusals():
        assert "requirements.txt" in said
        assert line.strip()[:20] in said
        assert "numpy" not in said


def archive(file: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change the schema of a skops file."""
    with zipfile.ZipFile(file) as read:
        content = {name: read.read(name) for name in read.namelist()}
    schema = json.loads(content["schema.json"])
    content["schema.json"] = json.dumps(change(schema) or schema).encode()
    with zipfile.ZipFile(file, "w") as written:
        for name, data in content.items():
            written.writestr(name, data)


def node(module: str, name: str, loader: str, **more: Any) -> dict[str, Any]:
    return {"__module__": module, "__class__": name, "__loader__": loader, "__id__": 1, **more}


def _text(value: str) -> dict[str, Any]:
    return node("builtins", "str", "JsonNode", content=json.dumps(value), is_json=True)


def _tuple(*items: Any) -> dict[str, Any]:
    return node("builtins", "tuple", "TupleNode", content=list(items))


EMPTY = node(
    "builtins",
    "dict",
    "DictNode",
    content={},
    key_types=node("builtins", "list", "ListNode", content=[]),
)


@pytest.mark.parametrize(
    "made",
    [
        node("posix", "system", "FunctionNode", content="system"),
        node("builtins", "eval", "FunctionNode", content="eval"),
        node("builtins", "exec", "TypeNode", content="exec"),
        node("subprocess", "Popen", "ObjectNode", content=EMPTY),
        node("operator", "methodcaller", "OperatorFuncNode", attrs=_tuple(_text("system"))),
        node("numpy.testing._private.utils", "runstring", "FunctionNode", content="runstring"),
        node("numpy.f2py", "compile", "FunctionNode", content="compile"),
        node("sklearn.externals.joblib", "load", "FunctionNode", content="load"),
        node("sklearn.datasets", "load_files", "FunctionNode", content="load_files"),
        node("scipy.io", "loadmat", "FunctionNode", content="loadmat"),
        node("numpy", "load", "FunctionNode", content="load"),
        node("numpy", "fromfile", "FunctionNode", content="fromfile"),
        node("os", "PathLike", "NoSuchNode", content={}),
        {"__loader__": "ObjectNode"},
    ],
)
def test_what_a_skops_file_could_be_made_to_call_is_named_and_refused(
    fine: Path, trace: Path, made: dict[str, Any], tmp_path: Path
) -> None:
    file = fine / "model.skops"

    def put(schema: dict[str, Any]) -> None:
        schema["content"]["content"]["coef_"] = made

    archive(file, put)
    adopt(fine)
    store.client().set_model_version_tag(
        "m", "1", "mlnb.trusted_types", json.dumps(["posix.system", "builtins.eval"])
    )
    for said in refusals():
        assert "types that nobody approved" in said or "no readable skops archive" in said
        if "nobody approved" in said:
            assert f"{made['__module__']}.{made['__class__']}" in said
    copy = tmp_path / "copy.skops"
    copy.write_bytes(file.read_bytes())
    with pytest.raises(UnsupportedData, match=r"not trusted|cannot be read"):
        models.register(copy, "evil")


def test_a_function_that_would_run_when_it_predicts_is_refused(
    project: Project, trace: Path
) -> None:
    for call in (os.system, eval, _runstring(), functools.partial(os.system, f"touch {trace}")):
        made = make_pipeline(FunctionTransformer(call), LogisticRegression())
        made.steps[-1][1].fit(FRAME, LABEL)
        with pytest.raises(UnsupportedData, match=r"not trusted.*(system|eval|runstring)"):
            models.register(made, "m")
        file = project.root / "m.skops"
        skops.io.dump(made, file)
        with pytest.raises(UnsupportedData, match=r"not trusted.*(system|eval|runstring)"):
            models.register(file, "m")
    assert models.list_models() == []
    assert not trace.exists()


def test_an_estimator_with_a_reduce_of_its_own_is_not_called(project: Project, trace: Path) -> None:
    made = Estimator().fit(FRAME, LABEL)
    made.bomb = touch(trace)
    with pytest.raises(UnsupportedData, match="Estimator"):
        models.register(made, "m")
    assert not trace.exists()


def test_types_are_approved_once_with_who_and_why(project: Project) -> None:
    made = Estimator().fit(FRAME, LABEL)
    name = f"{Estimator.__module__}.Estimator"
    with pytest.raises(UnsupportedData, match="Estimator"):
        models.register(made, "m", example=FRAME)
    with pytest.raises(BadInput, match="needs a reason"):
        models.approve("m", [name], " ")
    approval = models.approve("m", [name], "our own estimator")
    assert (approval.author, approval.reason) == (project.settings.author, "our own estimator")
    for number in (1, 2):  # once is enough for every version
        assert models.register(made, "m", example=FRAME).number == number
        assert type(models.load(f"m@{number}")).__name__ == "Estimator"
    assert package("m@2").manifest.types == [name]
    with pytest.raises(UnsupportedData, match="Estimator"):
        models.register(made, "other")  # approved for one model only


def test_naming_types_on_registering_is_recorded_as_an_approval(project: Project) -> None:
    from mlnb.tracking import approvals

    name = f"{Estimator.__module__}.Estimator"
    models.register(Estimator().fit(FRAME, LABEL), "m", trusted=[name, "never.Used"])
    (made,) = approvals.approvals("m")
    assert made.types == [name]
    assert "m@1" in made.reason
    models.load("m")


def test_every_refusal_is_one_error_with_a_fix(fine: Path, trace: Path) -> None:
    archive(
        fine / "model.skops",
        lambda schema: schema["content"]["content"].update(
            coef_=node("own.module", "Thing", "ObjectNode", content=EMPTY)
        ),
    )
    adopt(fine)
    with pytest.raises(MlnbError) as caught:
        package("m@1")
    assert caught.value.fix == "If they are yours: mlnb model approve m own.module.Thing -m WHY"
