"""The graph of a run as Mermaid, which GitHub and GitLab draw."""

import re
from collections.abc import Mapping, Sequence

from mlnb.pipelines.reading.gathering import StepReading

MOST = 80
"""Steps that can be told apart in such a picture."""
_PLAIN = re.compile(r"[^A-Za-z0-9 ._-]")
_STYLES = {
    "FINISHED": "fill:#dafbe1,stroke:#1f883d,color:#0d3b1a",
    "CACHED": "fill:#d8f5f7,stroke:#0b7a84,color:#06363b,stroke-dasharray:2 3",
    "FAILED": "fill:#ffebe9,stroke:#cf222e,color:#5c0d13",
    "KILLED": "fill:#fff1e5,stroke:#b3541e,color:#4d230b",
    "SKIPPED": "fill:#f3f4f6,stroke:#848d97,color:#4a525b,stroke-dasharray:5 4",
}


def draw(steps: Sequence[StepReading], needs: Mapping[str, Sequence[str]]) -> str:
    """Return the graph; ``""`` when there are too many steps, or nothing is known of needs."""
    if not needs or len(steps) > MOST:
        return ""
    ids = {step.result.name: f"s{number}" for number, step in enumerate(steps)}
    lines = ["graph LR"]
    for step in steps:
        label = f"{_escaped(step.result.name)}<br>{step.state.lower()}"
        lines.append(f'  {ids[step.result.name]}["{label}"]:::{step.state}')
    for name, needed in needs.items():
        lines += [f"  {ids[need]} --> {ids[name]}" for need in needed if {need, name} <= set(ids)]
    used = {step.state for step in steps}
    lines += [f"  classDef {state} {style}" for state, style in _STYLES.items() if state in used]
    return "\n".join(lines)


def _escaped(name: str) -> str:
    """Return a name of which Mermaid and HTML understand nothing but letters."""
    return _PLAIN.sub(lambda match: f"#{ord(match[0])};", name[:60])
