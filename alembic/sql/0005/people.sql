-- That of 0002, for people whose files are gone.
CREATE OR REPLACE FUNCTION imgapp_purge_deleted_person() RETURNS TABLE (user_id uuid, email text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    DELETE FROM public.users u
    WHERE u.id = (
        SELECT old.id FROM public.users old
        WHERE old.deleting_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM public.images i WHERE i.user_id = old.id)
            AND NOT EXISTS (SELECT FROM public.store_removals r WHERE r.user_id = old.id)
        ORDER BY old.deleting_at LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING u.id, u.email;
END
$$;
