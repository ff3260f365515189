"""The state of the global random generators when a run began, as a fingerprint.

Two runs with the same fingerprint drew the same numbers, as far as they drew them from there: a
generator of its own (``numpy.random.default_rng()``), a library's, or another process's is not
seen. Only generators that were loaded when the run began are looked at.
"""

import sys
from hashlib import blake2b
from typing import Any


def noted() -> dict[str, Any]:
    """Return the generators' states as they are now; some microseconds."""
    found: dict[str, Any] = {}
    random = sys.modules.get("random")
    if random is not None:
        found["random"] = random.getstate()
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None:
        found["numpy"] = numpy.get_state(legacy=False)
    return found


def fingerprints(noted: dict[str, Any]) -> dict[str, str]:
    """Return short texts that differ when the states do."""
    return {
        name: blake2b(_bytes(state), digest_size=6).hexdigest() for name, state in noted.items()
    }


def _bytes(state: Any) -> bytes:
    if isinstance(state, dict):  # NumPy's
        inner = state["state"]
        key = inner["key"].tobytes() if "key" in inner else b""
        rest = {name: item for name, item in inner.items() if name != "key"}
        return key + repr((state["bit_generator"], sorted(rest.items()))).encode()
    return repr(state).encode()
