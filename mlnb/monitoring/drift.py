"""Features of one period against the reference, and whether the period as a whole drifted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.records import FeatureDrift
from mlnb.validation.reference import Reference
from mlnb.validation.significance import corrected

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Rules:
    """When a feature and when a period counts as drifted.

    Attributes
    ----------
    psi : float
        A feature has drifted at this population stability index …
    alpha : float
        … and a corrected p-value below this.
    share : float
        A period has drifted when this share of its features has (at least one) …
    important : sequence of str
        … or any of these, or the predictions.
    """

    psi: float = 0.2
    alpha: float = 0.01
    share: float = 0.2
    important: Sequence[str] = ()

    def check(self, features: Sequence[str]) -> None:
        """Refuse rules that cannot be applied.

        Raises
        ------
        BadInput
            If the share is none.
        UnknownName
            If an important feature does not exist.
        """
        if not 0 < self.share <= 1:
            raise BadInput(f"share = {self.share:g} is no share.", "Give a number in (0, 1].")
        for name in self.important:
            if name not in features:
                raise UnknownName("feature", name, features)

    def needed(self, features: int) -> int:
        """Return how many of so many features must drift."""
        return max(1, ceil(self.share * features - 1e-9))


def compare(
    references: Mapping[str, Reference], served: "pd.DataFrame", rules: Rules
) -> list[FeatureDrift]:
    """Compare the features that both have; p-values are corrected for their number."""
    names = [name for name in references if name in served.columns]
    found = [references[name].compare(served[name]) for name in names]
    adjusted = corrected([item.p_value for item in found])
    return [
        FeatureDrift(
            feature=name,
            kind=references[name].kind,
            psi=item.psi,
            test=item.test,
            statistic=item.statistic,
            p_value=item.p_value,
            p_adjusted=p_value,
            drifted=bool(item.psi >= rules.psi and p_value < rules.alpha),
        )
        for name, item, p_value in zip(names, found, adjusted, strict=True)
    ]


def drifted(
    features: Sequence[FeatureDrift], predictions: FeatureDrift | None, rules: Rules
) -> bool:
    """Tell whether a period drifted."""
    moved = {item.feature for item in features if item.drifted}
    if predictions is not None and predictions.drifted:
        return True
    return len(moved) >= rules.needed(len(features)) or bool(moved.intersection(rules.important))


def in_words(features: Sequence[FeatureDrift], predictions: FeatureDrift | None) -> str:
    """Say which features moved, the furthest first."""
    moved = sorted((item for item in features if item.drifted), key=lambda item: -item.psi)
    named = ", ".join(f"{item.feature} (PSI {item.psi:.2f})" for item in moved[:5])
    more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
    text = f"{len(moved)} of {len(features)} features drifted: {named}{more}" if moved else ""
    if predictions is not None and predictions.drifted:
        also = f"the predictions drifted (PSI {predictions.psi:.2f})"
        text = f"{text}; {also}" if text else also
    return text
