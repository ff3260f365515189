"""Judges a canary or a shadow by its rules: ``python -m mlnb.serving.judging ENDPOINT RELEASE``.

The supervisor keeps this process for as long as the release is tried. It decides with the verbs
that a human has, so the event and the history's entry are made in the same way: a release that
breaks a rule is rolled back, one that kept all of them for its time is promoted.
"""

import logging
import os
import sys
import time

from mlnb.core.errors import MlnbError
from mlnb.core.records import Release
from mlnb.serving import folders, releases, releasing
from mlnb.serving.observing import Observer
from mlnb.serving.outcomes import known
from mlnb.serving.rules import Finding, Rule, judge, parse, verdict

EVERY = 1.0
LABELS_EVERY = 15.0
_OWN = frozenset({"errors", "p50", "p95", "p99", "psi"})
_logger = logging.getLogger("mlnb.serving.judging")


class Trial:
    """One release against the current one.

    Parameters
    ----------
    tried, present : Release
        The canary or shadow, and what serves.
    """

    def __init__(self, tried: Release, present: Release) -> None:
        self._tried, self._present = tried, present
        self._rules = [parse(text) for text in tried.rules]
        self._begun = tried.created.timestamp()
        self._observer = Observer(
            folders.endpoint_folder(tried.endpoint),
            (tried.number, present.number),
            self._begun,
        )
        self._by_outcome = any(rule.metric not in _OWN for rule in self._rules)
        self._labels_at = 0.0
        self._labels = known(tried.endpoint)

    def findings(self) -> list[tuple[Rule, Finding]]:
        """Look at what came since, and say what each rule says now."""
        self._observer.look()
        tried = self._observer.seen(self._tried.number)
        present = self._observer.seen(self._present.number)
        if self._by_outcome:
            if time.monotonic() - self._labels_at > LABELS_EVERY:
                self._labels_at, self._labels = time.monotonic(), known(self._tried.endpoint)
            self._observer.labelled(self._tried.number, self._labels, tried)
            self._observer.labelled(self._present.number, self._labels, present)
        return [(rule, judge(rule, tried, present)) for rule in self._rules]

    def decided(self) -> bool:
        """Act if it is time to; tells whether the release is tried no more."""
        found = self.findings()
        broken = verdict(found)
        if broken is not None:
            rule, finding = broken
            releasing.rollback(
                self._tried.endpoint, reason=f"broke {finding.reason}", rule=str(rule)
            )
            _logger.warning("release %d was rolled back: %s", self._tried.number, finding.reason)
            return True
        after = self._tried.promote_after
        if after is None or time.time() - self._begun < after:
            return False
        if any(finding.state != "kept" for _, finding in found):
            return False
        kept = "; ".join(finding.reason for _, finding in found) or "nothing was asked of it"
        rule_text = ", ".join(map(str, self._rules)) or f"promote after {after:g} s"
        reason = f"kept for {after:g} s: {kept}"
        releasing.promote(self._tried.endpoint, reason=reason, rule=rule_text)
        _logger.warning("release %d was promoted: %s", self._tried.number, kept)
        return True


def _trial(endpoint: str, number: int) -> Trial | None:
    """Return the trial of a release, or None when it is tried no more."""
    known_releases = releases.history(endpoint)
    present = releases.serving(known_releases)
    for role in ("canary", "shadow"):
        found = releases.beside(known_releases, role)
        if found is not None and found.number == number and present is not None:
            return Trial(found, present)
    return None


def main() -> None:
    """Judge until it is decided, or the release is tried no more."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s judge %(levelname)s: %(message)s")
    os.nice(10)
    endpoint, number = sys.argv[1], int(sys.argv[2])
    trial = _trial(endpoint, number)
    entries = len(releases.history(endpoint))
    while trial is not None:
        time.sleep(EVERY)
        if os.getppid() == 1:
            return  # the supervisor is gone; the next one starts another judge
        try:
            now_known = len(releases.history(endpoint))
            if now_known != entries:  # shifted, or something else serves: judge that
                entries, trial = now_known, _trial(endpoint, number)
            elif trial.decided():
                return
        except MlnbError as error:
            _logger.error("%s", error)
    _logger.info("release %d is tried no more", number)


if __name__ == "__main__":
    main()
