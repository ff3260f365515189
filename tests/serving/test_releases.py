from datetime import UTC, datetime

import pytest

from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import ModelVersion, Release
from mlnb.serving import releases


def version(number: int) -> ModelVersion:
    return ModelVersion(name="m", number=number, digest="d" * 64, created=datetime.now(UTC))


def deploy(number: int) -> Release:
    return releases.append("a", version(number), reason="")


def roll_back(to: int | None = None) -> Release:
    earlier = releases.before(releases.history("a"), to)
    number = int(earlier.model.partition("@")[2])
    return releases.append("a", version(number), reason="", restores=earlier.number)


def test_releases_are_numbered_and_kept(project: Project) -> None:
    deploy(1)
    deploy(2)
    roll_back()
    found = releases.history("a")
    assert [(item.ref, item.action, item.model, item.restores) for item in found] == [
        ("a@1", "deploy", "m@1", None),
        ("a@2", "deploy", "m@2", None),
        ("a@3", "rollback", "m@1", 1),
    ]
    assert releases.endpoints() == ["a"]


def test_rolling_back_again_goes_further_back(project: Project) -> None:
    for number in (1, 2, 3):
        deploy(number)
    assert [roll_back().model for _ in range(2)] == ["m@2", "m@1"]
    with pytest.raises(BadInput, match="no release before m@1"):
        roll_back()


def test_a_deployment_after_a_rollback_is_rolled_back_to_what_served(project: Project) -> None:
    deploy(1)
    deploy(2)
    roll_back()  # at 1
    deploy(3)
    restored = roll_back()
    assert (restored.model, restored.restores) == ("m@1", 1)  # not to 2, which was taken back


def test_a_release_can_be_named(project: Project) -> None:
    for number in (1, 2, 3):
        deploy(number)
    assert roll_back(to=1).model == "m@1"
    forward = roll_back(to=3)
    assert (forward.model, forward.restores) == ("m@3", 3)
    again = roll_back(to=4)  # itself a rollback to 1
    assert (again.model, again.restores) == ("m@1", 1)
    with pytest.raises(UnknownName, match="no release of endpoint 'a' '9'"):
        roll_back(to=9)


def test_an_unknown_endpoint(project: Project) -> None:
    deploy(1)
    with pytest.raises(UnknownName, match="There is 'a'"):
        releases.history("b")


def test_a_release_that_could_not_take_over_is_not_the_present_one(project: Project) -> None:
    deploy(1)
    deploy(2)
    releases.withdraw(deploy(3))
    last = releases.history("a")[-1]
    assert (last.action, last.model, last.restores) == ("rollback", "m@2", 2)
    assert last.reason == "release 3 could not take over"
    assert roll_back().model == "m@1", "what served was release 2"


def test_a_first_release_that_could_not_serve_leaves_nothing_to_restore(project: Project) -> None:
    releases.withdraw(deploy(1))
    assert len(releases.history("a")) == 1
