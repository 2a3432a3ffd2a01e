"""`imgapp doctor`: one line for each thing that imgapp depends on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
import typer

from imgapp.adapters import db, oidc, queue
from imgapp.adapters.frontend import is_built
from imgapp.adapters.vision import BASIC, model_list
from imgapp.cli.doctor_checks import (
    Doubt,
    check_clock,
    check_queue,
    check_reading,
    check_room,
    check_worker,
)
from imgapp.cli.environment import connected
from imgapp.cli.store_checks import check_direct_uploads, check_pictures, check_store
from imgapp.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    ImgappError,
    ProviderUnavailable,
    QueueUnavailable,
    TransientDescriberError,
)
from imgapp.services.installation import vision_models
from imgapp.services.installation.connected_models import for_administrators
from imgapp.services.installation.vision_models import VisionModel
from imgapp.services.queue import circuit_breaker
from imgapp.settings import Settings, get_settings

Check = Callable[[Settings], str]

_OLDEST_POSTGRESQL = 15
_OLDEST_REDIS = (6, 2)
_REASONS = {
    "password authentication failed": "the database refuses the user or the password.",
    "no password supplied": "the database asks for a password.",
    "does not exist": "the server has no such database or user.",
    "no pg_hba.conf entry": "the server lets nobody in from here (pg_hba.conf).",
    "statement pooling mode": "a pooler is before it that keeps no transaction together; set its"
    " pool_mode to transaction or session.",
    "unsupported startup parameter": "a pooler before it refuses a parameter of the URL.",
    "SSL": "no connection with TLS could be made; check sslmode.",
    "failed to resolve host": "its host has no address.",
    "could not translate host": "its host has no address.",
}


def run() -> int:
    """Run every check; 1 if any failed."""
    try:
        settings = get_settings()
        typer.echo(f"ok    settings: data folder {settings.data_dir}, address {settings.origin}")
        with _quiet(), connected(migrated=False) as settings:
            failed: set[str] = set()
            for name, check in CHECKS.items():
                _report(name, check, settings, failed)
            return 1 if failed else 0
    except ImgappError as error:
        typer.echo(f"FAIL  {_subject(error)}: {error.detail}")
        return 1


@contextmanager
def _quiet() -> Iterator[None]:
    """The lines say it all: what the parts log of their failures is for other commands."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _subject(error: ImgappError) -> str:
    return "settings" if isinstance(error, ConfigurationError) else "servers"


def _report(name: str, check: Check, settings: Settings, failed: set[str]) -> None:
    if missing := NEEDS.get(name, set()) & failed:
        typer.echo(f"--    {name}: not checked, because {' and '.join(sorted(missing))} failed")
        return
    try:
        said = check(settings)
    except ImgappError as error:
        failed.add(name)
        typer.echo(f"FAIL  {name}: {error.detail}")
    except Exception as error:
        failed.add(name)
        typer.echo(f"FAIL  {name}: it could not be checked ({type(error).__name__})")
    else:
        typer.echo(f"{'warn' if isinstance(said, Doubt) else 'ok':5} {name}: {said}")


def check_database(_: Settings) -> str:
    """Whether it answers and takes every language, with its version."""
    from imgapp.adapters import migrations

    try:
        with db.transaction() as session:
            migrations.check_encoding(session.connection())
            version, number = session.execute(
                sa.text(
                    "SELECT current_setting('server_version'),"
                    " current_setting('server_version_num')::integer"
                )
            ).one()
    except DatabaseUnavailable as error:
        raise DatabaseUnavailable(f"DATABASE_URL: {_why_not(error.__cause__)}") from None
    if number < _OLDEST_POSTGRESQL * 10_000:
        raise ConfigurationError(
            f"DATABASE_URL: PostgreSQL {version} is too old; imgapp needs {_OLDEST_POSTGRESQL}."
        )
    return f"PostgreSQL {version}{', through a connection pooler' if db.is_pooled() else ''}"


def _why_not(cause: BaseException | None) -> str:
    """The reason in words of ours: the driver's may hold a part of the URL."""
    said = str(cause)
    for sign, sentence in _REASONS.items():
        if sign in said:
            return sentence
    return "the database does not answer; check that it runs, and its host and port."


def check_migrations(settings: Settings) -> str:
    """Whether the tables have the form that this version of imgapp works with."""
    from imgapp.adapters import migrations

    if settings.migrate_database_url is None:
        return f"at revision {migrations.check_as_application(db.application_url(settings))}"
    try:
        return f"at revision {migrations.check(db.owner_url(settings))}"
    except sa.exc.OperationalError:
        raise DatabaseUnavailable("The owner's role could not connect.") from None


def check_role(_: Settings) -> str:
    """Whether row-level security binds the role that the application connects as."""
    question = "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    with db.transaction() as session:
        name, is_superuser, bypasses = session.execute(sa.text(question)).one()
        owned = session.execute(
            sa.text("SELECT count(*) FROM pg_tables WHERE tableowner = current_user")
        ).scalar_one()
    if is_superuser or bypasses or owned:
        what = "is a superuser" if is_superuser else "bypasses it" if bypasses else "owns tables"
        raise ConfigurationError(
            f"The role {name} of DATABASE_URL {what}, so that row-level security does not keep "
            "people's pictures apart. Give the application an ordinary role."
        )
    return f"{name} is bound by row-level security"


