"""Model pulls: administrators have models of the catalogue fetched, and a worker does it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from pydantic import Field
from sqlalchemy import text
from sqlmodel import select

from imgapp.adapters import wake_ups
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.model_runtime.catalogue import CatalogueModel
from imgapp.adapters.model_runtime.pulling import PullProgress
from imgapp.adapters.vision.servers import HERE
from imgapp.errors import Conflict, DatabaseUnavailable, ImgappError, NotFound
from imgapp.models import ConnectedModel, ModelPull, Shape
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.authorization import as_administrator
from imgapp.services.installation import bundled_models, connected_models
from imgapp.services.installation.connected_models import ModelConnection

LEASE_SECONDS = 180
"""Longer than a pull tries to reach a hub that is silent. A killed worker is waited for so long."""
_NOTED_EVERY = 1.0
_LONGEST_PROBLEM = 1000
_WANT = text("SELECT imgapp_want_model(:name, :total)")
_UNWANT = text("SELECT imgapp_unwant_model(:name)")
_CLAIM = text("SELECT * FROM imgapp_claim_model_pull(:lease, :seconds)")
_NOTE = text("SELECT imgapp_note_model_pull(:lease, :seconds, :done, :checking)")
_END = text("SELECT imgapp_end_model_pull(:lease, :problem)")


class BundledModelPublic(Shape):
    """A model of the catalogue. Sizes are in bytes."""

    name: str
    title: str
    about: str
    languages: str
    license: str
    source: str
    size: int
    memory: int = Field(description="About what it needs while it runs")
    here: bool = Field(description="Whether its files are on this machine")
    connected: bool
    fetched: int | None = Field(description="Of `size`, while it is wanted; else null")
    checking: bool
    problem: str | None = Field(description="Why nobody goes on with it, as a sentence")


def catalogue(user_id: UUID) -> list[BundledModelPublic]:
    """The models that can be fetched, the smallest first, and how far they are.

    Raises NotFound unless the caller is an administrator.
    """
    with as_administrator(user_id) as session:
        pulls = {pull.name: pull for pull in session.exec(select(ModelPull)).all()}
        rows = session.exec(select(ConnectedModel).where(ConnectedModel.kind == HERE)).all()
    connected, here = (
        {row.model for row in rows},
        {model.name for model in bundled_models.installed()},
    )
    return [
        _public(listed, pulls.get(listed.name), listed.name in here, listed.name in connected)
        for listed in bundled_models.catalogue()
    ]


def want(user_id: UUID, name: str) -> None:
    """Have a worker fetch a model and connect it; one that failed goes on where it was.

    Raises NotFound unless the caller is an administrator and the catalogue has it.
    """
    with as_administrator(user_id) as session:
        listed = bundled_models.listed(name)
        session.execute(_WANT, {"name": name, "total": listed.size})
        after_commit(session, wake_ups.call_for_chores)
        audit_trail.write(session, AuditKind.MODEL_WANTED, user_id, name=name)


def unwant(user_id: UUID, name: str) -> None:
    """Let it be, and throw away what has come.

    Raises NotFound unless the caller is an administrator and it was wanted.
    """
    with as_administrator(user_id) as session:
        if not session.execute(_UNWANT, {"name": name}).scalar_one():
            raise NotFound
    # Whoever is at it notices, and does the same.
    with suppress(Conflict, NotFound):
        bundled_models.discard_pull(name)


def attend() -> None:
    """Fetch the next model that is wanted, if there is one. Called by a worker, again and again."""
    lease = uuid4()
    with transaction() as session:
        claim = {"lease": lease, "seconds": LEASE_SECONDS}
        wanted = session.execute(_CLAIM, claim).one_or_none()
    if wanted is None:
        return
    problem = None
    try:
        _fetch(lease, wanted.name)
        _connect(wanted.asked_by, wanted.name)
    except _Unwanted:
        if not _is_wanted(wanted.name):
            bundled_models.discard_pull(wanted.name)
        return
    except DatabaseUnavailable:
        raise
    except ImgappError as error:
        if error.code == "model_busy":  # by a command of this machine: looked at again later
            return
        problem = (error.detail or error.title)[:_LONGEST_PROBLEM]
    with transaction() as session:
        session.execute(_END, {"lease": lease, "problem": problem})


class _Unwanted(Exception):
    """Somebody took it back, or another worker has it."""


def _fetch(lease: UUID, name: str) -> None:
    try:
        bundled_models.pull(name, _Teller(lease))
    except Conflict as error:
        if error.code != "model_exists":
            raise


def _connect(asked_by: UUID, name: str) -> None:
    try:
        connected_models.connect(asked_by, ModelConnection(kind=HERE, model=name))
    except Conflict as error:
        if error.code != "name_taken":
            raise
    except NotFound:
        raise NotFound(
            "It is here, but whoever asked for it is no administrator any more: connect it below."
        ) from None


@dataclass
class _Teller:
    """Notes now and then how far a pull is."""

    lease: UUID
    noted: float = field(default=float("-inf"))

    def __call__(self, progress: PullProgress) -> None:
        if time.monotonic() - self.noted < _NOTED_EVERY and not progress.checking:
            return
        values = {"lease": self.lease, "seconds": LEASE_SECONDS}
        values |= {"done": progress.done, "checking": progress.checking}
        # A database that is away for a moment is no reason to let go of what has come.
        with suppress(DatabaseUnavailable):
            with transaction() as session:
                if not session.execute(_NOTE, values).scalar_one():
                    raise _Unwanted
            self.noted = time.monotonic()


def _is_wanted(name: str) -> bool:
    with transaction() as session:
        return session.get(ModelPull, name) is not None


def _come(pull: ModelPull) -> int:
    """Bytes; as its files say where they are on this machine."""
    on_disk = bundled_models.pull_progress(pull.name)
    return max(pull.done, on_disk.done if on_disk else 0)


def _public(
    listed: CatalogueModel, pull: ModelPull | None, here: bool, connected: bool
) -> BundledModelPublic:
    return BundledModelPublic(
        name=listed.name,
        title=listed.title,
        about=listed.about,
        languages=listed.languages,
        license=listed.license,
        source=listed.source,
        size=listed.size,
        memory=listed.memory,
        here=here,
        connected=connected,
        fetched=_come(pull) if pull else None,
        checking=pull.checking if pull else False,
        problem=pull.problem if pull else None,
    )
