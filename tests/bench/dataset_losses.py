"""How a frame that a system gives back differs from the one that was saved."""

import pandas as pd


def losses(saved: pd.DataFrame, loaded: pd.DataFrame, key: str) -> list[str]:
    """Return what is not as it was saved, in words; nothing if all is exactly the same.

    Values are compared after what was lost of types, index and order is set aside, so that each
    loss is named once.
    """
    found: list[str] = []
    if list(loaded.columns) != list(saved.columns):
        extra = [str(name) for name in loaded.columns if name not in saved.columns]
        gone = [str(name) for name in saved.columns if name not in loaded.columns]
        found.append(f"columns ({', '.join(extra + gone) or 'their order'})")
    if len(loaded) != len(saved):
        return [*found, f"rows ({len(loaded):,} instead of {len(saved):,})"]
    if not (
        type(loaded.index) is type(saved.index)
        and loaded.index.equals(saved.index)
        and loaded.index.names == saved.index.names
    ):
        found.append("index")
    loaded, saved = loaded.reset_index(drop=True), saved.reset_index(drop=True)
    if key in loaded.columns and not loaded[key].equals(saved[key]):
        order = [frame[key].sort_values(kind="stable").index for frame in (loaded, saved)]
        loaded, saved = (
            frame.take(rows).reset_index(drop=True)
            for frame, rows in zip((loaded, saved), order, strict=True)
        )
        found.append("row order" if loaded[key].equals(saved[key]) else f"values of {key}")
    for name in saved.columns:
        if name in loaded.columns:
            found += _column(str(name), saved[name], loaded[name])
    return found


def _column(name: str, saved: pd.Series, loaded: pd.Series) -> list[str]:
    found = []
    if saved.dtype != loaded.dtype:
        found.append(f"{name}: {saved.dtype} → {loaded.dtype}")
        try:
            loaded = loaded.astype(saved.dtype)
        except (TypeError, ValueError) as error:
            return [f"{name}: {saved.dtype} → {loaded.dtype} ({type(error).__name__})"]
    try:
        pd.testing.assert_series_equal(saved, loaded, check_exact=True)
    except AssertionError:
        found.append(f"values of {name}")
    return found
