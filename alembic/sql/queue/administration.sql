-- The queue as administrators see and mend it.

-- The queue as administrators see it: numbers, and nobody's pictures.
CREATE OR REPLACE FUNCTION imgapp_queue() RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
BEGIN
    PERFORM public.imgapp_require_admin();
    RETURN (
        -- By the indexes alone where that can be: a hundred thousand may wait.
        WITH heads AS MATERIALIZED (
            SELECT i.priority, i.user_id, i.lane, count(*) AS images,
                count(*) FILTER (WHERE i.due_at > v_now) AS later
            FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
            GROUP BY i.priority, i.user_id, i.lane
        ), lanes AS (
            SELECT h.priority, sum(h.images) AS images, sum(h.later) AS later,
                count(DISTINCT h.user_id) AS people, min(first.queued_at) AS oldest
            FROM heads h
            -- Pictures of people who may not sign in wait until they may.
            JOIN public.users u ON u.id = h.user_id
                AND u.disabled_at IS NULL AND u.deleting_at IS NULL
            CROSS JOIN LATERAL (
                SELECT i.queued_at FROM public.images i
                WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                    AND i.priority = h.priority AND i.user_id = h.user_id AND i.lane = h.lane
                ORDER BY i.due_at LIMIT 1
            ) first
            GROUP BY h.priority
        ), held AS (
            SELECT i.user_id, i.waiting_reason AS reason, count(*) AS images
            FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                AND i.waiting_reason IS NOT NULL
            GROUP BY i.user_id, i.waiting_reason
        ), reasons AS (
            SELECT h.reason, sum(h.images) AS images, count(*) AS people
            FROM held h
            JOIN public.users u ON u.id = h.user_id
                AND u.disabled_at IS NULL AND u.deleting_at IS NULL
            GROUP BY h.reason
        ), flying AS (
            SELECT count(*) AS images, min(i.started_at) AS oldest
            FROM public.images i
            WHERE i.analysis_status = 'in_progress' AND i.lease_expires_at > v_now
        ), recent AS (
            -- Of those whose turn it was lately: nobody else can have been served.
            SELECT i.analysis_status, i.completed_at
            FROM public.users u JOIN public.images i ON i.user_id = u.id
            WHERE u.last_claimed_at > v_now - interval '10 minutes'
                AND i.completed_at > v_now - interval '5 minutes' AND i.deleted_at IS NULL
        ), failures AS (
            SELECT coalesce(i.error_code, 'unknown') AS code, count(*) AS images,
                count(DISTINCT i.user_id) AS people, max(i.completed_at) AS latest
            FROM public.images i
            WHERE i.analysis_status = 'failed' AND i.deleted_at IS NULL
            GROUP BY coalesce(i.error_code, 'unknown')
            ORDER BY images DESC, code LIMIT 100
        )
        SELECT jsonb_build_object(
            'lanes', (SELECT coalesce(jsonb_agg(to_jsonb(l)), '[]') FROM lanes l),
            'reasons', (
                SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.reason), '[]') FROM reasons r
            ),
            'flying', (SELECT to_jsonb(f) FROM flying f),
            'recent', (
                SELECT jsonb_build_object(
                    'completed_1', count(*) FILTER (
                        WHERE r.analysis_status = 'completed'
                            AND r.completed_at > v_now - interval '1 minute'
                    ),
                    'failed_1', count(*) FILTER (
                        WHERE r.analysis_status = 'failed'
                            AND r.completed_at > v_now - interval '1 minute'
                    ),
                    'completed_5', count(*) FILTER (WHERE r.analysis_status = 'completed'),
                    'failed_5', count(*) FILTER (WHERE r.analysis_status = 'failed')
                ) FROM recent r
            ),
            'failures', (SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM failures f)
        )
    );
END
$$;

-- Queues what has failed, of everybody, behind what people wait for: those of one reason, or all.
-- Returns those that wait again, at most `p_limit`, those that failed first.
CREATE OR REPLACE FUNCTION imgapp_retry_failed(p_code text, p_limit integer)
RETURNS TABLE (image_id uuid, user_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM public.imgapp_require_admin();
    RETURN QUERY
    UPDATE public.images i
    SET analysis_status = 'pending', waiting_reason = NULL, priority = 10, queued_at = now(),
        due_at = now(), started_at = NULL, completed_at = NULL, attempts = 0, lost_attempts = 0,
        error_code = NULL, error_message = NULL
    WHERE i.id IN (
        SELECT f.id FROM public.images f
        WHERE f.analysis_status = 'failed' AND f.deleted_at IS NULL
            AND (p_code IS NULL OR coalesce(f.error_code, 'unknown') = p_code)
        ORDER BY f.completed_at NULLS FIRST, f.id LIMIT p_limit
        FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING i.id, i.user_id;
END
$$;
