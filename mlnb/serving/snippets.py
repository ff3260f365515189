"""How to ask an endpoint from elsewhere."""

import json
from collections.abc import Mapping
from typing import Any


def curl(
    name: str, url: str, example: Mapping[str, Any] | None = None, *, token: bool = True
) -> str:
    """Return a shell command that asks an endpoint.

    The token is looked up when the command runs, so it is stored nowhere.

    Parameters
    ----------
    name, url : str
        The endpoint and its address.
    example : mapping, optional
        One row.
    token : bool
        Whether the endpoint asks for one.
    """
    body = json.dumps({"dataframe_records": [example or {"…": "…"}]}, ensure_ascii=False)
    lines = [f"curl {url}/invocations", "-H 'Content-Type: application/json'"]
    if token:
        lines.append(f'-H "Authorization: Bearer $(mlnb endpoint token {name})"')
    quoted = body.replace("'", "'\\''")
    lines.append(f"-d '{quoted}'")
    return " \\\n  ".join(lines)
