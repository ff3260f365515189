"""The goals of the serving benchmark, from its figures."""

import math
from collections.abc import Iterator

from goals import Goal
from serving_models import OTHER, SERVED
from serving_sections import SETTINGS
from serving_systems import PEERS

Figures = dict[str, dict[str, float]]
MANY = "64 clients"


def goals(figures: Figures) -> Iterator[Goal]:
    """Yield every goal whose figures there are; what could not be measured is missed."""
    for model in SERVED:
        if any(key.startswith(f"{model}/mlnb/") for key in figures):
            yield from _multiples(figures, model)
            yield from _ahead(figures, model)
            yield from _start(figures, model)
    if f"{OTHER}/mlnb/{MANY}" in figures:
        yield _against_litserve(figures)
    if "log/kept/64 clients" in figures:
        yield _log(figures)
    if "memory/mlnb/4" in figures:
        yield _workers(figures)


def _get(figures: Figures, key: str, name: str) -> float:
    return figures.get(key, {}).get(name, math.nan)


def _peers(figures: Figures, model: str, setting: str, name: str) -> dict[str, float]:
    found = {peer: _get(figures, f"{model}/{peer}/{setting}", name) for peer in PEERS}
    return {peer: figure for peer, figure in found.items() if not math.isnan(figure)}


def _multiples(figures: Figures, model: str) -> Iterator[Goal]:
    group = f"{model}, {MANY}, one row each"
    ours = _get(figures, f"{model}/mlnb/{MANY}", "rate")
    rates = _peers(figures, model, MANY, "rate")
    note = f"mlnb {ours:,.0f}/s; " + ", ".join(f"{n} {r:,.0f}/s" for n, r in rates.items())
    yield Goal(
        group=group,
        what="answers a second",
        measured=ours / rates.get("mlflow", math.nan),
        limit=100,
        unit="× mlflow models serve",
        at_least=True,
        beside={n: r / rates["mlflow"] for n, r in rates.items()} if "mlflow" in rates else {},
        note=note,
    )
    best = max(rates, key=lambda name: rates[name], default="")
    yield Goal(
        group=group,
        what="answers a second",
        measured=ours / rates.get(best, math.nan),
        limit=9,
        unit=f"× the best peer ({best})",
        at_least=True,
    )
    hello = _get(figures, "hello/mlnb", "rate")
    yield Goal(
        group=group,
        what="answers a second",
        measured=ours / hello,
        limit=0.5,
        unit="× the same server's hello",
        at_least=True,
        note=f"the hello: {hello:,.0f}/s",
    )


def _ahead(figures: Figures, model: str) -> Iterator[Goal]:
    for setting in SETTINGS:
        group = f"{model}, ahead of every peer"
        key = f"{model}/mlnb/{setting}"
        rates = _peers(figures, model, setting, "rate")
        best = max(rates.values(), default=math.nan)
        ours = _get(figures, key, "rate")
        yield Goal(
            group=group,
            what=f"{setting}, answers a second",
            measured=ours / best,
            limit=1,
            unit="× the best peer",
            at_least=True,
            beside={name: rate / best for name, rate in rates.items()},
            note=f"mlnb {ours:,.0f}/s",
        )
        times = _peers(figures, model, setting, "p99")
        least = min(times.values(), default=math.nan)
        late = _get(figures, key, "p99")
        yield Goal(
            group=group,
            what=f"{setting}, p99",
            measured=late / least,
            limit=1,
            unit="× the best peer",
            beside={name: time / least for name, time in times.items()},
            note=f"mlnb {late * 1000:.2f} ms",
        )


def _start(figures: Figures, model: str) -> Iterator[Goal]:
    group = f"{model}, start and memory"
    for what, name, limit, form in (
        ("from the command to the first answer", "seconds", 1 / 20, "{:.2f} s"),
        ("memory of all processes, after load", "loaded", 1 / 6, "{:.0f} MiB"),
    ):
        found = {each: _get(figures, f"{model}/{each}/start", name) for each in ("mlnb", *PEERS)}
        present = {each: figure for each, figure in found.items() if not math.isnan(figure)}
        base = found["mlflow"]
        yield Goal(
            group=group,
            what=what,
            measured=found["mlnb"] / base,
            limit=round(limit, 4),
            unit="× mlflow models serve",
            beside={n: f / base for n, f in present.items() if n != "mlnb"},
            note=", ".join(f"{n} {form.format(figure)}" for n, figure in present.items()),
        )


def _against_litserve(figures: Figures) -> Goal:
    ours, theirs = (_get(figures, f"{OTHER}/{who}/{MANY}", "rate") for who in ("mlnb", "litserve"))
    return Goal(
        group=f"boosting that cannot be converted, {MANY}",
        what="answers a second",
        measured=ours / theirs,
        limit=2,
        unit="× LitServe's batching",
        at_least=True,
        note=f"mlnb {ours:,.0f}/s, litserve {theirs:,.0f}/s",
    )


def _log(figures: Figures) -> Goal:
    kept, none = (_get(figures, f"log/{how}/{MANY}", "rate") for how in ("kept", "none"))
    return Goal(
        group="the prediction log",
        what=f"throughput that it costs, {MANY}",
        measured=100 * (1 - kept / none),
        limit=5,
        unit="%",
        note=f"{kept:,.0f}/s with it, {none:,.0f}/s without",
    )


def _workers(figures: Figures) -> Goal:
    one, four = (_get(figures, f"memory/mlnb/{count}", "memory") for count in (1, 4))
    return Goal(
        group="memory of several workers",
        what="four workers",
        measured=four / one,
        limit=1.5,
        unit="× one worker",
        note=f"{four:.0f} MiB and {one:.0f} MiB",
    )