def check_meaning(_: Settings) -> str:
    """Whether pictures are found by meaning, too."""
    from imgapp.adapters import pgvector

    with db.transaction() as session:
        version = pgvector.version(session.connection())
        if version is None:
            reason = pgvector.why_off(session.connection())
            return Doubt(f"searches find words only, and not what they mean: {reason}")
    return f"searches find by meaning, too (pgvector {version})"


def check_redis(_: Settings) -> str:
    """Whether it answers, takes what is written and keeps it; with its version."""
    try:
        facts = queue.server_facts()
        queue.check()
    except QueueUnavailable as error:
        raise QueueUnavailable(f"REDIS_URL: {_why_redis_fails(error)}") from None
    if tuple(map(int, facts.version.split(".")[:2])) < _OLDEST_REDIS:
        raise ConfigurationError(f"REDIS_URL: Redis {facts.version} is too old; imgapp needs 6.2.")
    if facts.evicts:
        return Doubt(
            f"Redis {facts.version} throws away whatever it likes once it is full (maxmemory-policy"
            f" {facts.evicts}): set it to noeviction"
        )
    if not facts.persists:
        return Doubt(
            f"Redis {facts.version} keeps nothing on a disk: after its restart, open pages start"
            " anew and counts of metrics from zero. Set appendonly to yes"
        )
    return f"Redis {facts.version}"


def _why_redis_fails(error: QueueUnavailable) -> str:
    if type(error.__cause__).__name__.startswith("Auth"):
        return "Redis refuses the user or the password."
    if error.detail != QueueUnavailable.title:
        return error.detail
    return "Redis does not answer; check that it runs, and its host and port."


def check_vision(_: Settings) -> str:
    """Whether every model that can be asked answers and sees; the worst of what is wrong."""
    now = vision_models.routes()
    if now.default == BASIC:
        return "no model is connected; the basic describer says only what it reads and measures"
    if not now.known:
        raise ConfigurationError(
            "IMGAPP_VISION is openai, but neither OPENAI_API_KEY nor OPENAI_BASE_URL is set."
        )
    said = [_check_model(model) for model in now.known.values()]
    doubts = [one for one in said if isinstance(one, Doubt)]
    return Doubt("; ".join(doubts)) if doubts else "; ".join(said)


def _check_model(model: VisionModel) -> str:
    where = f"{model.name} at {model.server.host}"
    if not model.readable:
        raise ConfigurationError(
            f"{where}: its key was kept under another IMGAPP_SECRET_KEY. Enter it again."
        )
    trouble = circuit_breaker.model_troubles().get((model.server_id, model.name))
    if trouble is not None and trouble["code"] in circuit_breaker.AT_ONCE:
        raise ConfigurationError(f"{where}: {for_administrators(trouble['message'])}")
    try:
        models = model_list.list_models(model.server, model.kind)
    except TransientDescriberError as error:
        if error.code == "rate_limited":
            return Doubt(f"{where}, which takes no more requests for now")
        raise
    if models is None:
        return f"{where}, which answers but does not list its models"
    names = {one.name: one.sees for one in models}
    # Ollama adds a tag to names, and a proxy need not list what it passes on.
    if model.model not in {*names, *(name.split(":")[0] for name in names)}:
        return Doubt(
            f"{where}, which does not list this model: check its name ({_named_in(model)})"
        )
    if names.get(model.model) is False:
        return Doubt(f"{where}, which cannot look at pictures: check {_named_in(model)}")
    return f"{where}, which answers"


def _named_in(model: VisionModel) -> str:
    return "IMGAPP_VISION_MODEL" if model.kind == "environment" else "its name on the page Models"


def check_single_sign_on(settings: Settings) -> str:
    """Whether the provider answers, and is the one that is configured."""
    if not settings.single_sign_on:
        return "not configured"
    try:
        oidc.check()
    except ProviderUnavailable as error:
        raise ProviderUnavailable(f"IMGAPP_OIDC_ISSUER: {error.detail}") from None
    return f"{settings.oidc_issuer}"


def check_page(_: Settings) -> str:
    """Whether the page is built from what is installed."""
    if not is_built():
        raise ConfigurationError(
            "The page is not built, or out of date: run `imgapp build` (`imgapp up` does it by "
            "itself)."
        )
    return "built"


CHECKS: dict[str, Check] = {
    "database": check_database,
    "migrations": check_migrations,
    "role": check_role,
    "meaning": check_meaning,
    "redis": check_redis,
    "worker": check_worker,
    "queue": check_queue,
    "clock": check_clock,
    "disk": check_room,
    "store": check_store,
    "pictures": check_pictures,
    "direct uploads": check_direct_uploads,
    "vision": check_vision,
    "reading": check_reading,
    "single sign-on": check_single_sign_on,
    "page": check_page,
}

NEEDS: dict[str, set[str]] = {
    "migrations": {"database"},
    "role": {"database"},
    "meaning": {"database", "migrations"},
    "worker": {"database", "migrations", "redis", "role"},
    "queue": {"database", "migrations", "role"},
    "clock": {"database"},
    "vision": {"database", "migrations", "role"},
    "pictures": {"database", "migrations", "role", "store"},
    "direct uploads": {"store"},
}
"""What cannot be checked once something else has failed."""
