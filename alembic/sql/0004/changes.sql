-- What people's programs are told of: every change of a picture has its time, whoever makes it, and
-- what was removed is remembered for a month.

-- Not of leases, which are renewed all the time and shown to nobody.
CREATE FUNCTION imgapp_touch_image() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    -- Not the start of the transaction: whoever reads relies on it being within the transaction.
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE TRIGGER images_touched BEFORE INSERT OR UPDATE OF
    filename, width, height, facts, uploaded_at, deleted_at,
    analysis_status, waiting_reason, error_code, error_message, analysis_id,
    alt_text, alt_text_by, description, description_by, tags, tags_by,
    visible_text, visible_text_by, decorative, decorative_by, language, language_by
    ON images FOR EACH ROW EXECUTE FUNCTION imgapp_touch_image();

CREATE INDEX images_changes ON images (user_id, updated_at, id);

CREATE TABLE image_deletions (
    image_id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    deleted_at timestamptz NOT NULL
);
CREATE INDEX image_deletions_changes ON image_deletions (user_id, deleted_at, image_id);

ALTER TABLE image_deletions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON image_deletions
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY system ON image_deletions TO imgapp_system USING (true);
GRANT SELECT ON image_deletions TO :app;
GRANT SELECT, INSERT, DELETE ON image_deletions TO imgapp_system;

CREATE FUNCTION imgapp_note_deletions() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    DELETE FROM public.image_deletions d
    WHERE d.user_id IN (SELECT g.user_id FROM gone g)
        AND d.deleted_at < now() - interval '31 days';
    -- Not for people who go with their pictures.
    INSERT INTO public.image_deletions (image_id, user_id, deleted_at)
    SELECT g.id, g.user_id, clock_timestamp()
    FROM gone g JOIN public.users u ON u.id = g.user_id
    WHERE u.deleting_at IS NULL
    ON CONFLICT (image_id) DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_deletions AFTER DELETE ON images
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION imgapp_note_deletions();
