"""`imgapp model`: fetches, adds, lists and removes the models that imgapp runs by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

model_app = typer.Typer(help="Vision models that run on this machine.", no_args_is_help=True)


@model_app.command("list")
def model_list() -> None:
    """Print the models that are there, and those that can be fetched."""
    from imgapp.services.installation import bundled_models

    there = bundled_models.installed()
    for model in there:
        state = "running" if bundled_models.is_running(model.name) else "here"
        typer.echo(f"{model.name}\t{state}\t{_size(model.size)}\t{model.title}\t{model.source}")
    names = {model.name for model in there}
    for listed in bundled_models.catalogue():
        if listed.name not in names:
            typer.echo(
                f"{listed.name}\tcan be pulled\t{_size(listed.size)}\t{listed.title}, "
                f"{listed.license}, {listed.languages}\t{listed.source}"
            )


@model_app.command("pull")
def model_pull(
    name: Annotated[str, typer.Argument(help="A name that `imgapp model list` prints.")],
) -> None:
    """Fetch a model from the public hub; again, it goes on where it was."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from imgapp.adapters.model_runtime.pulling import PullProgress
    from imgapp.services.installation import bundled_models

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), transient=True) as bar:
        shown = bar.add_task(name, total=None)

        def tell(progress: PullProgress) -> None:
            text = f"{name}: checking" if progress.checking else name
            bar.update(shown, completed=progress.done, total=progress.total, description=text)

        model = bundled_models.pull(name, tell)
    typer.echo(f"{model.name} is here: {_size(model.size)}, {model.license}.")
    _warn()


@model_app.command("add")
def model_add(
    file: Annotated[Path, typer.Argument(metavar="FILE.gguf", help="The model's file.")],
    projector: Annotated[
        Path, typer.Option("--projector", metavar="FILE", help="Its mmproj file, by which it sees.")
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it; else as it calls itself.")
    ] = None,
) -> None:
    """Take a model from files on this machine; no network is used."""
    from imgapp.services.installation import bundled_models

    model = bundled_models.add(file, projector, name)
    typer.echo(f"{model.name} is here: {_size(model.size)}.")
    _warn()


@model_app.command("remove")
def model_remove(name: str) -> None:
    """Remove a model from this machine, or what has come of one."""
    from imgapp.errors import NotFound
    from imgapp.services.installation import bundled_models

    try:
        bundled_models.remove(name)
    except NotFound:
        if name not in {model.name for model in bundled_models.catalogue()}:
            raise
        if bundled_models.pull_progress(name) is None:
            raise
        bundled_models.discard_pull(name)
    typer.echo(f"{name} is removed.")


def _warn() -> None:
    """Say at once what would otherwise come with the first picture."""
    from imgapp.services.installation import bundled_models

    if (problem := bundled_models.runtime_problem()) is not None:
        typer.echo(f"{problem}.", err=True)


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
