"""What a version says of where it was linked from."""

from typing import Any


def source_fields(source: dict[str, str]) -> list[tuple[str, Any]]:
    """Return what a version says of where it was linked from, as fields of a view."""
    names = {"type": "linked", "location": "from", "files": "files"}
    fields = {names.get(key, key): value for key, value in source.items()}
    if source.get("type") == "delta":
        fields.pop("files")
    return list(fields.items())


def elsewhere(source: dict[str, str]) -> list[str]:
    """Return how other tools read the state that a link pins, in the project's folder."""
    place = source.get("location", "")
    if source.get("type") == "delta":
        return [f"Elsewhere: deltalake.DeltaTable({place!r}, version={source['version']})"]
    if source.get("type") == "iceberg":
        return [f"Elsewhere: polars.scan_iceberg({place!r}, snapshot_id={source['snapshot']})"]
    if source.get("type") == "dvc" and source["revision"]:
        path = f"{source['base']}/{source['path']}" if "base" in source else source["path"]
        return [f"Elsewhere: dvc get {place} {path} --rev {source['revision']}"]
    return []
