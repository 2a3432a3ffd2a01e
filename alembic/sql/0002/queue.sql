-- Those of 0001, without the pictures of people who are disabled or being deleted.
CREATE OR REPLACE FUNCTION imgapp_claim_image(p_lease_id uuid, p_lease_seconds integer)
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
            AND u.disabled_at IS NULL AND u.deleting_at IS NULL
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

CREATE OR REPLACE FUNCTION imgapp_due_count() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT count(*)::integer FROM (
        SELECT FROM public.images
        WHERE analysis_status = 'pending' AND deleted_at IS NULL AND due_at <= now()
            AND user_id <> ALL (ARRAY(
                SELECT u.id FROM public.users u
                WHERE u.disabled_at IS NOT NULL OR u.deleting_at IS NOT NULL
            ))
        LIMIT 10000
    ) due
$$;
