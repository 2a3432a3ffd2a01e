-- Storage usage by person, kept by triggers: summing up a hundred thousand pictures is slow.

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

CREATE OR REPLACE FUNCTION imgapp_count_listed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.storage_usage u
    SET listed = u.listed + CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END
    WHERE u.user_id = NEW.user_id;
    RETURN NULL;
END
$$;
