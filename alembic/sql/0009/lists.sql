-- A list says how many pictures there are; counting a hundred thousand takes longer than reading a
-- page of them, so those outside the trash are counted as they come and go.
ALTER TABLE storage_usage ADD COLUMN listed integer NOT NULL DEFAULT 0;
ALTER TABLE storage_usage ALTER COLUMN listed DROP DEFAULT;

CREATE OR REPLACE FUNCTION imgapp_count_usage() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.storage_usage AS u (user_id, images, bytes, listed)
        SELECT c.user_id, count(*), sum(c.file_size), count(*) FILTER (WHERE c.deleted_at IS NULL)
        FROM changed c
        GROUP BY c.user_id ORDER BY c.user_id
        ON CONFLICT (user_id) DO UPDATE
        SET images = u.images + excluded.images,
            bytes = u.bytes + excluded.bytes,
            listed = u.listed + excluded.listed;
    ELSE
        -- In the same order everywhere, so that nobody waits in a circle.
        PERFORM FROM public.storage_usage u
        WHERE u.user_id IN (SELECT c.user_id FROM changed c)
        ORDER BY u.user_id FOR NO KEY UPDATE;
        UPDATE public.storage_usage u
        SET images = u.images - gone.images,
            bytes = u.bytes - gone.bytes,
            listed = u.listed - gone.listed
        FROM (
            SELECT c.user_id, count(*) AS images, sum(c.file_size) AS bytes,
                count(*) FILTER (WHERE c.deleted_at IS NULL) AS listed
            FROM changed c GROUP BY c.user_id
        ) gone
        WHERE u.user_id = gone.user_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION imgapp_count_listed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.storage_usage u
    SET listed = u.listed + CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END
    WHERE u.user_id = NEW.user_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_usage_listed AFTER UPDATE OF deleted_at ON images
    FOR EACH ROW WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL))
    EXECUTE FUNCTION imgapp_count_listed();

GRANT UPDATE (listed) ON storage_usage TO imgapp_system;

-- A full trash is not read through for a page of the others.
DROP INDEX images_gallery;
CREATE INDEX images_gallery ON images (user_id, uploaded_at DESC, id DESC)
    WHERE deleted_at IS NULL;
-- For the list of one status; and for how many there are of one, whoever has them.
CREATE INDEX images_by_status ON images (analysis_status, user_id, uploaded_at DESC, id DESC)
    WHERE deleted_at IS NULL;

-- A page: else the planner thinks of a thousand, and reads the table to join them.
ALTER FUNCTION imgapp_search_images(text, text, text, timestamptz, uuid, integer) ROWS 100;
