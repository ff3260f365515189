"""``mlnb endpoint`` / ``%endpoint``, and the shortcuts ``deploy`` and ``rollback``."""

from typing import TYPE_CHECKING

import click

from mlnb import serving
from mlnb.core.errors import BadInput
from mlnb.core.records import EndpointStatus, Release
from mlnb.ui.grammar import Listing, Noun, Surface

if TYPE_CHECKING:
    from mlnb.serving.autostarting import Autostart


@click.group("endpoint", cls=Noun)
def endpoint() -> None:
    """Serve models."""


@endpoint.command("deploy")
@click.argument("model")
@click.option("--to", "name", required=True, help="Endpoint; made when there is none.")
@click.option("--canary", metavar="SHARE", help="Let it answer this share only, 10% for example.")
@click.option("--shadow", is_flag=True, help="Let it have copies; its answers go to the log only.")
@click.option(
    "--sticky-by",
    default="",
    metavar="KEY",
    help="A field of the input, or header:NAME: the same value is answered by the same release.",
)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="RULE",
    help="Roll it back when it breaks this: errors<=2%, p95<=1.5x, psi<=0.2, accuracy>=0.95x.",
)
@click.option(
    "--promote-after",
    metavar="TIME",
    help="Promote it when it kept its rules for this long, 10m for example.",
)
@click.option("--port", default=0, help="Port of a new endpoint; a free one by default.")
@click.option("--workers", type=int, help="Worker processes; as before by default, 1 at first.")
@click.option("--reason", "-m", default="", help="Why, for the history.")
def deploy(
    model: str,
    name: str,
    canary: str | None,
    shadow: bool,
    sticky_by: str,
    rules: tuple[str, ...],
    promote_after: str | None,
    port: int,
    workers: int | None,
    reason: str,
) -> Release:
    """Put MODEL (name, name@3, name@champion) behind an endpoint, without refusing a request."""
    return serving.deploy(
        model,
        name,
        port=port,
        workers=workers,
        reason=reason,
        canary=canary,
        shadow=shadow,
        sticky_by=sticky_by,
        rule=list(rules),
        promote_after=promote_after,
    )


@endpoint.command("shift")
@click.argument("name")
@click.argument("share")
@click.option("--reason", "-m", default="", help="Why, for the history.")
def shift(name: str, share: str, reason: str) -> Release:
    """Give an endpoint's canary another SHARE of the requests, 50% for example."""
    return serving.shift(name, share, reason=reason)


@endpoint.command("promote")
@click.argument("name")
@click.option("--reason", "-m", default="", help="Why, for the history.")
def promote(name: str, reason: str) -> Release:
    """Let an endpoint's canary (or else its shadow) answer everything."""
    return serving.promote(name, reason=reason)


@endpoint.command("start")
@click.argument("name")
def start(name: str) -> EndpointStatus:
    """Start an endpoint again, with what it served when it was stopped."""
    return serving.start(name)


@endpoint.command("autostart")
@click.argument("name")
@click.option("--off", is_flag=True, help="Start it no more.")
def autostart(name: str, off: bool) -> "Autostart":
    """Have an endpoint start when you log in, as a systemd user unit (Linux)."""
    return serving.autostart(name, off=off)


@endpoint.command("list")
def list_endpoints() -> Listing[EndpointStatus]:
    """List the endpoints and what they are doing."""
    return Listing(
        serving.list_endpoints(),
        title="Endpoints",
        empty="No endpoint yet. Make one: deploy MODEL --to NAME",
    )


@endpoint.command("show")
@click.argument("name")
def show(name: str) -> EndpointStatus:
    """Show what an endpoint is doing and how to ask it."""
    return serving.status(name)


@endpoint.command("history")
@click.argument("name")
def history(name: str) -> Listing[Release]:
    """Show all that happened to an endpoint's releases: what, when, who and why."""
    return Listing(serving.history(name), title=f"Releases of {name}", empty="")


@endpoint.command("rollback")
@click.argument("name")
@click.option("--to", "release", type=int, help="Release to bring back; by default the one before.")
@click.option("--reason", "-m", default="", help="Why, for the history.")
def rollback(name: str, release: int | None, reason: str) -> Release:
    """Bring an endpoint's earlier release back, or end its canary; no request is refused."""
    return serving.rollback(name, to=release, reason=reason)


@endpoint.command("logs")
@click.argument("name")
@click.option("--lines", "-n", default=50, help="How many of the last lines.")
def logs(name: str, lines: int) -> str:
    """Show the last lines that an endpoint's processes wrote."""
    return serving.logs(name, lines) or "Nothing was written."


@endpoint.command("token")
@click.argument("name")
@click.pass_obj
def token(surface: Surface, name: str) -> None:
    """Print an endpoint's token, for scripts."""
    if surface.namespace is not None:
        raise BadInput(
            "In a notebook the token would be saved with the output.",
            "Ask through mlnb.serving.endpoint(name), which knows it.",
        )
    click.echo(serving.endpoint(name).token)


@endpoint.command("stop")
@click.argument("name")
def stop(name: str) -> EndpointStatus:
    """Stop an endpoint; running requests finish first, its history and log stay."""
    return serving.stop(name)
