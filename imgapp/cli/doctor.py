"""`imgapp doctor`: one line for each thing that imgapp depends on."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
import typer

from imgapp.adapters import db, oidc, queue, storage
from imgapp.adapters.frontend import ROOT, is_built
from imgapp.adapters.vision import get_describer
from imgapp.cli.environment import connected
from imgapp.errors import ConfigurationError, DatabaseUnavailable, ImgappError, StoreUnavailable
from imgapp.settings import Settings, get_settings

Check = Callable[[Settings], str]


def run() -> int:
    """Run every check; 1 if any failed."""
    try:
        settings = get_settings()
        typer.echo(f"ok    settings: data folder {settings.data_dir}, address {settings.origin}")
        with connected(migrated=False) as settings:
            return max([_report(name, check, settings) for name, check in CHECKS.items()])
    except ImgappError as error:
        typer.echo(f"FAIL  servers: {error.detail}")
        return 1


def _report(name: str, check: Check, settings: Settings) -> int:
    try:
        typer.echo(f"ok    {name}: {check(settings)}")
    except ImgappError as error:
        typer.echo(f"FAIL  {name}: {error.detail}")
        return 1
    return 0


def check_database(_: Settings) -> str:
    """Whether it answers, with its version."""
    with db.transaction() as session:
        return f"PostgreSQL {session.execute(sa.text('SHOW server_version')).scalar_one()}"


def check_migrations(settings: Settings) -> str:
    """Whether the tables have the form that this version of imgapp works with."""
    if settings.migrate_database_url is None:
        return "not checked, because IMGAPP_MIGRATE_DATABASE_URL is not set"
    current, newest = _revisions(settings)
    if current != newest:
        raise ConfigurationError(
            f"The database is at revision {current or 'none'}, not at {newest}: run `imgapp "
            "migrate` (`imgapp up` does it by itself)."
        )
    return f"at revision {current}"


def _revisions(settings: Settings) -> tuple[str | None, str | None]:
    """The database's revision and the newest one."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    engine = sa.create_engine(db.owner_url(settings), poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except sa.exc.OperationalError:
        raise DatabaseUnavailable("The owner's role could not connect.") from None
    return current, ScriptDirectory(str(ROOT / "alembic")).get_current_head()


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


def check_redis(_: Settings) -> str:
    """Whether it answers."""
    queue.check()
    return "answers"


def check_store(settings: Settings) -> str:
    """Whether pictures can be written, and nobody else can read them."""
    store = storage.get_store()
    store.check()
    if store.readable_by_anyone():
        raise StoreUnavailable(
            f"The bucket {settings.s3_bucket} answers requests without a signature: anyone can see "
            "every picture. Block public access to it."
            if settings.s3_bucket
            else f"Other users of this machine can enter {settings.pictures_dir}."
        )
    if settings.s3_bucket is None:
        return f"pictures are kept in {settings.pictures_dir}"
    return f"bucket {settings.s3_bucket}, closed to unsigned requests"


def check_vision(settings: Settings) -> str:
    """Whether a describer is configured."""
    if settings.describer == "basic":
        return "no model is configured; the basic describer says only what it measures"
    if settings.openai_api_key is None and settings.openai_base_url is None:
        raise ConfigurationError(
            "IMGAPP_VISION is openai, but neither OPENAI_API_KEY nor OPENAI_BASE_URL is set."
        )
    get_describer()
    return f"{settings.vision_model} at {settings.openai_base_url or 'api.openai.com'}"


def check_single_sign_on(settings: Settings) -> str:
    """Whether the provider answers, and is the one that is configured."""
    if not settings.single_sign_on:
        return "not configured"
    oidc.check()
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
    "redis": check_redis,
    "store": check_store,
    "vision": check_vision,
    "single sign-on": check_single_sign_on,
    "page": check_page,
}
