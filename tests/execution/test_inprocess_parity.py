"""A notebook's outputs are the same in-process, in a forked kernel and in a cold one."""

import asyncio
import json
import os
import re
from typing import Any

import pytest

from mlnb.core.project import Project
from mlnb.execution.executor import NotebookJob, attempt
from mlnb.execution.notebooks import import_nbformat

CELLS = {
    "result": "x = 40 + 2\nx",
    "underscores": "_ + Out[1], In[1], _i",
    "print": "print('a', end='')\nprint('b')\nprint(1, 2, sep='-')",
    "stderr": "import sys\nprint('out')\nsys.stdout.flush()\nprint('err', file=sys.stderr)",
    "display": "display('a', 2, metadata={'isolated': True})",
    "html": "from IPython.display import HTML, JSON, Markdown\n"
    "display(HTML('<b>x</b>'), Markdown('*x*'), JSON({'a': [1]}))",
    "raw bundle": "display({'application/x.own+json': {'a': 1}, 'text/plain': 'x'}, raw=True)",
    "display id": "handle = display('first', display_id='d1')\nhandle.update('second')",
    "update from another cell": "handle.update(HTML('<i>third</i>'))\nprint('updated')",
    "clear": "from IPython.display import clear_output\nprint('gone')\nclear_output()\n"
    "print('kept')",
    "clear and wait": "for i in range(3):\n    clear_output(wait=True)\n    print(i)",
    "clear and wait for nothing": "print('stays')\nclear_output(wait=True)",
    "error": "def f():\n    1 / 0\nprint('before')\nf()",
    "chained error": "try:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('two') from e",
    "syntax error": "a = = 1",
    "own error display": "class E(Exception):\n    def _render_traceback_(self):\n"
    "        return ['short']\nraise E()",
    "system exit": "import sys\nsys.exit(3)",
    "interrupt": "raise KeyboardInterrupt",
    "warning": "import warnings\nwarnings.warn('careful')",
    "logging": "import logging\nlogging.getLogger('x').warning('logged')\nlogging.error('root')",
    "pandas": "import pandas as pd\npd.DataFrame({'a': [1, 2], 'b': ['x', 'y']})",
    "figure": "import matplotlib\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
    "plt.title('t');\nprint(matplotlib.get_backend())",
    "two figures": "for i in range(2):\n    plt.figure(figsize=(1, 1))\n    plt.plot([i])\n"
    "plt.show()",
    "bar": "for i in range(4):\n    print(f'\\r{i}/3', end='')",
    "tqdm": "from tqdm import tqdm\nfor _ in tqdm(range(3), bar_format='{n}/{total}'):\n    pass",
    "await": "import asyncio\nawait asyncio.sleep(0.01)\nprint('slept')\n"
    "await asyncio.gather(*[asyncio.sleep(0, i) for i in range(2)])",
    "task": "async def late():\n    await asyncio.sleep(0)\n    seen.append(1)\n"
    "seen = []\ntask = asyncio.create_task(late())",
    "task after": "await asyncio.sleep(0.05)\nseen, task.done()",
    "a loop runs": "asyncio.get_running_loop().is_running()",
    # closed, or its warning comes whenever memory is cleared, in one runner and not the other
    "nested run": "waits = asyncio.sleep(0)\n"
    "try:\n    asyncio.run(waits)\nfinally:\n    waits.close()",
    "bash": "%%bash\necho out\necho err >&2",
    "bash fails": "%%bash\nexit 3",
    "shell": "!echo one; echo two",
    "shell into a variable": "lines = !echo one; echo two\nlines",
    "subprocess": "import subprocess\nprint('first')\n"
    "subprocess.run(['echo', 'second']).returncode",
    "descriptor": "import os\nprint('a', flush=True)\n_ = os.write(1, b'b\\n')",
    "thread": "import threading\nt = threading.Thread(target=print, args=('thread',))\n"
    "t.start()\nt.join()",
    "thread fails": "t = threading.Thread(target=lambda: 1 / 0, name='T')\nt.start()\nt.join()",
    "fork": "pid = os.fork()\nif pid == 0:\n    os._exit(0)\nos.waitpid(pid, 0)[1]",
    "input": "input('who? ')",
    "getpass": "import getpass\ngetpass.getpass()",
    "magic": "%precision 3\n3.14159",
    "unknown magic": "%no_such_magic",
    "capture": "%%capture kept\nprint('hidden')\ndisplay(1)",
    "captured": "kept.stdout, len(kept.outputs)",
    "shell class": "type(get_ipython()).__mro__[0].__name__, 'IPKernelApp' in get_ipython().config",
    "count": "get_ipython().execution_count",
    "main": "import __main__\n__name__, __main__.x, '__file__' in globals()",
    "help": "len?",
    "semicolon": "5;",
    "last of several": "1\n2",
    "none": "None",
    "bytes": "b'\\x00\\xff'",
    "surrogate": "print('\\udc80'.encode('utf-8', 'surrogateescape'))",
    "large": "print('x' * 200_000)",
    "unraisable": "class D:\n    def __del__(self):\n        raise RuntimeError('late')\n"
    "d = D()\ndel d",
    "repr fails": "class R:\n    def __repr__(self):\n        raise RuntimeError('no repr')\nR()",
    "raw print to __stdout__": "sys.__stdout__ is not None",
    "post run": "get_ipython().events.register('post_run_cell', lambda r: print('ran'))",
    "post run again": "1",
    "widget": "import ipywidgets\nipywidgets.IntSlider(value=3, description='n')",
    "output widget": "box = ipywidgets.Output()\nwith box:\n    print('in the box')\n"
    "print('outside')",
}

