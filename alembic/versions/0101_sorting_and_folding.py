"""File names are sorted as people do, texts folded in more scripts, and tags are in NFC."""

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
        -- Tags are in NFC: what is composed otherwise was another tag. Its owner sees all rows.
        ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
        UPDATE images SET tags = ARRAY(
            SELECT u.tag FROM (
                SELECT DISTINCT ON (normalize(t.tag, NFC)) normalize(t.tag, NFC) AS tag, t.at
                FROM unnest(tags) WITH ORDINALITY t (tag, at)
                ORDER BY normalize(t.tag, NFC), t.at
            ) u ORDER BY u.at
        ) WHERE array_to_string(tags, ' ') IS NOT NFC NORMALIZED;
        ALTER TABLE images FORCE ROW LEVEL SECURITY;
        SET LOCAL check_function_bodies = on;
        """
    )
