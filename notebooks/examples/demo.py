"""Run an example's pipeline from a fresh state and sum up what it made (``make demo``)."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

STATE = ".mlnb"
PREVIOUS = ".mlnb-previous"


def main(folder: Path) -> int:
    """Run ``pipeline.yaml`` in a folder; the exit code is the pipeline's."""
    for variable in [name for name in os.environ if name.startswith("MLNB_")]:
        del os.environ[variable]  # the demo runs from the defaults and its own mlnb.toml
    shown = os.path.relpath(folder)
    os.chdir(folder)
    move_aside(shown)
    begun = time.monotonic()
    try:
        code = run_pipeline()
        sum_up(shown, code, time.monotonic() - begun)
    finally:
        stop_endpoints()
    return code


def run_pipeline() -> int:
    """Run the pipeline; Ctrl-C and SIGTERM are its to end on, so that no kernel is left behind."""
    process = subprocess.Popen([sys.executable, "-m", "mlnb", "run", "pipeline.yaml"])
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # the terminal has told the pipeline too
            continue


def move_aside(shown: str) -> None:
    """Keep the state of the previous demo beside the new one."""
    if not Path(STATE).exists():
        return
    stop_endpoints()
    shutil.rmtree(PREVIOUS, ignore_errors=True)
    Path(STATE).rename(PREVIOUS)
    print(
        f"The demo replays 2013 from January, so the previous one's state was moved to "
        f"{shown}/{PREVIOUS}.",
        flush=True,
    )


def sum_up(shown: str, code: int, seconds: float) -> None:
    """Print where the report is, and what the run came to."""
    from mlnb import pipelines

    runs = pipelines.runs()
    if not runs:  # the pipeline could not even start; mlnb has said why
        return
    run = max(runs, key=lambda one: one.started)
    values = [step.values for step in run.steps]
    urls = dict.fromkeys(each["url"] for each in values if "url" in each)
    months = sorted({month for each in values for month in each.get("flagged", [])})
    lines = {"report": f"{shown}/{run.report}"}
    if code == 0:
        lines["champion"] = champion()
        lines["endpoint"] = ", ".join(urls) + " (while it ran; stopped now)" if urls else "none"
        lines["drifted"] = ", ".join(months) or "no month"
    lines["everything"] = f"{shown}/{STATE}"
    print(f"\nThe demo {'ended' if code == 0 else 'failed'} after {seconds:.0f} s.")
    for name, text in lines.items():
        print(f"  {name:<10} {text}")


def champion() -> str:
    """Return the champion and what its gate measured on the flights held out."""
    from mlnb import models, validation
    from mlnb.core.errors import MlnbError

    try:
        ref = models.resolve("flight-delay@champion").ref
    except MlnbError:
        return "none"
    verdict = validation.latest(ref)
    if verdict is None:
        return ref
    measured = []
    for name in ("roc_auc", "brier"):
        low, high = verdict.intervals[name]
        measured.append(f"{name} {verdict.metrics[name]:.3f} ({low:.3f} to {high:.3f})")
    return f"{ref}: {', '.join(measured)} on {verdict.rows:,} flights it had never seen"


def stop_endpoints() -> None:
    """Stop every endpoint of this project."""
    from mlnb import serving

    for endpoint in serving.list_endpoints():
        if endpoint.status in ("running", "starting"):
            serving.stop(endpoint.name)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
