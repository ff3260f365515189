"""``mlnb endpoint`` / ``%endpoint``, and the shortcuts ``deploy`` and ``rollback``."""

import click

from mlnb import serving
from mlnb.core.errors import BadInput
from mlnb.core.records import EndpointStatus, Release
from mlnb.ui.grammar import Listing, Noun, Surface


@click.group("endpoint", cls=Noun)
def endpoint() -> None:
    """Serve models."""


@endpoint.command("deploy")
@click.argument("model")
@click.option("--to", "name", required=True, help="Endpoint; made when there is none.")
@click.option("--port", default=0, help="Port of a new endpoint; a free one by default.")
@click.option("--workers", type=int, help="Worker processes; as before by default, 1 at first.")
@click.option("--reason", "-m", default="", help="Why, for the history.")
def deploy(model: str, name: str, port: int, workers: int | None, reason: str) -> Release:
    """Put MODEL (name, name@3, name@champion) behind an endpoint, without refusing a request."""
    return serving.deploy(model, name, port=port, workers=workers, reason=reason)


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
    """Show every release of an endpoint: what, when, who and why."""
    return Listing(serving.history(name), title=f"Releases of {name}", empty="")


@endpoint.command("rollback")
@click.argument("name")
@click.option("--to", "release", type=int, help="Release to bring back; by default the one before.")
@click.option("--reason", "-m", default="", help="Why, for the history.")
def rollback(name: str, release: int | None, reason: str) -> Release:
    """Bring an endpoint's earlier release back, without refusing a request."""
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
