"""Pictures of a run beside those of another: which are others, and by how much."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from mlnb.pipelines.reading.excerpts import Picture

Pictures = Mapping[str, Sequence[Picture]]
"""By step."""
LARGEST = 40_000_000
"""Pixels of a picture that is compared."""


@dataclass(frozen=True)
class PlotChange:
    """A picture that both runs, or only one of them, have."""

    step: str
    caption: str
    before: Picture | None
    now: Picture | None
    share: float | None = None
    """Share of the pixels that differ; None where that cannot be told."""

    @property
    def said(self) -> str:
        """Return in words what became of it."""
        if self.before is None:
            return "new"
        if self.now is None:
            return "gone"
        if self.share is None:
            return "another picture"
        if self.share < 0.0005:
            return "nearly the same"
        return f"{self.share:.1%} of the pixels differ"


def changes(before: Pictures, now: Pictures) -> list[PlotChange]:
    """Return the pictures that differ, in the order of the steps.

    A picture is known by its step and the name it was glued as, else by its cell.
    """
    found = []
    for step in dict.fromkeys([*now, *before]):
        old, new = _by_place(before.get(step, [])), _by_place(now.get(step, []))
        for place in dict.fromkeys([*new, *old]):
            one, other = old.get(place), new.get(place)
            if one is None or other is None:
                if step in before and step in now:
                    there: Any = other or one
                    found.append(PlotChange(step, there.caption, one, other))
            elif one.body != other.body:
                share = difference(one, other)
                if share != 0:
                    found.append(PlotChange(step, other.caption, one, other, share))
    return found


def difference(one: Picture, other: Picture) -> float | None:
    """Return the share of pixels in which two pictures differ; None where that cannot be told.

    Pictures of different sizes lie on each other at their upper left corner: labels that need
    more room make a plot a little wider.
    """
    from PIL import Image, ImageChops

    if "image/svg+xml" in (one.kind, other.kind):
        return None
    try:
        images = [Image.open(BytesIO(base64.b64decode(item.body))) for item in (one, other)]
        size = max(image.width for image in images), max(image.height for image in images)
        if size[0] * size[1] > LARGEST:
            return None
        sheets = [Image.new("RGBA", size) for _ in images]
        for sheet, image in zip(sheets, images, strict=True):
            sheet.paste(image.convert("RGBA"))
        bands = ImageChops.difference(*sheets).split()
    except (ValueError, OSError, Image.DecompressionBombError):
        return None
    worst = bands[0]
    for band in bands[1:]:
        worst = ImageChops.lighter(worst, band)
    histogram = worst.histogram()
    return 1 - histogram[0] / (size[0] * size[1])


def _by_place(pictures: Sequence[Picture]) -> dict[tuple[str, int], Picture]:
    """Return pictures by name, or cell, and how often that has come before."""
    found: dict[tuple[str, int], Picture] = {}
    for picture in pictures:
        place = picture.name or f"cell {picture.cell}"
        count = sum(key[0] == place for key in found)
        found[place, count] = picture
    return found
