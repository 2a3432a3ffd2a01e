"""Search by meaning: on where the database has pgvector, off where it has not, and on later."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.cli.doctor import check_meaning
from imgapp.cli.doctor_checks import Doubt
from imgapp.models import Image, new_id
from imgapp.services.library import embedding, listing
from imgapp.services.library.image_query import ImageQuery
from imgapp.settings import get_settings
from tests.migrations.catalog import differences
from tests.migrations.conftest import Server
from tests.migrations.old_schema import load_old_schema

TABLES = ["table embedding_requests", "table image_embeddings"]


def has_pgvector(server: Server) -> bool:
    return bool(server.run("SELECT FROM pg_available_extensions WHERE name = 'vector'"))


@pytest.fixture
def capable(empty: Server) -> Server:
    """A server that has pgvector, which the owner's role may not make."""
    if not has_pgvector(empty):
        pytest.skip("this server has no pgvector")
    return empty


def said() -> str:
    return check_meaning(get_settings())


def found(user_id: UUID, query: str) -> int:
    return len(listing.all_ids(user_id, ImageQuery(q=query)))


def somebody_with_a_picture(alt_text: str) -> UUID:
    user_id, image_id = new_id(), new_id()
    with db.transaction() as session:
        call = sa.func.imgapp_create_user(user_id, "alice@example.org", "x", False, False)
        user_id = session.execute(sa.select(call)).scalar_one()
    with db.transaction(user_id) as session:
        session.add(
            Image(
                id=image_id, user_id=user_id, filename="a.jpg", s3_bucket="local", sha256="a" * 64,
                s3_key=f"users/{user_id}/images/{image_id}/a.jpg", mime_type="image/jpeg",
                file_size=1, width=1, height=1, alt_text=alt_text,
            )
        )  # fmt: skip
    return user_id


def make_extension(server: Server, schema: str = "public") -> None:
    server.run(f"CREATE EXTENSION vector SCHEMA {schema}", database="pictures")


def test_without_pgvector_everything_else_works(empty: Server) -> None:
    db.migrate()
    assert not set(TABLES) & empty.catalog().keys()
    user_id = somebody_with_a_picture("A dog")
    assert found(user_id, "dog") == 1
    assert found(user_id, "Hund") == 0
    assert embedding.embed_some() == 0
    with db.transaction(user_id) as session:
        [image_id] = session.execute(sa.text("SELECT id FROM images")).scalars()
    assert listing.list_images(user_id, ImageQuery(like=image_id)).items == []
    assert isinstance(said(), Doubt)
    do = "CREATE EXTENSION vector;" if has_pgvector(empty) else "-pgvector)"
    assert "words only" in said()
    assert do in said()
    assert said().endswith("then run `imgapp migrate`.")


@pytest.mark.parametrize("schema", ["public", "extensions"])
def test_a_database_that_gets_it_later_finds_what_was_there(capable: Server, schema: str) -> None:
    db.migrate()
    user_id = somebody_with_a_picture("A dog on the beach")
    if schema != "public":
        capable.run(f"CREATE SCHEMA {schema}", database="pictures")
        capable.run(f"GRANT USAGE ON SCHEMA {schema} TO public", database="pictures")
    make_extension(capable, schema)
    assert said().endswith("run `imgapp migrate`.")
    db.migrate()
    assert not isinstance(said(), Doubt)
    assert "pgvector 0." in said()
    assert embedding.embed_some() == 1
    assert found(user_id, "Hund") == 1


def test_it_is_the_same_whenever_it_comes(capable: Server) -> None:
    make_extension(capable)
    db.migrate()
    fresh = capable.catalog()
    assert set(TABLES) <= fresh.keys()
    db.migrate()
    assert differences(fresh, capable.catalog()) == []
    for load in (lambda: load_old_schema(capable), db.migrate):
        db.dispose()
        capable.run("DROP DATABASE pictures WITH (FORCE)")
        capable.run("CREATE DATABASE pictures OWNER the_owner")
        load()
        make_extension(capable)
        db.migrate()
        assert differences(fresh, capable.catalog()) == []


def test_an_owner_who_may_make_it_does(capable: Server) -> None:
    capable.run("ALTER ROLE the_owner SUPERUSER")
    try:
        db.migrate()
    finally:
        capable.run("ALTER ROLE the_owner NOSUPERUSER")
    assert not isinstance(said(), Doubt)


def test_one_that_is_too_old_is_left_alone(capable: Server) -> None:
    make_extension(capable)
    [(version,)] = capable.run(
        "SELECT extversion FROM pg_extension WHERE extname = 'vector'", database="pictures"
    )
    now_at = "UPDATE pg_extension SET extversion = '{}' WHERE extname = 'vector'"
    capable.run(now_at.format("0.7.4"), database="pictures")
    db.migrate()
    assert not set(TABLES) & capable.catalog().keys()
    assert "pgvector 0.7.4 is too old" in said()
    assert "ALTER EXTENSION vector UPDATE" in said()
    capable.run(now_at.format(version), database="pictures")
    db.migrate()
    assert not isinstance(said(), Doubt)
