CREATE FUNCTION imgapp_claim_image(p_lease_id uuid, p_lease_seconds integer)
RETURNS TABLE (image_id uuid, user_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
-- The plan may be made while the queue is empty: it must walk the index all the same.
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_turn record;
    v_id uuid;
BEGIN
    FOR v_turn IN
        -- Steps from person to person in the index, however many pictures each of them has.
        WITH RECURSIVE queue AS (
            (
                SELECT i.priority, i.user_id FROM public.images i
                WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                ORDER BY i.priority, i.user_id LIMIT 1
            )
            UNION ALL
            SELECT step.priority, step.user_id
            FROM queue q CROSS JOIN LATERAL (
                SELECT i.priority, i.user_id FROM public.images i
                WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                    AND (i.priority, i.user_id) > (q.priority, q.user_id)
                ORDER BY i.priority, i.user_id LIMIT 1
            ) step
        )
        SELECT q.priority, q.user_id
        FROM queue q
        JOIN public.users u ON u.id = q.user_id
        CROSS JOIN LATERAL (
            SELECT i.due_at FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                AND i.priority = q.priority AND i.user_id = q.user_id
            ORDER BY i.due_at LIMIT 1
        ) oldest
        WHERE oldest.due_at <= v_now
        ORDER BY q.priority, u.last_claimed_at NULLS FIRST, oldest.due_at, q.user_id
    LOOP
        UPDATE public.images
        SET analysis_status = 'in_progress', waiting_reason = NULL, started_at = v_now,
            lease_id = p_lease_id, lease_expires_at = v_now + make_interval(secs => p_lease_seconds)
        WHERE id = (
            SELECT i.id FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                AND i.priority = v_turn.priority AND i.user_id = v_turn.user_id
                AND i.due_at <= v_now
            ORDER BY i.due_at, i.id LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING id INTO v_id;
        IF v_id IS NULL THEN
            CONTINUE;
        END IF;
        -- Another claimer that holds this row is writing the same moment into it.
        UPDATE public.users SET last_claimed_at = v_now
        WHERE id = (
            SELECT u.id FROM public.users u WHERE u.id = v_turn.user_id
            FOR NO KEY UPDATE SKIP LOCKED
        );
        RETURN QUERY SELECT v_id, v_turn.user_id;
        RETURN;
    END LOOP;
END
$$;

CREATE FUNCTION imgapp_renew_lease(p_lease_id uuid, p_lease_seconds integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.images
    SET lease_expires_at = clock_timestamp() + make_interval(secs => p_lease_seconds)
    WHERE lease_id = p_lease_id AND analysis_status = 'in_progress';
    RETURN FOUND;
END
$$;

CREATE FUNCTION imgapp_sweep(p_max_lost integer)
RETURNS TABLE (image_id uuid, user_id uuid, failed boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH expired AS (
        SELECT i.id, i.lost_attempts + 1 >= p_max_lost AS failed
        FROM public.images i
        WHERE i.analysis_status = 'in_progress' AND i.lease_expires_at < clock_timestamp()
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE public.images i
    SET analysis_status = CASE WHEN e.failed THEN 'failed' ELSE 'pending' END,
        lost_attempts = i.lost_attempts + 1,
        due_at = now(),
        lease_id = NULL,
        lease_expires_at = NULL,
        completed_at = CASE WHEN e.failed THEN now() END,
        error_code = CASE WHEN e.failed THEN 'lost' END,
        error_message = CASE WHEN e.failed
            THEN 'The analysis was interrupted again and again. Try it once more.' END
    FROM expired e
    WHERE i.id = e.id
    RETURNING i.id, i.user_id, e.failed;
END
$$;

CREATE FUNCTION imgapp_due_count() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT count(*)::integer FROM (
        SELECT FROM public.images
        WHERE analysis_status = 'pending' AND deleted_at IS NULL AND due_at <= now()
        LIMIT 10000
    ) due
$$;

CREATE FUNCTION imgapp_purge_trash(p_older_than interval, p_limit integer)
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
