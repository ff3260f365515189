"""The key of a cell: digests of its code, its inputs and the modules it uses, before it runs."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from mlnb.core.hashing import digest_file, digest_json
from mlnb.core.project import Project
from mlnb.core.redaction import looks_secret
from mlnb.execution.parameters.secret import Secret, held
from mlnb.execution.steps import modules
from mlnb.execution.steps.code import CellCode
from mlnb.execution.steps.contents import Contents, NoContent
from mlnb.execution.steps.signing import Signer

FORMAT = "1"
"""Part of every key: raise it when digests are taken otherwise."""


@dataclass
class Key:
    """The key of one cell, with what it was made from."""

    parts: dict[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    """Names of the variables that count."""
    problems: list[str] = field(default_factory=list)
    """Why the result must not be cached; empty when it may be."""
    constants: frozenset[str] = frozenset()

    @cached_property
    def digest(self) -> str:
        """Return the key itself, once it is complete."""
        return digest_json(self.parts)


class Keys:
    """Makes keys in one shell.

    Parameters
    ----------
    project : Project
        Whose modules count by their content.
    namespace : dict
        The notebook's variables.
    """

    def __init__(self, project: Project, namespace: dict[str, Any]) -> None:
        self._project = project
        self._namespace = namespace
        self._signer = Signer(project)

    def contents(self) -> Contents:
        """Return what takes digests of this shell's values."""
        return Contents(self._namespace, self._signer.fingerprint)

    def key(
        self, code: CellCode, inputs: Iterable[str] | None = None, outputs: Iterable[str] = ()
    ) -> Key:
        """Return the key of a cell.

        Parameters
        ----------
        code : CellCode
            The cell.
        inputs : iterable of str, optional
            The variables that count; by default those that the code may read. Functions, classes
            and modules that the code uses count in any case.
        outputs : iterable of str
            Declared names, which belong to the key as well.
        """
        contents = self.contents()
        key = Key()
        key.parts["format"] = FORMAT
        key.parts["python"] = f"{sys.version_info.major}.{sys.version_info.minor}"
        key.parts["code"] = code.digest
        if outputs := sorted(outputs):
            key.parts["outputs"] = ", ".join(outputs)
        names = [name for name in code.reads if name in self._namespace]
        if inputs is not None:
            wanted = list(inputs)
            names = [name for name in names if _is_code(self._namespace[name])]
            names += [name for name in wanted if name not in names]
        key.inputs = tuple(names)
        for name in names:
            self._add(key, contents, name)
        self._add_modules(key, contents, code)
        for file in code.files:
            if (path := Path(file)).is_file():
                key.parts[f"file {file}"] = digest_file(path)
        key.constants = code.constants | frozenset(contents.constants)
        return key

    def digests(self, names: Iterable[str]) -> dict[str, str]:
        """Return the digests of variables as they are now; of those that have one."""
        found = {}
        contents = self.contents()
        for name in names:
            if name in self._namespace:
                try:
                    found[name] = contents.digest(_masked(name, self._namespace[name]))
                except NoContent:
                    continue
        return found

    def _add(self, key: Key, contents: Contents, name: str) -> None:
        value = _masked(name, self._namespace[name])
        try:
            key.parts[f"{_word(value)} {name}"] = contents.digest(value)
        except NoContent as error:
            key.problems.append(
                f"the content of {name!r} cannot be told ({error}); when it does not matter, name "
                f"the inputs that do: --in a,b"
            )

    def _add_modules(self, key: Key, contents: Contents, code: CellCode) -> None:
        found = contents.modules | set(modules.used(code.tree))
        ours = modules.ProjectModules(self._project.root)
        files = ours.closure(found)
        key.parts |= {f"module {file}": digest for file, digest in files.items()}
        key.parts |= {f"library {n}": v for n, v in modules.libraries(found).items()}
        for file in ours.stale(files):
            key.problems.append(
                f"{file} was edited after it was imported, and what runs is the old code; restart "
                f"the kernel or reload it"
            )


def _masked(name: str, value: Any) -> Any:
    """Return a value that is probably a secret as one: others could try out what has a digest."""
    if isinstance(value, str) and (looks_secret(name) or value in held()):
        return Secret(value)
    return value


def _is_code(value: Any) -> bool:
    return isinstance(value, ModuleType | type) or hasattr(value, "__code__")


def _word(value: Any) -> str:
    if isinstance(value, ModuleType):
        return "import"
    if isinstance(value, type):
        return "class"
    return "function" if hasattr(value, "__code__") else "input"


def changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return the parts in which two keys differ, each with its old and new digest."""
    names = [*new, *(name for name in old if name not in new)]
    pairs = [(name, old.get(name, ""), new.get(name, "")) for name in names]
    return [(name, before, after) for name, before, after in pairs if before != after]
