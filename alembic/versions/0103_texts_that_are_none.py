"""What `basic-1` said of colours and light is taken back, where nobody edited it."""

from __future__ import annotations

from imgapp.adapters.migrations import downgrade, execute  # noqa: F401

revision = "0103"
down_revision = "0102"


def upgrade() -> None:
    # Earlier analyses keep what they said. The owner of the tables sees all rows.
    execute(
        """
        ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE image_analyses NO FORCE ROW LEVEL SECURITY;
        UPDATE images i SET
            alt_text = CASE WHEN i.alt_text_by = 'model' THEN NULL ELSE i.alt_text END,
            alt_text_by = nullif(i.alt_text_by, 'model'),
            description = CASE WHEN i.description_by = 'model' THEN NULL ELSE i.description END,
            description_by = nullif(i.description_by, 'model'),
            tags = CASE WHEN i.tags_by = 'model' THEN NULL ELSE i.tags END,
            tags_by = nullif(i.tags_by, 'model'),
            -- The language is that of the words: it goes with them.
            language = CASE WHEN 'person' IN (
                i.alt_text_by, i.description_by, i.tags_by, i.language_by
            ) THEN i.language END,
            language_by = CASE WHEN 'person' IN (
                i.alt_text_by, i.description_by, i.tags_by, i.language_by
            ) THEN i.language_by END
        FROM image_analyses a
        WHERE a.id = i.analysis_id AND a.model_version = 'basic-1'
            AND 'model' IN (i.alt_text_by, i.description_by, i.tags_by);
        ALTER TABLE image_analyses FORCE ROW LEVEL SECURITY;
        ALTER TABLE images FORCE ROW LEVEL SECURITY;
        """
    )
