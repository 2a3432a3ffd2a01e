-- The trash.

CREATE OR REPLACE FUNCTION imgapp_purge_trash(p_older_than interval, p_limit integer)
RETURNS TABLE (image_id uuid, user_id uuid, s3_key text, s3_bucket text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    DELETE FROM public.images i
    WHERE i.id IN (
        SELECT old.id FROM public.images old
        WHERE old.deleted_at < now() - p_older_than
        ORDER BY old.deleted_at LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING i.id, i.user_id, i.s3_key, i.s3_bucket;
END
$$;
