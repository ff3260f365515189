"""Whatever is in a folder, and however it is edited, comes back as it was saved."""

import contextlib
import itertools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlnb import datasets
from mlnb.core.project import Project

Look = Callable[[Path], dict[str, tuple[str, bytes | str]]]
LIMIT = 64 << 10
_numbers = itertools.count()
a_few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..", ".mlnb", ".mlnb.partial") and len(name.encode()) < 99)
few_names = st.sampled_from(["a", "b", "ä ö", "img.jpg", "deep", "\n", "x.txt", "日本"])
sizes = st.sampled_from([0, 1, 7, 5_000, LIMIT - 1, LIMIT, LIMIT + 1, 3 * LIMIT, 1_700_000])


@dataclass(frozen=True)
class File:
    """A file to be: bytes that compress, or not."""

    seed: int
    size: int
    plain: bool
    executable: bool = False

    @property
    def data(self) -> bytes:
        if self.plain:
            return (b"line %d of some text\n" % self.seed * (self.size // 18 + 1))[: self.size]
        import random

        return random.Random(self.seed).randbytes(self.size)  # noqa: S311 (test data)


files = st.builds(File, st.integers(0, 5), sizes, st.booleans(), st.booleans())
leaves = st.one_of(files, files, files, st.just("folder"), st.sampled_from(["a", "a/b", "nowhere"]))


def put(folder: Path, parts: list[str], leaf: Any) -> None:
    """Put a leaf into a folder, in place of what is there."""
    path = folder
    for part in parts[:-1]:
        path = path / part
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            path.unlink()
        path.mkdir(exist_ok=True)
    path = path / parts[-1]
    remove(path)
    if isinstance(leaf, File):
        path.write_bytes(leaf.data)
        path.chmod(0o755 if leaf.executable else 0o644)
    elif leaf == "folder":
        path.mkdir()
    else:
        path.symlink_to(leaf)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(OSError):  # not there, or behind a file or a link to itself
            path.unlink()


@a_few
@given(st.lists(st.tuples(st.lists(names, min_size=1, max_size=3), leaves), max_size=12))
def test_any_folder_comes_back(project: Project, look: Look, items: list[Any]) -> None:
    number = next(_numbers)
    folder = project.root / f"in{number}"
    folder.mkdir()
    for parts, leaf in items:
        put(folder, parts, leaf)
    version = datasets.save(folder, f"tree{number}")
    assert version.kind == "files"
    assert datasets.save(folder, f"tree{number}").unchanged
    out = project.root / f"out{number}"
    datasets.checkout(version.ref, out)
    assert look(out) == look(folder)
    assert datasets.save(out, f"tree{number}").unchanged
    done = datasets.checkout(version.ref, out)
    assert (done.written, done.removed, done.left) == (0, 0, 0)


edits = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "put", "remove", "move", "append", "insert"]),
        st.lists(few_names, min_size=1, max_size=2),
        st.lists(few_names, min_size=1, max_size=2),
        leaves,
    ),
    min_size=1,
    max_size=6,
)


def edit(folder: Path, action: str, parts: list[str], to: list[str], leaf: Any) -> None:
    path = folder.joinpath(*parts)
    is_file = path.exists() and path.is_file() and not path.is_symlink()
    if action == "put":
        put(folder, parts, leaf)
    elif action == "remove":
        remove(path)
    elif action == "move" and is_file and to[0] != parts[0]:
        data = path.read_bytes()
        path.unlink()
        put(folder, to, File(0, 0, True))
        folder.joinpath(*to).write_bytes(data)
    elif action == "append" and is_file:
        path.write_bytes(path.read_bytes() + b"more")
    elif action == "insert" and is_file:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] + b"inserted" + data[len(data) // 2 :])


@a_few
@given(st.lists(edits, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_any_edits_come_back(project: Project, look: Look, rounds: Any, order: Any) -> None:
    number = next(_numbers)
    name, folder = f"edited{number}", project.root / f"edited{number}"
    folder.mkdir()
    saved = {}
    for changes in rounds:
        for change in changes:
            edit(folder, *change)
        saved[datasets.save(folder, name).ref] = look(folder)
    out = project.root / f"again{number}"
    refs = list(saved) * 2
    order.shuffle(refs)
    for ref in refs:  # one after the other into the same folder, and into the one they came from
        datasets.checkout(ref, out)
        assert look(out) == saved[ref]
        datasets.checkout(ref, folder)
        assert look(folder) == saved[ref]
        assert datasets.save(folder, name).digest == datasets.resolve(ref).digest
