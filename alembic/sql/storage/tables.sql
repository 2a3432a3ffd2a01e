-- Storage usage by person, and files that are to be removed from stores.

-- Kept by triggers: summing up a hundred thousand pictures at each upload would be slow. `listed` are
-- those outside the trash: a list says how many there are.
CREATE TABLE storage_usage (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    images integer NOT NULL,
    bytes bigint NOT NULL,
    listed integer NOT NULL
);

-- Places in a store with files that no row points to, or perhaps none: of pictures that were removed,
-- until their files are; of pictures on their way in, until their rows are there; of moved ones.
CREATE TABLE store_removals (
    id uuid PRIMARY KEY,
    -- No foreign key: a person who was deleted stays until their files are gone.
    user_id uuid NOT NULL,
    image_id uuid NOT NULL,
    s3_bucket text NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL CONSTRAINT store_removals_attempts_check CHECK (attempts >= 0),
    CONSTRAINT store_removals_place_key UNIQUE (user_id, image_id, s3_bucket)
);
CREATE INDEX store_removals_due ON store_removals (due_at);

ALTER TABLE storage_usage ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON storage_usage USING (user_id = (SELECT :user_id));
CREATE POLICY system ON storage_usage TO imgapp_system USING (true);

ALTER TABLE store_removals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON store_removals USING (user_id = (SELECT :user_id));
CREATE POLICY system ON store_removals TO imgapp_system USING (true);

GRANT SELECT, INSERT, UPDATE (images, bytes, listed) ON storage_usage TO imgapp_system;
GRANT SELECT ON storage_usage TO :app;
GRANT SELECT, INSERT, DELETE, UPDATE (due_at, attempts) ON store_removals TO imgapp_system, :app;

CREATE TRIGGER images_usage_added AFTER INSERT ON images
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION imgapp_count_usage();
CREATE TRIGGER images_usage_removed AFTER DELETE ON images
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION imgapp_count_usage();
CREATE TRIGGER images_usage_listed AFTER UPDATE OF deleted_at, uploaded_at ON images
    FOR EACH ROW WHEN (
        (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) OR OLD.uploaded_at <> NEW.uploaded_at
    )
    EXECUTE FUNCTION imgapp_count_listed();
-- After those of its rows.
CREATE TRIGGER images_usage_split AFTER UPDATE OF deleted_at, uploaded_at ON images
    FOR EACH STATEMENT EXECUTE FUNCTION imgapp_split_blocks();
CREATE TRIGGER images_removals AFTER DELETE ON images
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION imgapp_note_removals();
