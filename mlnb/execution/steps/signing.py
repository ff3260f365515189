"""Signatures under what has to be unpickled: only what somebody with our key stored is loaded.

A pickle runs code when it is loaded, so a store that others can write to must not be trusted with
one. Each is signed, together with the name it is stored under, with a key: the environment
variable ``MLNB_SIGNING_KEY`` when a team and its CI share one, else a key that is made once and
kept in ``.mlnb/local`` with rights for its owner only.
"""

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from mlnb.core.project import Project
from mlnb.core.settings import SIGNING_KEY

_FILE = "signing.key"


class Signer:
    """Signs and checks with one key.

    Parameters
    ----------
    project : Project
        Whose key it is when the environment names none.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._kept: bytes | None = None

    def sign(self, digest: str, place: str) -> str:
        """Return the signature under an object that is stored in a certain place."""
        return self._mac(f"object\n{place}\n{digest}")

    def is_ours(self, digest: str, place: str, signature: str) -> bool:
        """Tell whether a signature is by our key, for this object in this place."""
        return hmac.compare_digest(self.sign(digest, place), signature)

    def fingerprint(self, secret: str) -> str:
        """Return what tells one secret from another and nothing else, without the key."""
        return self._mac(f"secret\n{secret}")

    def _mac(self, text: str) -> str:
        if self._kept is None:
            self._kept = _key(self._project)
        return hmac.new(self._kept, text.encode(errors="replace"), hashlib.sha256).hexdigest()


def _key(project: Project) -> bytes:
    shared = os.environ.get(SIGNING_KEY, "")
    if shared:
        return shared.encode(errors="replace")
    file = project.local / _FILE
    with suppress(FileNotFoundError):
        return _read(file)
    draft = project.local / f".{_FILE}.{os.getpid()}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_hex(32))
    with suppress(FileExistsError):  # another process was first, and its key is the key
        os.link(draft, file)
    draft.unlink()
    return _read(file)


def _read(file: Path) -> bytes:
    return file.read_text(encoding="ascii").strip().encode()