UNDER_TEST = "PYTEST_CURRENT_TEST"
"""ipykernel does not look at file descriptors where this variable is set."""
LATE = {"subprocess": "first\nsecond\n", "descriptor": "a\nb\n"}
"""A kernel takes what programs write at some later time, after the result or in the next cell."""
_VOLATILE = (
    (re.compile(r"0x[0-9a-f]+"), "0x"),
    (re.compile(r"ipykernel_\d+[/\\]\d+\.py"), "ipykernel.py"),
    (re.compile(r"Thread-\d+"), "Thread"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "id"),
    (re.compile(r"site-packages/mlnb|main/mlnb"), "mlnb"),
)


def normal(outputs: list[dict[str, Any]]) -> list[Any]:
    """Return outputs without what differs from one process to the next."""
    text = json.dumps(outputs, sort_keys=True)
    for pattern, instead in _VOLATILE:
        text = pattern.sub(instead, text)
    merged: list[Any] = []
    for output in json.loads(text):
        last = merged[-1] if merged else {}
        if output["output_type"] == "stream" and last.get("name") == output["name"]:
            last["text"] += output["text"]
        else:
            merged.append(output)
    # text of two streams arrives in any order
    return sorted(merged, key=lambda item: (item["output_type"] != "stream", item.get("name", "")))


def _said(cell: dict[str, Any]) -> str:
    return "".join(output.get("text", "") for output in cell["outputs"])


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the notebook in a stock kernel, with nbclient."""
    nbformat = import_nbformat()
    from nbclient import NotebookClient

    notebook = nbformat.from_dict(the_notebook())
    folder = tmp_path_factory.mktemp("cold")
    client = NotebookClient(notebook, resources={"metadata": {"path": str(folder)}})
    env = {name: value for name, value in os.environ.items() if name != UNDER_TEST}
    asyncio.run(client.async_execute(env=env))
    return json.loads(nbformat.writes(notebook, split_lines=False))


def the_notebook() -> dict[str, Any]:
    """Return all the cells; each may fail."""
    return {
        "cells": [
            {
                "cell_type": "code",
                "id": re.sub(r"\W", "-", name),
                "metadata": {"tags": ["raises-exception"]},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for name, source in CELLS.items()
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.mark.parametrize("runner", ["inprocess", "kernel"])
def test_outputs_are_those_of_a_cold_kernel(
    project: Project, cold: dict[str, Any], runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(UNDER_TEST)
    source = project.root / "all.ipynb"
    source.write_text(json.dumps(the_notebook()), encoding="utf-8")
    job = NotebookJob(
        notebook=source, output=project.root / "o.ipynb", runner=runner, cell_timeout=40
    )
    done = attempt(job)
    if done.error is not None and runner == "kernel":
        # Twice in some hundred runs a kernel stood still in a cell; in which one is not known yet.
        print(f"again, because: {done.error}")
        done = attempt(job)
    assert done.error is None
    assert done.runner == runner
    nbformat = import_nbformat()
    made = nbformat.read(done.output, as_version=4)
    nbformat.validate(made)
    got = json.loads(nbformat.writes(made, split_lines=False))
    different = {}
    for name, mine, theirs in zip(CELLS, got["cells"], cold["cells"], strict=True):
        if name in LATE and runner == "kernel":
            continue
        if name in LATE and _said(mine) == LATE[name]:
            continue
        if normal(mine["outputs"]) != normal(theirs["outputs"]):
            different[name] = (normal(mine["outputs"]), normal(theirs["outputs"]))
        if mine["execution_count"] != theirs["execution_count"]:
            different[f"{name}: count"] = (mine["execution_count"], theirs["execution_count"])
    for name, (mine, theirs) in different.items():
        print(f"--- {name}\nours:   {str(mine)[:1500]}\ntheirs: {str(theirs)[:1500]}")
    assert not different
    kind = "application/vnd.jupyter.widget-state+json"
    states = [
        sorted(
            (state["model_name"], json.dumps(state["state"].get("outputs", ""), sort_keys=True))
            for state in body["metadata"]["widgets"][kind]["state"].values()
        )
        for body in (got, cold)
    ]
    assert states[0] == states[1]
    assert got["metadata"]["language_info"] == cold["metadata"]["language_info"]
