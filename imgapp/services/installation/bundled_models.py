"""Bundled models: which ones imgapp can run by itself, and the ones that it does (model manager).

Whoever calls says who may: the command line, and administrators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from imgapp.adapters.model_runtime import pulling
from imgapp.adapters.model_runtime.catalogue import CATALOGUE, CatalogueModel
from imgapp.adapters.model_runtime.model_folder import InstalledModel, ModelFolder
from imgapp.adapters.model_runtime.pulling import PullProgress
from imgapp.adapters.model_runtime.runtime import Endpoint, ModelRuntime, missing_runtime
from imgapp.errors import NotFound
from imgapp.settings import get_settings


def catalogue() -> tuple[CatalogueModel, ...]:
    """The models that `pull` knows, the smallest first; nothing is asked of anybody."""
    return CATALOGUE


def listed(name: str) -> CatalogueModel:
    """The model of the catalogue. Raises NotFound."""
    for model in CATALOGUE:
        if model.name == name:
            return model
    names = ", ".join(model.name for model in CATALOGUE)
    raise NotFound(
        f"There is no model {name[:80]!r} in the catalogue. There are {names}.",
        code="unknown_model",
    )


def installed() -> list[InstalledModel]:
    """The models that are there, pulled or added, by name."""
    return _folder().installed()


def runtime_problem() -> str | None:
    """Why no model can run on this machine, as a sentence; None if one can."""
    return missing_runtime()


def pull(name: str, tell: Callable[[PullProgress], object] = lambda _: None) -> InstalledModel:
    """Fetch a model of the catalogue; called again, it goes on where it was.

    `tell` is called from this thread, for every 64 kB or less. Raises NotFound, Conflict
    (`model_exists`, `model_busy`), ServiceUnavailable (`disk_full`), OutboundRefused and
    OutboundFailed.
    """
    return pulling.pull(_folder(), listed(name), get_settings().model_hub, tell)


def pull_progress(name: str) -> PullProgress | None:
    """How much of a model has come, whichever process fetches it; None if none has.

    Raises NotFound.
    """
    return pulling.progress(_folder(), listed(name))


def discard_pull(name: str) -> None:
    """Throw away what has come of a model. Raises NotFound, Conflict while it is fetched."""
    pulling.discard(_folder(), listed(name))


def add(model: Path, projector: Path, name: str | None = None) -> InstalledModel:
    """Take a model from files of this machine; without a name it is called what it calls itself.

    Raises InvalidRequest (`not_a_model`, `invalid_name`), Conflict, ServiceUnavailable
    (`disk_full`).
    """
    return _folder().add(model, projector, name)


def remove(name: str) -> None:
    """Remove a model, running or not. Raises NotFound."""
    _folder().remove(name)


def is_running(name: str) -> bool:
    """Whether the model is in memory now. Raises NotFound."""
    return _runtime(name).is_running()


@contextmanager
def describer_endpoint(name: str) -> Iterator[Endpoint]:
    """Use a model: where it answers as an OpenAI server does, for as long as the block runs.

    It is started if it has to be, which may take a minute, and stays for ten after its last use.
    Raises NotFound, PermanentDescriberError (`model_unusable`, `model_runtime_missing`: waiting is
    of no use) and TransientDescriberError (`model_not_running`, with `retry_after`).
    """
    with _runtime(name).lease() as endpoint:
        yield endpoint


def _folder() -> ModelFolder:
    return ModelFolder(get_settings().models_dir)


def _runtime(name: str) -> ModelRuntime:
    folder = _folder()
    model = folder.get(name)
    return ModelRuntime(folder.path / ".run" / model.name, model)
