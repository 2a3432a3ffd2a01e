"""Places in a list and how many pictures are in which state are kept, and not counted each time."""

from __future__ import annotations

from imgapp.adapters.migrations import FOLDER, downgrade, execute  # noqa: F401

revision = "0105"
down_revision = "0104"


def upgrade() -> None:
    # Triggers need their functions, which are run after the migrations otherwise.
    execute("SET LOCAL check_function_bodies = off")
    for name in ("blocks", "tallies"):
        execute((FOLDER / "sql" / "library" / f"{name}.sql").read_text())
    execute(
        """
        CREATE TABLE image_blocks (
            user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
            first_at timestamptz NOT NULL,
            first_id uuid NOT NULL,
            images integer NOT NULL,
            PRIMARY KEY (user_id, first_at, first_id)
        ) WITH (fillfactor = 50);

        CREATE TABLE image_tallies (
            user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
            status text NOT NULL,
            reason text NOT NULL,
            no_alt_text boolean NOT NULL,
            images bigint NOT NULL,
            PRIMARY KEY (user_id, status, reason, no_alt_text)
        );
        CREATE TABLE image_tally_changes (
            user_id uuid NOT NULL,
            status text NOT NULL,
            reason text NOT NULL,
            no_alt_text boolean NOT NULL,
            change bigint NOT NULL
        );
        CREATE INDEX image_tally_changes_user ON image_tally_changes (user_id);
        -- The owner of the tables sees all rows.
        ALTER TABLE images NO FORCE ROW LEVEL SECURITY;
        INSERT INTO image_blocks (user_id, first_at, first_id, images)
        SELECT s.user_id, CASE WHEN s.before = 0 THEN '-infinity' ELSE s.uploaded_at END,
            CASE WHEN s.before = 0 THEN '00000000-0000-0000-0000-000000000000' ELSE s.id END,
            least(1000, s.all_of_it - s.before)
        FROM (
            SELECT i.user_id, i.uploaded_at, i.id,
                count(*) OVER (PARTITION BY i.user_id) AS all_of_it,
                row_number() OVER (
                    PARTITION BY i.user_id ORDER BY i.uploaded_at, i.id
                ) - 1 AS before
            FROM images i WHERE i.deleted_at IS NULL
        ) s WHERE s.before % 1000 = 0;
        INSERT INTO image_tallies (user_id, status, reason, no_alt_text, images)
        SELECT i.user_id, i.analysis_status, imgapp_tally_reason(
            i.analysis_status, i.waiting_reason, i.error_code
        ), i.no_alt_text, count(*)
        FROM images i WHERE i.deleted_at IS NULL GROUP BY 1, 2, 3, 4;
        ALTER TABLE images FORCE ROW LEVEL SECURITY;
        ALTER TABLE image_blocks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON image_blocks USING (user_id = (SELECT :user_id));
        CREATE POLICY system ON image_blocks TO imgapp_system USING (true);

        ALTER TABLE image_tallies ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON image_tallies USING (user_id = (SELECT :user_id));
        CREATE POLICY system ON image_tallies TO imgapp_system USING (true);

        ALTER TABLE image_tally_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON image_tally_changes USING (user_id = (SELECT :user_id));
        CREATE POLICY system ON image_tally_changes TO imgapp_system USING (true);

        GRANT SELECT ON image_blocks, image_tallies, image_tally_changes TO :app;
        GRANT SELECT, INSERT, UPDATE (images), DELETE ON image_blocks TO imgapp_system;
        GRANT SELECT, INSERT, UPDATE (images) ON image_tallies TO imgapp_system;
        GRANT SELECT, INSERT, DELETE ON image_tally_changes TO imgapp_system;

        CREATE TRIGGER images_tallied
            AFTER UPDATE OF
                analysis_status, waiting_reason, error_code, alt_text, decorative, deleted_at
            ON images FOR EACH ROW
            WHEN (
                (OLD.analysis_status, OLD.waiting_reason, OLD.error_code, OLD.no_alt_text,
                    OLD.deleted_at IS NULL)
                IS DISTINCT FROM
                (NEW.analysis_status, NEW.waiting_reason, NEW.error_code, NEW.no_alt_text,
                    NEW.deleted_at IS NULL)
            )
            EXECUTE FUNCTION imgapp_tally();
        DROP TRIGGER images_usage_listed ON images;
        CREATE TRIGGER images_usage_listed AFTER UPDATE OF deleted_at, uploaded_at ON images
            FOR EACH ROW WHEN (
                (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)
                OR OLD.uploaded_at <> NEW.uploaded_at
            )
            EXECUTE FUNCTION imgapp_count_listed();
        CREATE TRIGGER images_usage_split AFTER UPDATE OF deleted_at, uploaded_at ON images
            FOR EACH STATEMENT EXECUTE FUNCTION imgapp_split_blocks();
        SET LOCAL check_function_bodies = on;
        """
    )
