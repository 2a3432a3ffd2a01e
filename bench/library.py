"""Libraries of many pictures, made quickly: rows in the database, files that share bytes."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from bench.pictures import scene
from imgapp.adapters import imaging, storage
from imgapp.adapters.embedded.servers import EmbeddedServers
from imgapp.cli.environment import variables_of
from imgapp.settings import Settings
from tests.support.running import App

SCENES = 40
"""Different pictures; all others look like one of them."""

# A picture and its analysis name one another: in one statement, they are there together.
_ROWS = """
WITH made AS (
INSERT INTO images (
    id, user_id, filename, s3_key, s3_bucket, mime_type, file_size, sha256, width, height, facts,
    placeholder, uploaded_at, updated_at, analysis_status, priority, queued_at, due_at,
    completed_at, attempts, lost_attempts, alt_text, alt_text_by, description, description_by,
    tags, tags_by, language, error_code, error_message, analysis_id
)
SELECT id, :user_id, 'IMG_' || n || '.jpg', 'users/' || :user_id || '/images/' || id || '/IMG.jpg',
    'local', 'image/jpeg', 900000 + n % 2000000, encode(sha256(id::text::bytea), 'hex'),
    (CAST(:widths AS integer[]))[kind], (CAST(:heights AS integer[]))[kind],
    '{"camera": "FUJIFILM X100V"}', (CAST(:placeholders AS text[]))[kind], at, at,
    CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'completed' END, 0, at, at, at, 1, 0,
    'A ' || colour || ' boat in the harbour', 'model',
    'Boat number ' || n || ' lies in the evening sun.', 'model',
    ARRAY['boat', colour] || CASE WHEN n % 1000 = 7 THEN ARRAY['regatta'] ELSE '{}' END, 'model',
    'en', CASE WHEN n % 100 = 0 THEN 'model_refused' END, CASE WHEN n % 100 = 0 THEN 'Refused' END,
    CASE WHEN n % 100 <> 0 THEN gen_random_uuid() END
FROM (
    SELECT gen_random_uuid() AS id, n, now() - n * interval '15 minutes' AS at,
        1 + n % :kinds AS kind,
        (ARRAY['red', 'green', 'blue', 'white', 'yellow'])[1 + n % 5] AS colour
    FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n
) one
RETURNING id, user_id, s3_key, analysis_id, alt_text, description, tags, uploaded_at
), analysed AS (
INSERT INTO image_analyses (
    id, image_id, user_id, alt_text, description, tags, processing_time, created_at, completed_at,
    model_version
)
SELECT analysis_id, id, user_id, alt_text, description, tags, 2.3, uploaded_at, uploaded_at,
    'bench-1'
FROM made WHERE analysis_id IS NOT NULL
) SELECT id, s3_key FROM made ORDER BY uploaded_at DESC
"""
# A row-level check of analyses would look for pictures that the same statement makes.
_AS_OWNER = "ALTER TABLE image_analyses {} ROW LEVEL SECURITY"
# As if the rules had been asked about the texts, which would take a worker a while.
_CHECKED = (
    "ALTER TABLE image_texts ALTER doubts SET DEFAULT '[]'",
    "ALTER TABLE image_texts DISABLE TRIGGER image_texts_state",
)
_UNCHECKED = (
    "ALTER TABLE image_texts ALTER doubts DROP DEFAULT",
    "ALTER TABLE image_texts ENABLE TRIGGER image_texts_state",
)
AT_ONCE = 25_000
"""Rows of a transaction."""


@dataclass(frozen=True)
class Kind:
    """A picture that many look like."""

    width: int
    height: int
    placeholder: str
    files: dict[str, Path]


@dataclass(frozen=True)
class Library:
    user_id: UUID
    token: str
    ids: list[str]


def servers_of(app: App) -> dict[str, str]:
    """The variables with which a process reaches an app's servers."""
    settings = Settings(data_dir=Path(app.env["IMGAPP_DATA_DIR"]))
    return variables_of(EmbeddedServers(settings).fill_in())


def make_library(
    app: App, email: str, count: int, *, files: bool = False, scenes: int = SCENES
) -> Library:
    """An account with so many described pictures, the newest a quarter of an hour old and each a
    quarter older than the one before; with `files`, their renditions too."""
    app.add_person(email)
    token = app.add_token(email)
    with app.client(token=token) as client:
        user_id = UUID(client.get("/api/account").json()["id"])
    pictures = Path(app.env["IMGAPP_DATA_DIR"]) / "pictures" if files else None
    variables = servers_of(app)
    ids = fill(variables, user_id, count, pictures, scenes=scenes)
    vacuum(variables)
    return Library(user_id, token, ids)


def fill(
    variables: dict[str, str],
    user_id: UUID,
    count: int,
    pictures: Path | None,
    *,
    scenes: int = SCENES,
    first: int = 1,
) -> list[str]:
    """Add rows, and files below the folder `pictures`; their ids, the newest first."""
    with tempfile.TemporaryDirectory(prefix="imgapp-scenes-", dir=pictures) as folder:
        kinds = _kinds(Path(folder), scenes) if pictures else [Kind(4000, 3000, "", {})]
        given: dict[str, Any] = {
            "kinds": len(kinds),
            "widths": [kind.width for kind in kinds],
            "heights": [kind.height for kind in kinds],
            "placeholders": [kind.placeholder or None for kind in kinds],
        }
        engine = sa.create_engine(variables["IMGAPP_MIGRATE_DATABASE_URL"], poolclass=sa.NullPool)
        as_person = sa.text("SELECT set_config('app.user_id', :user_id, true)")
        insert = sa.text(_ROWS.replace(":user_id", f"CAST('{user_id}' AS uuid)"))
        ids: list[str] = []
        for begin in range(first, first + count, AT_ONCE):
            given |= {"first": begin, "last": min(begin + AT_ONCE, first + count) - 1}
            with engine.begin() as connection:
                connection.execute(as_person, {"user_id": str(user_id)})
                for statement in (_AS_OWNER.format("NO FORCE"), *_CHECKED):
                    connection.execute(sa.text(statement))
                rows = connection.execute(insert, given).all()
                for statement in (_AS_OWNER.format("FORCE"), *_UNCHECKED):
                    connection.execute(sa.text(statement))
            for n, row in enumerate(rows if pictures else (), begin):
                _link(pictures, row.s3_key, kinds[n % len(kinds)])
            ids += [str(row.id) for row in rows]
    return ids


def _kinds(folder: Path, scenes: int) -> list[Kind]:
    found = []
    for n in range(scenes):
        out = folder / str(n)
        out.mkdir()
        original = out / "original.jpg"
        scene(original, n)
        made = imaging.decode(original, out)
        files = {"original": original, "thumbnail": made.thumbnail, "preview": made.preview}
        found.append(Kind(made.width, made.height, made.placeholder, files))
    imaging.shutdown()
    return found


def _link(pictures: Path | None, s3_key: str, kind: Kind) -> None:
    assert pictures is not None
    target = pictures / s3_key
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(kind.files["original"], target)
    for name in ("thumbnail", "preview"):
        os.link(kind.files[name], pictures / storage.rendition_key(s3_key, name))  # type: ignore[arg-type]


def vacuum(variables: dict[str, str]) -> None:
    """As the server does by itself within minutes."""
    engine = sa.create_engine(
        variables["IMGAPP_MIGRATE_DATABASE_URL"],
        poolclass=sa.NullPool,
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as connection:
        for table in ("images", "image_texts", "image_analyses", "storage_usage"):
            connection.execute(sa.text(f"VACUUM ANALYZE {table}"))
