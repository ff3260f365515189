"""URLs of stores as they may be shown: in an error, an output, a notebook."""

from urllib.parse import urlsplit, urlunsplit


def without_secrets(url: str) -> str:
    """Return a URL without user, password and query (signatures, tokens); a path as it is."""
    scheme, mark, rest = url.partition("://")
    if not mark or rest.startswith("/"):  # a path, or a file such as sqlite:///mlflow.db
        return url
    parts = urlsplit(url)
    return urlunsplit((scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
