-- The change feed: every change of a picture has its time, and deletions are remembered for a month.

CREATE OR REPLACE FUNCTION imgapp_touch_image() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    -- Not the start of the transaction: whoever reads relies on it being within the transaction.
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_note_deletions() RETURNS trigger
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
