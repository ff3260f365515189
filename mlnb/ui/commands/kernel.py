"""``mlnb kernel`` / ``%kernel``: kernels that have everything imported when they start."""

from typing import TYPE_CHECKING

import click

from mlnb.ui.grammar import Listing, Noun

if TYPE_CHECKING:
    from mlnb.execution.warm.managing import InstalledKernel, Zygote


@click.group("kernel", cls=Noun)
def kernel() -> None:
    """Kernels that start in milliseconds: install, start, list, stop."""


@kernel.command("install")
@click.option("--name", default="mlnb-warm", show_default=True, help="What tools call the kernel.")
@click.option("--display-name", default="", help="What JupyterLab shows.")
@click.option("--user", is_flag=True, help="For this user, not for this environment.")
@click.option("--sys-prefix", is_flag=True, help="For this environment; the default.")
@click.option("--prefix", default="", help="For the environment in another folder.")
@click.option("--preload", default="", help="Modules to import ahead, instead of the setting's.")
@click.option("--memory", default=0, help="Bytes that a kernel may allocate; 0 is no limit.")
@click.option("--cpu", default=0.0, help="Seconds of CPU that a kernel may use; 0 is no limit.")
def install(
    name: str,
    display_name: str,
    user: bool,
    sys_prefix: bool,
    prefix: str,
    preload: str,
    memory: int,
    cpu: float,
) -> "InstalledKernel":
    """Write a kernelspec for JupyterLab, nbclient, nbconvert, nbval and papermill."""
    from mlnb.execution.warm import managing

    if user + sys_prefix + bool(prefix) > 1:
        raise click.UsageError("--user, --sys-prefix and --prefix exclude one another.")
    return managing.install(
        name=name,
        display_name=display_name,
        user=user,
        prefix=prefix,
        preload=preload,
        memory=memory,
        cpu=cpu,
    )


@kernel.command("start")
def start() -> "Zygote":
    """Start the parent of this project's warm kernels and wait until all is imported."""
    from mlnb.execution.warm import managing

    return managing.start()


@kernel.command("list")
def list_kernels() -> "Listing[Zygote]":
    """List the parents of warm kernels, with the kernels of each."""
    from mlnb.execution.warm import managing

    return _listing(managing.zygotes())


@kernel.command("status")
def status() -> "Zygote":
    """Show what this project's kernels have imported ahead, and what they may not."""
    from mlnb.execution.warm import managing

    return managing.status()


@kernel.command("stop")
def stop() -> "Listing[Zygote]":
    """Stop all of this user's warm kernels and their parents."""
    from mlnb.execution.warm import managing

    return _listing(managing.stop(), "Stopped", "None ran.")


def _listing(
    found: "list[Zygote]",
    title: str = "Parents of warm kernels",
    empty: str = "None runs. One starts with the first kernel, or with: kernel start",
) -> "Listing[Zygote]":
    return Listing(found, title=title, empty=empty)
