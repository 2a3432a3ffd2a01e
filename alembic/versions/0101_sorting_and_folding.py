"""File names are sorted as people do, and texts folded in more scripts: both are made anew."""

from __future__ import annotations

from imgapp.adapters.migrations import FOLDER, downgrade, execute  # noqa: F401

revision = "0101"
down_revision = "0100"


def upgrade() -> None:
    # Columns that are made by functions, which are run after the migrations otherwise.
    execute("SET LOCAL check_function_bodies = off")
    execute("DROP FUNCTION imgapp_search_cjk")
    for name in ("search", "finding"):
        execute((FOLDER / "sql" / "library" / f"{name}.sql").read_text())
    execute(
        """
        DROP INDEX images_by_name;
        ALTER TABLE images DROP COLUMN search,
            ADD COLUMN name_key text COLLATE "C"
                GENERATED ALWAYS AS (imgapp_name_key(filename)) STORED,
            ADD COLUMN search tsvector GENERATED ALWAYS AS (
                imgapp_search_document(
                    alt_text, description, tags, visible_text, filename, language
                )
            ) STORED;
        CREATE INDEX images_by_name ON images (user_id, name_key, id) WHERE deleted_at IS NULL;
        CREATE INDEX images_search ON images USING gin (search) WITH (fastupdate = off);
        GRANT SELECT (name_key, search) ON images TO imgapp_system;
        SET LOCAL check_function_bodies = on;
        """
    )
