"""The contract of `mlnb.serving.targets.Target`: every target's tests inherit from it."""

import time
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from mlnb.core.errors import EndpointUnavailable, ReleaseFailed
from mlnb.serving.package import Package
from mlnb.serving.targets import Address, Target


class Traffic:
    """Requests without a pause, over a kept connection and over a new one each time.

    Attributes
    ----------
    failures : list of str
        Everything that was not an HTTP 200.
    releases : list of str
        Which release answered, in order.
    """

    def __init__(self, address: Address, body: dict[str, Any]) -> None:
        self._url = f"{address.url}/invocations"
        self._headers = {"Authorization": f"Bearer {address.token}"}
        self._body = body
        self._end = Event()
        self._threads = [Thread(target=self._kept), Thread(target=self._fresh)]
        self.failures: list[str] = []
        self.releases: list[str] = []

    def _kept(self) -> None:
        with httpx.Client(headers=self._headers, trust_env=False) as client:
            while not self._end.is_set():
                self._ask(client)

    def _fresh(self) -> None:
        while not self._end.is_set():
            with httpx.Client(headers=self._headers, trust_env=False) as client:
                self._ask(client)

    def _ask(self, client: httpx.Client) -> None:
        try:
            response = client.post(self._url, json=self._body, timeout=30)
        except httpx.HTTPError as error:
            self.failures.append(repr(error))
            return
        if response.status_code == 200:
            self.releases.append(response.headers["x-mlnb-release"])
        else:
            self.failures.append(f"{response.status_code}: {response.text}")

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(30)


class TargetContract:
    """What every target has to do; the subclass gives the fixtures.

    ``target`` is the target under test, which ends what it started; ``first`` and ``second`` are
    packages that start, ``broken`` is one that does not, ``body`` is a request that both accept.
    """

    def test_an_unknown_endpoint_is_stopped_and_has_no_address(self, target: Target) -> None:
        """Nothing runs before something is released."""
        assert target.status("contract").status == "stopped"
        assert target.names() == []
        assert target.logs("contract", 5) == ""
        assert target.stop("contract") is False
        with pytest.raises(EndpointUnavailable):
            target.address("contract")

    def test_switching_refuses_no_request(
        self, target: Target, first: Package, second: Package, body: dict[str, Any]
    ) -> None:
        """Requests are answered all the time, and by the new release as soon as it serves."""
        with target.prepare("contract", first) as candidate:
            candidate.serve(1)
        with Traffic(target.address("contract"), body) as traffic:
            for number, package in enumerate([second, first], start=2):
                with target.prepare("contract", package) as candidate:
                    candidate.serve(number)
                answered = len(traffic.releases)
                while len(traffic.releases) < answered + 20 and not traffic.failures:
                    time.sleep(0.01)
                assert traffic.failures == [], f"release {number}: {traffic.failures[:5]}"
                # the first two may have been on their way when it switched
                assert set(traffic.releases[answered + 2 :]) == {str(number)}, traffic.releases[
                    -40:
                ]
        assert traffic.failures == []
        status = target.status("contract")
        assert (status.status, status.release) == ("running", 3)
        assert status.requests >= len(traffic.releases)

    def test_a_release_that_does_not_start_changes_nothing(
        self, target: Target, first: Package, broken: Package, body: dict[str, Any]
    ) -> None:
        """One clear error; the one before keeps serving."""
        with target.prepare("contract", first) as candidate:
            candidate.serve(1)
        with pytest.raises(ReleaseFailed), target.prepare("contract", broken):
            pytest.fail("a broken package was prepared")  # pragma: no cover
        assert target.status("contract").release == 1
        assert self._ask(target, body).headers["x-mlnb-release"] == "1"

    def test_a_first_release_that_does_not_start_leaves_nothing(
        self, target: Target, broken: Package
    ) -> None:
        """There is no endpoint then."""
        with pytest.raises(ReleaseFailed), target.prepare("contract", broken):
            pytest.fail("a broken package was prepared")  # pragma: no cover
        assert target.names() == []
        assert target.status("contract").status == "stopped"

    def test_what_is_prepared_but_not_served_is_discarded(
        self, target: Target, first: Package, second: Package, body: dict[str, Any]
    ) -> None:
        """An error between prepare and serve, say in recording it, changes nothing."""
        with target.prepare("contract", first) as candidate:
            candidate.serve(1)
        with pytest.raises(OSError, match="recorded"), target.prepare("contract", second):
            raise OSError("could not be recorded")
        assert self._ask(target, body).headers["x-mlnb-release"] == "1"

    def test_stopping_ends_it_and_starting_again_keeps_its_address(
        self, target: Target, first: Package, body: dict[str, Any]
    ) -> None:
        """Stop is final, but clients find it where it was when it comes back."""
        with target.prepare("contract", first) as candidate:
            candidate.serve(1)
        address = target.address("contract")
        assert target.stop("contract") is True
        assert target.stop("contract") is False
        assert target.status("contract").status == "stopped"
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{address.url}/ping", trust_env=False)
        with target.prepare("contract", first) as candidate:
            candidate.serve(2)
        assert target.address("contract") == address
        assert self._ask(target, body).headers["x-mlnb-release"] == "2"

    def test_a_stopped_endpoint_keeps_its_address_when_a_release_does_not_start(
        self, target: Target, first: Package, broken: Package
    ) -> None:
        """What its clients know holds until it serves again."""
        with target.prepare("contract", first) as candidate:
            candidate.serve(1)
        address = target.address("contract")
        target.stop("contract")
        with pytest.raises(ReleaseFailed), target.prepare("contract", broken):
            pytest.fail("a broken package was prepared")  # pragma: no cover
        assert target.status("contract").status == "stopped"
        with target.prepare("contract", first) as candidate:
            candidate.serve(2)
        assert target.address("contract") == address

    @staticmethod
    def _ask(target: Target, body: dict[str, Any]) -> httpx.Response:
        address = target.address("contract")
        headers = {"Authorization": f"Bearer {address.token}"}
        response = httpx.post(
            f"{address.url}/invocations", json=body, headers=headers, timeout=30, trust_env=False
        )
        assert response.status_code == 200, response.text
        return response
