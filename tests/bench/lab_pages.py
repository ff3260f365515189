"""What the panel costs in a real browser: opening, scrolling, following a busy pipeline."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ROWS = '[data-mlnb-section="runs"] .mlnb-Row-line'
RESTORED = "() => window.jupyterapp?.restored.then(() => performance.now())"
OPEN = """async () => {
    const { shell } = window.jupyterapp;
    const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    const begun = performance.now();
    shell.activateById('mlnb-panel');
    const row = () => document.querySelector('ROWS .mlnb-Row-title');
    while (!row()) await frame();
    const shown = performance.now();
    const first = row().closest('[role=option]');
    first.focus();
    const press = new KeyboardEvent('keydown', {key: 'ArrowDown', bubbles: true});
    first.dispatchEvent(press);
    while (document.activeElement === first) await frame();
    await frame();
    return { shown: shown - begun, interactive: performance.now() - begun };
}""".replace("ROWS", ROWS)
WATCH = """() => {
    const list = document.querySelector('[data-mlnb-section="runs"] .mlnb-ListBox');
    const seen = window.watched = { frames: 0, blank: 0, moved: 0, running: true, longest: 0 };
    let before = list.scrollTop, last = performance.now();
    const look = () => {
        const { top, bottom } = list.getBoundingClientRect();
        let covered = 0;
        for (const row of list.querySelectorAll('.mlnb-Row-line')) {
            const box = row.getBoundingClientRect();
            const part = Math.min(box.bottom, bottom) - Math.max(box.top, top);
            if (part > 0 && row.querySelector('.mlnb-Row-title')?.textContent) covered += part;
        }
        const moved = Math.abs(list.scrollTop - before);
        before = list.scrollTop;
        if (moved > 0) {
            seen.frames++;
            seen.moved += moved;
            if (covered < bottom - top - 2) seen.blank++;
            seen.longest = Math.max(seen.longest, performance.now() - last);
        }
        last = performance.now();
        if (seen.running) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""
TASKS = """() => {
    window.tasks = []; window.inputs = [];
    new PerformanceObserver(list => list.getEntries().forEach(one =>
        window.tasks.push(one.duration))).observe({ type: 'longtask' });
    new PerformanceObserver(list => list.getEntries().forEach(one =>
        one.name === 'keydown' && window.inputs.push(one.duration)
    )).observe({ type: 'event', durationThreshold: 16 });
}"""
WRITER = """
import sys, time
from mlnb.core import project
emit = project.current().events.emit
seconds, rate, steps = float(sys.argv[1]), int(sys.argv[2]), 20
names = [f"step-{number:02d}" for number in range(steps)]
emit("pipeline.started", "busy-1", pipeline="busy",
     steps=[{"name": name, "notebook": f"{name}.ipynb", "cells": 500} for name in names])
for name in names:
    emit("step.started", "busy-1", pipeline_run="busy-1", step=name)
begun, sent = time.monotonic(), 0
while time.monotonic() - begun < seconds:
    while sent < (time.monotonic() - begun) * rate:
        step, cell = names[sent % steps], sent // steps + 1
        kind = "cell.started" if sent % 2 else "cell.finished"
        emit(kind, f"{step}.ipynb", step=step, pipeline_run="busy-1", cell=cell, total=500)
        if sent % 20 == 0:
            emit("run.finished", f"{sent:032x}")
        sent += 1
    time.sleep(0.01)
emit("pipeline.finished", "busy-1", status="FINISHED")
print(sent)
"""


@contextmanager
def page_of(browser: Any, lab: Any) -> Iterator[Any]:
    """Give a fresh window with JupyterLab in it, restored; the milliseconds are ``page.took``."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    try:
        page.goto(f"{lab.url}/lab?token={lab.token}&reset")
        page.wait_for_function("() => window.jupyterapp?.restored", timeout=60_000)
        page.took = page.evaluate(RESTORED)
        yield page
    finally:
        context.close()


def starting(browser: Any, labs: dict[str, Any], times: int) -> dict[str, list[float]]:
    """Load JupyterLab from each server in turn; returns milliseconds until it is restored."""
    found: dict[str, list[float]] = {name: [] for name in labs}
    for number in range(times + 1):
        for name, lab in labs.items():
            with page_of(browser, lab) as page:
                if number:  # the first fills the caches of the server
                    found[name].append(page.took)
    return found


def opening(browser: Any, lab: Any, times: int, wait: float) -> list[dict[str, float]]:
    """Open the panel in fresh windows, so many milliseconds after JupyterLab is there."""
    found = []
    for _ in range(times):
        with page_of(browser, lab) as page:
            page.wait_for_timeout(wait)
            found.append(page.evaluate(OPEN))
    return found


def scrolling(browser: Any, lab: Any, seconds: float) -> dict[str, float]:
    """Scroll the runs by the wheel, ever faster, then by keys; returns what each frame showed."""
    with page_of(browser, lab) as page:
        page.evaluate(OPEN)
        page.wait_for_timeout(5000)  # as long as it takes to begin to read
        box = page.locator('[data-mlnb-section="runs"] .mlnb-ListBox').bounding_box()
        page.mouse.move(box["x"] + 60, box["y"] + 60)
        page.evaluate(WATCH)
        begun, step = time.monotonic(), 120
        while time.monotonic() - begun < seconds:
            page.mouse.wheel(0, step if (time.monotonic() - begun) % 4 < 3 else -step)
            page.wait_for_timeout(16)
            step = min(4000, step + 40)
        page.locator(f"{ROWS}[tabindex='0']").first.focus()
        for key in ("End", "Home", *("PageDown",) * 20, "End", "PageUp"):
            page.keyboard.press(key)
            page.wait_for_timeout(50)
        page.wait_for_timeout(300)
        found: dict[str, float] = page.evaluate("() => ({...window.watched, running: 0})")
        return found


def following(browser: Any, lab: Any, seconds: float, rate: int) -> dict[str, Any]:
    """Type while a pipeline says so many things a second; returns how the page kept up."""
    with page_of(browser, lab) as page:
        page.evaluate(OPEN)
        page.wait_for_timeout(2000)
        page.evaluate(TASKS)
        page.evaluate(
            "() => { window.pushes = 0; window.jupyterapp.serviceManager.events.stream.connect("
            "(_, one) => { window.pushes += one.schema_id.startsWith('urn:mlnb:'); }); }"
        )
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(seconds), str(rate)],
            cwd=lab.folder,
            env=lab.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        page.locator('[data-mlnb-section="pipelines"] .mlnb-Bar').wait_for(timeout=20_000)
        page.locator(".mlnb-Filter input").focus()
        begun, presses = time.monotonic(), 0
        while writer.poll() is None:
            page.keyboard.press("a")
            page.keyboard.press("Backspace")
            page.wait_for_timeout(100)
            presses += 2
        took = time.monotonic() - begun
        sent = int((writer.communicate()[0] or "0").strip())
        page.wait_for_timeout(1000)
        tasks, inputs, pushes = page.evaluate("() => [window.tasks, window.inputs, window.pushes]")
        line = page.locator('[data-mlnb-section="pipelines"] .mlnb-Row-line').first
        return {
            "events": sent / seconds,
            "pushes": pushes / took,
            "tasks": tasks,
            "inputs": inputs,
            "presses": presses,
            "ended": line.locator('[aria-label="finished"]').count() == 1,
        }


def median(values: list[float]) -> float:
    """Return the middle of the values."""
    return statistics.median(values)


def words(values: list[float]) -> str:
    """Return figures as text."""
    return json.dumps([round(value) for value in values])
