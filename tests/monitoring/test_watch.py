"""The report on real prediction logs, registered models and dataset versions."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlnb import datasets, models, monitoring, validation
from mlnb.core.errors import BadInput, UnknownName, UnsupportedData
from mlnb.core.records import MonitorReport
from mlnb.monitoring import kept

Flights = Callable[..., pd.DataFrame]


def drifted(report: MonitorReport) -> dict[str, list[str]]:
    return {
        period.period: [item.feature for item in period.features if item.drifted]
        for period in report.periods
    }


def test_the_month_of_rain_is_flagged_and_only_that(
    watched: Any, april: pd.DataFrame, june: pd.DataFrame
) -> None:
    report = monitoring.report(watched.serve(april, june), by="month")
    assert drifted(report) == {"2013-04": [], "2013-06": ["rain"]}
    assert report.flagged == ["2013-06"]
    first, second = report.periods
    assert (first.rows, first.model, first.reference) == (1500, "late@1", "train@1")
    assert first.predictions is not None
    assert not first.predictions.drifted
    assert second.predictions is not None
    assert second.predictions.drifted
    assert MonitorReport.from_dict(report.to_dict()) == report


def test_the_window_and_the_length_of_a_period(
    watched: Any, april: pd.DataFrame, june: pd.DataFrame
) -> None:
    name = watched.serve(april, june)
    days = monitoring.report(name, by="day", since="2013-04-03", until="2013-04-05")
    assert [period.period for period in days.periods] == ["2013-04-03", "2013-04-04"]
    whole = monitoring.report(name, by=None, since="2013-06-01")
    assert [period.period for period in whole.periods] == ["from 2013-06-01"]
    assert whole.periods[0].rows == 1500
    nothing = monitoring.report(name, since="2014-01-01")
    assert nothing.periods == []
    assert nothing.model == "late@1"


def test_another_reference(watched: Any, june: pd.DataFrame) -> None:
    name = watched.serve(june)
    assert monitoring.report(name, reference=june).periods[0].features[0].psi == 0
    assert monitoring.report(name, reference="test").reference == "test@1"


def test_an_important_feature_alone_is_enough(watched: Any, june: pd.DataFrame) -> None:
    calm = june.assign(rain=june["rain"] - 1.0, carrier="AA")
    name = watched.serve(calm)
    assert drifted(monitoring.report(name, share=1.0)) == {"2013-06": ["carrier"]}
    assert monitoring.report(name, share=1.0).flagged == []
    assert monitoring.report(name, share=1.0, important=["carrier"]).flagged == ["2013-06"]


def test_each_period_meets_the_training_data_of_its_own_model(
    watched: Any, april: pd.DataFrame, june: pd.DataFrame, flights: Flights
) -> None:
    wet = datasets.save(flights(4000, 9, "2013-06-01", shift=1.0), "wet")
    example = june[["rain", "wind", "carrier"]].head(50)
    second = models.register(watched.model, "late", example=example, data=[wet.ref])
    name = watched.serve(april)
    watched.serve(june, version=second.ref, name=name)
    report = monitoring.report(name)
    assert [period.model for period in report.periods] == ["late@1", second.ref]
    assert [period.reference for period in report.periods] == ["train@1", wet.ref]
    assert report.flagged == []
    assert report.model == second.ref


def test_of_two_models_in_a_period_the_one_that_served_most_counts(
    watched: Any, april: pd.DataFrame
) -> None:
    again = models.register(
        watched.model, "late", example=april[["rain", "wind", "carrier"]].head(9), data=["train"]
    )
    name = watched.serve(april.head(1200))
    watched.serve(april.tail(300), version=again.ref, name=name)
    [period] = monitoring.report(name).periods
    assert period.model == "late@1"
    assert period.rows == 1500
    assert "late@1 served 80% of the rows" in period.notes


def test_alerts_are_recorded_once(watched: Any, april: pd.DataFrame, june: pd.DataFrame) -> None:
    name = watched.serve(april, june)
    assert monitoring.alerts(name) == []
    report = monitoring.report(name)
    [alert] = monitoring.alerts(name)
    assert report.alerts == [alert]
    assert (alert.kind, alert.period) == ("drift", "2013-06")
    assert "rain" in alert.message
    assert monitoring.report(name).alerts == [alert]
    assert len(monitoring.alerts(name)) == 1
    events = [event for event in watched.project.events.read()[0] if event.subject == name]
    assert [event.kind for event in events] == ["drift.found", *["monitor.reported"] * 2]
    assert kept.newest(name) == replace(report, created=kept.newest(name).created)
    assert events[0].data["period"] == "2013-06"


def test_realised_performance_meets_the_promise(
    watched: Any, april: pd.DataFrame, june: pd.DataFrame
) -> None:
    name = watched.serve(april, june)
    wrong = june.assign(late=1 - june["late"])
    monitoring.label(name, pd.concat([april, wrong]), label="late")
    report = monitoring.report(name)
    good, bad = report.periods
    promised = validation.latest("late@1")
    assert promised is not None
    assert good.baseline == {key: promised.metrics[key] for key in good.performance}
    assert list(good.performance)[:2] == ["roc_auc", "brier"]
    low, high = good.intervals["roc_auc"]
    assert low < good.performance["roc_auc"] < high
    assert bad.performance["roc_auc"] < 0.3
    assert [alert.period for alert in report.alerts if alert.kind == "performance"] == ["2013-06"]
    kinds = [event.kind for event in watched.project.events.read()[0] if event.subject == name]
    assert kinds == ["labels.added", "drift.found", "performance.dropped", "monitor.reported"]


def test_the_judged_metric_and_the_tolerance_can_be_chosen(
    watched: Any, april: pd.DataFrame
) -> None:
    name = watched.serve(april)
    random = np.random.default_rng(0)
    some = np.where(random.random(1500) < 0.15, 1 - april["late"], april["late"])
    monitoring.label(name, april.assign(late=some), label="late")
    assert monitoring.report(name, tolerance=0.9).alerts == []
    [alert] = monitoring.report(name, metric="brier").alerts
    assert alert.message.startswith("brier is")
    assert alert.value is not None
    assert alert.limit is not None
    assert alert.value > alert.limit


def test_without_validation_there_is_no_promise(watched: Any, april: pd.DataFrame) -> None:
    bare = models.register(
        watched.model, "bare", example=april[["rain", "wind", "carrier"]].head(9), data=["train"]
    )
    name = watched.serve(april, version=bare.ref)
    monitoring.label(name, april, label="late")
    [period] = monitoring.report(name).periods
    assert period.baseline == {}
    assert period.performance["roc_auc"] > 0.7
    assert period.predictions is not None  # compared with those on the training data


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"by": "mnth"}, BadInput, "Did you mean 'month'"),
        ({"since": "yesterday"}, BadInput, "no ISO 8601 time"),
        ({"important": ["rian"]}, UnknownName, "Did you mean 'rain'"),
        ({"share": 0}, BadInput, "no share"),
        ({"metric": "roc_acu"}, UnknownName, "Did you mean 'roc_auc'"),
        ({"reference": "trian"}, UnknownName, "Did you mean 'train'"),
        ({"reference": pd.DataFrame({"other": [1]})}, UnsupportedData, "no rows with features"),
    ],
)
def test_bad_input_records_nothing(
    watched: Any, june: pd.DataFrame, options: dict[str, Any], error: type, message: str
) -> None:
    name = watched.serve(june)
    with pytest.raises(error, match=message):
        monitoring.report(name, **options)
    assert monitoring.alerts(name) == []


def test_an_unknown_endpoint(watched: Any, june: pd.DataFrame) -> None:
    watched.serve(june, name="arrivals")
    for ask in (monitoring.report, monitoring.alerts):
        with pytest.raises(UnknownName, match="Did you mean 'arrivals'"):
            ask("arivals")


def test_a_model_whose_training_data_is_not_known(watched: Any, april: pd.DataFrame) -> None:
    blind = models.register(
        watched.model, "blind", example=april[["rain", "wind", "carrier"]].head(9), data=[]
    )
    name = watched.serve(april, version=blind.ref)
    with pytest.raises(BadInput, match=r"recorded: none.*--reference"):
        monitoring.report(name)
    assert monitoring.report(name, reference="train").flagged == []


def test_a_hundred_thousand_rows_take_seconds(watched: Any, flights: Flights) -> None:
    months = [flights(25_000, month, f"2013-{month:02d}-01") for month in range(4, 8)]
    name = watched.serve(*months)
    monitoring.label(name, pd.concat(months), label="late")
    begun = time.process_time()
    report = monitoring.report(name)
    assert time.process_time() - begun < 20  # about two seconds on an idle core
    assert report.flagged == []
    assert sum(period.labelled for period in report.periods) == 100_000
