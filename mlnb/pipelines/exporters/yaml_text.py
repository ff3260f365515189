"""YAML as people write it: blocks, no anchors, nothing folded, text of several lines with ``|``."""

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, and repeats instead of pointing back."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists, too."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


def _flow(dumper: yaml.SafeDumper, value: "Flow") -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)


class Flow(list[Any]):
    """A list that is written in one line."""


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Flow, _flow)


def dump(body: dict[str, Any]) -> str:
    """Return a mapping as YAML, in its own order."""
    return yaml.dump(
        body,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=1_000_000,
    )


def document(header: list[str], body: dict[str, Any], *, spaced: tuple[str, ...] = ()) -> str:
    """Return a file: header, then the parts with an empty line between them.

    Parameters
    ----------
    header : list of str
        Comment lines, without their ``#``.
    body : dict
        What the file says.
    spaced : tuple of str
        Keys whose entries stand apart from each other, too.
    """
    parts = []
    for key, value in body.items():
        if key in spaced:
            entries = (dump({name: entry}) for name, entry in value.items())
            parts.append(
                dump({key: None}).replace(" null\n", "\n")
                + "\n".join(_indented(entry) for entry in entries)
            )
        else:
            parts.append(dump({key: value}))
    return "".join(f"# {line}".rstrip() + "\n" for line in header) + "\n" + "\n".join(parts)


def _indented(text: str) -> str:
    return "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True))
