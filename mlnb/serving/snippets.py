"""How to ask an endpoint from elsewhere."""

import json
import re
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


def python(
    name: str, url: str, example: Mapping[str, Any] | None = None, *, token: bool = True
) -> str:
    """Return Python code that asks an endpoint, with the standard library alone.

    Parameters
    ----------
    name, url : str
        The endpoint and its address.
    example : mapping, optional
        One row.
    token : bool
        Whether the endpoint asks for one; it is read from the environment.
    """
    rows = [dict(example)] if example else [{"…": "…"}]
    headers = ['"Content-Type": "application/json"']
    lines = ["import json", "import urllib.request", ""]
    if token:
        variable = f"{re.sub(r'[^A-Z0-9]', '_', name.upper())}_TOKEN"
        headers.append(f'"Authorization": f"Bearer {{os.environ[\'{variable}\']}}"')
        lines.insert(1, "import os")
        lines.append(f"# export {variable}=$(mlnb endpoint token {name})")
    lines += [
        f"rows = {rows!r}",
        "request = urllib.request.Request(",
        f"    {url + '/predict'!r},",
        '    json.dumps({"rows": rows}).encode(),',
        f"    {{{', '.join(headers)}}},",
        ")",
        "print(json.load(urllib.request.urlopen(request)))",
    ]
    return "\n".join(lines)
