-- The change feed: what programs are told of when they catch up.

CREATE TABLE image_deletions (
    image_id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    deleted_at timestamptz NOT NULL
);
CREATE INDEX image_deletions_changes ON image_deletions (user_id, deleted_at, image_id);

ALTER TABLE image_deletions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON image_deletions USING (user_id = (SELECT :user_id));
CREATE POLICY system ON image_deletions TO imgapp_system USING (true);

GRANT SELECT ON image_deletions TO :app;
GRANT SELECT, INSERT, DELETE ON image_deletions TO imgapp_system;

-- Not of leases, which are renewed all the time and shown to nobody.
CREATE TRIGGER images_touched BEFORE INSERT OR UPDATE OF
    filename, width, height, facts, uploaded_at, deleted_at,
    analysis_status, waiting_reason, error_code, error_message, analysis_id,
    alt_text, alt_text_by, description, description_by, tags, tags_by,
    visible_text, visible_text_by, decorative, decorative_by, language, language_by,
    never_cloud, context, choices
    ON images FOR EACH ROW EXECUTE FUNCTION imgapp_touch_image();
CREATE TRIGGER images_deletions AFTER DELETE ON images
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION imgapp_note_deletions();
