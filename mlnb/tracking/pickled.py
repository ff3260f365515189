"""What a pickle would call, read from its opcodes. Nothing is unpickled or imported here.

A pickle is a program: its names are the functions it calls as soon as it is loaded. They are
listed so that a refusal can say what the file would have run, never to decide that a pickle is
harmless: none is loaded.
"""

import bz2
import lzma
import pickletools
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

LIMIT = 16 * 1024 * 1024
"""Bytes looked at; a name further on is not listed, the file is refused all the same."""
_MAGIC: dict[bytes, Callable[[bytes], bytes]] = {
    b"x\x01": lambda data: zlib.decompressobj().decompress(data, LIMIT),
    b"x\x5e": lambda data: zlib.decompressobj().decompress(data, LIMIT),
    b"x\x9c": lambda data: zlib.decompressobj().decompress(data, LIMIT),
    b"x\xda": lambda data: zlib.decompressobj().decompress(data, LIMIT),
    b"\x1f\x8b": lambda data: zlib.decompressobj(31).decompress(data, LIMIT),
    b"BZh": lambda data: bz2.BZ2Decompressor().decompress(data, LIMIT),
    b"\xfd7zXZ": lambda data: lzma.LZMADecompressor().decompress(data, LIMIT),
}
_SUFFIXES = frozenset(
    {".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill", ".pck", ".pth", ".pt"}
)
_STRINGS = frozenset(
    {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING"}
    | {"SHORT_BINSTRING"}
)


def is_pickle(file: Path) -> bool:
    """Tell whether a file is named like a pickle, or begins like one (compressed or not)."""
    if file.suffix.lower() in _SUFFIXES:
        return True
    with file.open("rb") as stream:
        head = _plain(stream.read(4096))
    return len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5


def called(file: Path) -> list[str]:
    """Return the ``module.name`` of everything a pickle names, in order, each once."""
    with file.open("rb") as stream:
        content = _plain(stream.read(LIMIT))
    return list(dict.fromkeys(_names(content)))


def _plain(data: bytes) -> bytes:
    """Return data as it is, or decompressed when it is compressed as joblib does."""
    for magic, decompress in _MAGIC.items():
        if data.startswith(magic):
            try:
                return decompress(data)
            except (zlib.error, OSError, lzma.LZMAError, EOFError):
                return data
    return data


def _names(content: bytes) -> Iterator[str]:
    """Yield the names, as far as the opcodes can be read: joblib puts arrays between them."""
    strings: list[str] = []
    memo: dict[int, str] = {}
    try:
        for operation, argument, _position in pickletools.genops(content):
            kind = operation.name
            if kind in ("GLOBAL", "INST") and isinstance(argument, str):
                yield argument.replace(" ", ".", 1)
            elif kind == "STACK_GLOBAL" and len(strings) >= 2:
                yield f"{strings[-2]}.{strings[-1]}"
            elif kind in _STRINGS and isinstance(argument, str):
                strings.append(argument)
            elif kind == "MEMOIZE" and strings:
                memo[len(memo)] = strings[-1]
            elif kind in ("PUT", "BINPUT", "LONG_BINPUT") and strings:
                memo[int(str(argument))] = strings[-1]
            elif kind in ("GET", "BINGET", "LONG_BINGET") and int(str(argument)) in memo:
                strings.append(memo[int(str(argument))])
    except (ValueError, IndexError, UnicodeDecodeError, KeyError):
        return  # what was read so far is what can be said
