"""Content hashes (BLAKE3, 256 bits, lower-case hex)."""

import json
from pathlib import Path
from typing import Any

from blake3 import blake3

Hasher = blake3
"""The incremental hasher: ``Hasher().update(data).hexdigest()``."""


def digest_bytes(data: bytes | bytearray | memoryview) -> str:
    """Return the digest of bytes."""
    return blake3(data).hexdigest()


def digest_file(path: Path) -> str:
    """Return the digest of a file, read through a memory map."""
    return blake3(max_threads=blake3.AUTO).update_mmap(path).hexdigest()


def digest_json(value: Any) -> str:
    """Return the digest of a JSON value; the order of its keys does not matter."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return blake3(text.encode()).hexdigest()


def digest_folder(folder: Path) -> str:
    """Return the digest of the names and contents of all files under a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return digest_json([[path.relative_to(folder).as_posix(), digest_file(path)] for path in files])
