"""The folder of models: keeps each in a folder of its own, whole or not at all (artifact store).

DATA_DIR/models/NAME/ holds `model.gguf`, `projector.gguf` and `about.json`. A model appears by one
renaming of its folder, and goes by one. What begins with a dot is under way.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from imgapp.adapters.embedded.locks import FileLock
from imgapp.adapters.model_runtime.gguf_header import read_header
from imgapp.errors import Conflict, InvalidRequest, NotFound, ServiceUnavailable

MODEL, PROJECTOR = "model.gguf", "projector.gguf"
_ABOUT = "about.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
KEPT_FREE = 256 * 1024**2
"""Bytes that stay free on the disk, which the database may be on."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class InstalledModel:
    """A model that is there; sizes are in bytes, `source` is where it came from."""

    name: str
    title: str
    model: Path
    projector: Path | None
    size: int
    license: str
    source: str

    @property
    def sees(self) -> bool:
        """Whether it takes pictures."""
        return self.projector is not None


class ModelFolder:
    """DATA_DIR/models."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def installed(self) -> list[InstalledModel]:
        """All that are there, by name."""
        if not self.path.is_dir():
            return []
        found = [_read(folder) for folder in sorted(self.path.iterdir()) if is_name(folder.name)]
        return [model for model in found if model is not None]

    def get(self, name: str) -> InstalledModel:
        """The model of that name. Raises NotFound."""
        model = _read(self.path / name) if is_name(name) else None
        if model is None:
            raise NotFound(f"There is no model {name[:80]!r} here.", code="unknown_model")
        return model

    def add(self, model: Path, projector: Path, name: str | None = None) -> InstalledModel:
        """Take files that are on this machine: by hard link where that can be, else as copies.

        So they stay when the originals are removed, and cost no room while those are there. Raises
        InvalidRequest (`not_a_model`, `invalid_name`), Conflict, ServiceUnavailable (`disk_full`).
        """
        header, sight = read_header(model), read_header(projector)
        if header.is_projector:
            raise _not_a_model(f"{model.name} is a projector, not a model.")
        if not sight.is_projector or not sight.sees:
            raise _not_a_model(f"{projector.name} is no projector for pictures.")
        name = check_name(name if name is not None else _name_from(header.name or model.stem))
        with self.claim(name) as making:
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(parents=True)
            try:
                for source, target in ((model, MODEL), (projector, PROJECTOR)):
                    _take(source, making / target)
                self.complete(name, {"title": header.name or name, "source": str(model.resolve())})
            except BaseException:
                shutil.rmtree(making, ignore_errors=True)
                raise
        return self.get(name)

    def remove(self, name: str) -> None:
        """Remove a model; a server that runs it notices and ends. Raises NotFound."""
        self.get(name)
        gone = self.path / f".removed-{name}"
        shutil.rmtree(gone, ignore_errors=True)
        (self.path / name).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def making(self, name: str) -> Path:
        """Where a model is put together."""
        return self.path / f".making-{name}"

    def claim(self, name: str) -> _Claim:
        """The right to put together a model of this name. Raises Conflict."""
        return _Claim(self, check_name(name))

    def complete(self, name: str, about: Mapping[str, str]) -> None:
        """Let a model that was put together appear."""
        making = self.making(name)
        (making / _ABOUT).write_text(json.dumps(dict(about), indent=2))
        making.chmod(0o700)
        try:
            making.rename(self.path / name)
        except OSError as error:
            raise Conflict(f"There is a model {name} already.", code="model_exists") from error

    def check_room(self, wanted: int) -> None:
        """Raises ServiceUnavailable (`disk_full`) unless so many bytes fit and some stay free."""
        check_room(self.path, wanted)


class _Claim:
    """Held while a model is put together; the kernel lets go of it whatever happens."""

    def __init__(self, folder: ModelFolder, name: str) -> None:
        self._folder, self._name = folder, name
        for path in (folder.path.parent, folder.path):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FileLock(folder.path / f".making-{name}.lock")

    def __enter__(self) -> Path:
        if not self._lock.acquire():
            raise Conflict(f"{self._name} is being fetched or added already.", code="model_busy")
        if (self._folder.path / self._name).exists():
            self._lock.release()
            raise Conflict(f"There is a model {self._name} already.", code="model_exists")
        return self._folder.making(self._name)

    def __exit__(self, *raised: object) -> None:
        self._lock.release()


def is_name(name: str) -> bool:
    """Whether a model may be called so; such a name is never a path."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """The name. Raises InvalidRequest (`invalid_name`)."""
    if not is_name(name):
        raise InvalidRequest(
            "A model's name has up to 63 small letters, digits, dots, hyphens and underscores,"
            " and begins with a letter or digit.",
            code="invalid_name",
        )
    return name


def check_room(path: Path, wanted: int) -> None:
    """Raises ServiceUnavailable (`disk_full`) unless `wanted` bytes fit and some stay free."""
    free = shutil.disk_usage(path).free
    if wanted + KEPT_FREE > free:
        raise disk_full(path, f"{wanted / 1e6:,.0f} MB are wanted, {free / 1e6:,.0f} MB are free")


def disk_full(path: Path, figures: str) -> ServiceUnavailable:
    """The disk is full, with the figures."""
    return ServiceUnavailable(
        f"There is too little room for the model on the disk of {path}: {figures},"
        f" and {KEPT_FREE / 1e6:,.0f} MB are kept free.",
        code="disk_full",
    )


def is_full(error: OSError) -> bool:
    """Whether a disk or a quota is full."""
    return error.errno in _FULL


def _take(source: Path, target: Path) -> None:
    source = source.resolve()
    try:
        os.link(source, target)
        return
    except OSError:
        check_room(target.parent, source.stat().st_size)
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if is_full(error):
            raise disk_full(target.parent, "none is left") from error
        raise


def _read(folder: Path) -> InstalledModel | None:
    model, projector = folder / MODEL, folder / PROJECTOR
    try:
        about = json.loads((folder / _ABOUT).read_text())
        files = [path for path in (model, projector) if path.exists()]
        return InstalledModel(
            name=folder.name,
            title=str(about.get("title", folder.name)),
            model=model,
            projector=projector if projector in files else None,
            size=model.stat().st_size + sum(p.stat().st_size for p in files if p != model),
            license=str(about.get("license", "")),
            source=str(about.get("source", "")),
        )
    except (OSError, ValueError, AttributeError):
        return None  # not whole, or going


def _name_from(title: str) -> str:
    """A name from what the file calls itself."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", title.lower()).strip("-._")
    return plain[:63] or "model"


def _not_a_model(sentence: str) -> InvalidRequest:
    return InvalidRequest(sentence, code="not_a_model")
