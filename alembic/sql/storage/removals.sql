-- The removal of files from stores, and what each store holds.

CREATE OR REPLACE FUNCTION imgapp_note_removals() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO public.store_removals AS r (id, user_id, image_id, s3_bucket, due_at, attempts)
    SELECT gen_random_uuid(), g.user_id, g.id, g.s3_bucket, now(), 0
    FROM gone g ORDER BY g.id
    ON CONFLICT (user_id, image_id, s3_bucket) DO UPDATE
    SET due_at = excluded.due_at, attempts = 0;
    RETURN NULL;
END
$$;

-- Locked until the transaction ends; `needed` is a place that a picture is in after all.
CREATE OR REPLACE FUNCTION imgapp_due_removals(p_local boolean, p_limit integer)
RETURNS TABLE (id uuid, user_id uuid, image_id uuid, s3_bucket text, needed boolean)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT r.id, r.user_id, r.image_id, r.s3_bucket, EXISTS (
        SELECT FROM public.images i
        WHERE i.id = r.image_id AND i.user_id = r.user_id AND i.s3_bucket = r.s3_bucket
    )
    FROM public.store_removals r
    WHERE (p_local OR r.s3_bucket <> 'local')
        AND (r.due_at <= now() OR (r.attempts = 0 AND r.user_id = ANY (ARRAY(
            -- Nothing of theirs is worth waiting for.
            SELECT u.id FROM public.users u WHERE u.deleting_at IS NOT NULL
        ))))
    ORDER BY r.due_at LIMIT p_limit
    FOR UPDATE OF r SKIP LOCKED
$$;

-- What failed is tried again: after half a minute at first, once a day at last.
CREATE OR REPLACE FUNCTION imgapp_end_removals(p_done uuid[], p_failed uuid[]) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
    DELETE FROM public.store_removals WHERE id = ANY (p_done);
    UPDATE public.store_removals
    SET due_at = now() + least(interval '30 s' * 2 ^ least(attempts, 12), interval '1 day'),
        attempts = attempts + 1
    WHERE id = ANY (p_failed);
$$;

-- Pictures that are not in a store, in the order of their ids; of one person, or of everybody.
CREATE OR REPLACE FUNCTION imgapp_images_elsewhere(
    p_bucket text, p_user uuid, p_after uuid, p_limit integer
) RETURNS TABLE (image_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT i.id, i.user_id FROM public.images i
    WHERE i.s3_bucket <> p_bucket AND (p_user IS NULL OR i.user_id = p_user)
        AND (p_after IS NULL OR i.id > p_after)
    ORDER BY i.id LIMIT p_limit
$$;

-- What is in each store; `removals` are places that wait to be emptied, `stuck` those that could
-- not be for a day.
CREATE OR REPLACE FUNCTION imgapp_storage_overview(p_user uuid)
RETURNS TABLE (s3_bucket text, images bigint, bytes bigint, removals bigint, stuck bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s3_bucket, sum(images)::bigint, sum(bytes)::bigint, sum(removals)::bigint,
        sum(stuck)::bigint
    FROM (
        SELECT i.s3_bucket, count(*) AS images, sum(i.file_size) AS bytes, 0 AS removals, 0 AS stuck
        FROM public.images i WHERE p_user IS NULL OR i.user_id = p_user
        GROUP BY i.s3_bucket
        UNION ALL
        SELECT r.s3_bucket, 0, 0, count(*), count(*) FILTER (WHERE r.attempts > 12)
        FROM public.store_removals r WHERE p_user IS NULL OR r.user_id = p_user
        GROUP BY r.s3_bucket
    ) places
    GROUP BY s3_bucket ORDER BY s3_bucket
$$;
