CREATE FUNCTION imgapp_count_usage() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.storage_usage AS u (user_id, images, bytes)
        SELECT c.user_id, count(*), sum(c.file_size) FROM changed c
        GROUP BY c.user_id ORDER BY c.user_id
        ON CONFLICT (user_id) DO UPDATE
        SET images = u.images + excluded.images, bytes = u.bytes + excluded.bytes;
    ELSE
        -- In the same order everywhere, so that nobody waits in a circle.
        PERFORM FROM public.storage_usage u
        WHERE u.user_id IN (SELECT c.user_id FROM changed c)
        ORDER BY u.user_id FOR NO KEY UPDATE;
        UPDATE public.storage_usage u
        SET images = u.images - gone.images, bytes = u.bytes - gone.bytes
        FROM (
            SELECT c.user_id, count(*) AS images, sum(c.file_size) AS bytes
            FROM changed c GROUP BY c.user_id
        ) gone
        WHERE u.user_id = gone.user_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER images_usage_added AFTER INSERT ON images
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION imgapp_count_usage();
CREATE TRIGGER images_usage_removed AFTER DELETE ON images
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION imgapp_count_usage();
