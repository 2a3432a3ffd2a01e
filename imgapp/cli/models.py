"""`imgapp model`: connects, lists, tries, fetches and removes vision models."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from imgapp.cli.environment import connected
from imgapp.errors import InvalidRequest, NotFound
from imgapp.services.common.byte_sizes import size_words

if TYPE_CHECKING:
    from imgapp.adapters.model_runtime.model_folder import InstalledModel

model_app = typer.Typer(help="Vision models.", no_args_is_help=True)


@model_app.command("list")
def model_list() -> None:
    """Print the models that are asked, those on this machine, and those that can be fetched."""
    with connected():
        from imgapp.services.accounts import administration
        from imgapp.services.analysis import model_trials
        from imgapp.services.installation import bundled_models

        for one in model_trials.overview(administration.operator()):
            state = one.role or "connected"
            said = one.trouble.message if one.trouble else ""
            typer.echo(f"{one.name}\t{state}\t{one.title}\t{one.host}\t{said}".rstrip())
        there = bundled_models.installed()
        for model in there:
            state = "running" if bundled_models.is_running(model.name) else "here"
            typer.echo(
                f"{model.name}\t{state}\t{size_words(model.size)}\t{model.title}\t{model.source}"
            )
        names = {model.name for model in there}
        for listed in bundled_models.catalogue():
            if listed.name not in names:
                typer.echo(
                    f"{listed.name}\tcan be pulled\t{size_words(listed.size)}\t{listed.title}, "
                    f"{listed.license}, {listed.languages}\t{listed.source}"
                )


@model_app.command("pull")
def model_pull(
    name: Annotated[str, typer.Argument(help="A name that `imgapp model list` prints.")],
) -> None:
    """Fetch a model from the public hub and connect it; again, it goes on where it was."""
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
    typer.echo(f"{model.name} is here: {size_words(model.size)}, {model.license}.")
    _connect_bundled(model)


@model_app.command("add")
def model_add(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.gguf", help="A model's file, to be run here.")
    ] = None,
    projector: Annotated[
        Path | None,
        typer.Option("--projector", metavar="FILE", help="Its mmproj file, by which it sees."),
    ] = None,
    server: Annotated[
        str, typer.Option("--server", help="Of a server: openai, ollama, lmstudio, vllm, ...")
    ] = "other",
    address: Annotated[
        str | None, typer.Option("--address", metavar="URL", help="Where the server is.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="What the server calls the model.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it; else as it calls itself.")
    ] = None,
    key_stdin: Annotated[
        bool, typer.Option("--key-stdin", help="Read the server's key from the standard input.")
    ] = False,
    default: Annotated[bool, typer.Option("--default", help="Ask it by default.")] = False,
) -> None:
    """Connect a model: of a server, or from files on this machine, without any network."""
    if file is not None:
        if projector is None:
            raise InvalidRequest("A model sees by its projector: --projector FILE.")
        from imgapp.services.installation import bundled_models

        there = bundled_models.add(file, projector, name)
        typer.echo(f"{there.name} is here: {size_words(there.size)}.")
        _connect_bundled(there, default=default)
        return
    if model is None:
        raise InvalidRequest("Say which model: --model NAME, or a file.")
    key = sys.stdin.readline().strip() if key_stdin else None
    _connect(kind=server, base_url=address, api_key=key, model=model, name=name, default=default)


@model_app.command("try")
def model_try(
    name: str,
    image: Annotated[
        UUID | None, typer.Option("--image", help="A picture of the first administrator.")
    ] = None,
) -> None:
    """Ask a model about a picture, by default the newest, and say how it fared; exit code 1 if
    badly."""
    with connected():
        from imgapp.services.accounts import administration
        from imgapp.services.analysis import model_trials

        found = model_trials.try_connected(administration.operator(), name, image)
    typer.echo(found.sentence)
    for line in (found.said, found.alt_text, *found.takes):
        if line:
            typer.echo(f"  {line}")
    raise typer.Exit(0 if found.works else 1)


@model_app.command("remove")
def model_remove(name: str) -> None:
    """Disconnect a model; one of this machine is removed, with what has come of it."""
    with connected():
        from imgapp.services.accounts import administration
        from imgapp.services.installation import bundled_models, connected_models

        attempts: tuple[Callable[[], None], ...] = (
            partial(connected_models.disconnect, administration.operator(), name),
            partial(bundled_models.remove, name),
            partial(_discard_pull, name),
        )
        found = 0
        for attempt in attempts:
            with suppress(NotFound):
                attempt()
                found += 1
    if not found:
        raise NotFound(f"There is no model {name}.")
    typer.echo(f"{name} is removed.")


def _discard_pull(name: str) -> None:
    from imgapp.services.installation import bundled_models

    if bundled_models.pull_progress(name) is None:
        raise NotFound
    bundled_models.discard_pull(name)


def _connect_bundled(model: InstalledModel, *, default: bool = False) -> None:
    from imgapp.services.installation import bundled_models

    # Say at once what would otherwise come with the first picture.
    if (problem := bundled_models.runtime_problem()) is not None:
        typer.echo(f"{problem}.", err=True)
    _connect(kind="here", model=model.name, default=default)


def _connect(*, default: bool, **said: str | None) -> None:
    with connected():
        from imgapp.services.accounts import administration
        from imgapp.services.installation import connected_models
        from imgapp.services.installation.connected_models import ModelConnection

        role = "default" if default else None
        new = ModelConnection.model_validate({**said, "role": role})
        name = connected_models.connect(administration.operator(), new)
    typer.echo(f"{name} is connected.")
