-- The queue of files that are fetched from the web: claim and sweep.

-- Takes the file to fetch next: people in turn (whoever has fewest under way), then the oldest;
-- from one host only so many at a time, and none while it rests.
CREATE OR REPLACE FUNCTION imgapp_claim_fetch(p_lease_id uuid, p_lease_seconds integer, p_per_host integer)
RETURNS TABLE (
    item_id uuid, user_id uuid, batch_id uuid, url text, host text, attempts integer
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
-- The plan may be made while nothing waits: it must walk the index all the same.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_turn record;
    v_id uuid;
BEGIN
    -- One at a time: two could otherwise take the last place of a host at once.
    PERFORM pg_advisory_xact_lock(hashtext('imgapp_claim_fetch'));
    FOR v_turn IN
        -- Steps from person to person in the index, and from host to host, a hundred each at most.
        WITH RECURSIVE people AS (
            (
                SELECT i.user_id FROM public.batch_items i WHERE i.outcome = 'waiting'
                ORDER BY i.user_id LIMIT 1
            )
            UNION ALL
            SELECT step.user_id
            FROM people p CROSS JOIN LATERAL (
                SELECT i.user_id FROM public.batch_items i
                WHERE i.outcome = 'waiting' AND i.user_id > p.user_id
                ORDER BY i.user_id LIMIT 1
            ) step
        )
        SELECT p.user_id, h.host
        FROM people p
        JOIN public.users u ON u.id = p.user_id
            AND u.disabled_at IS NULL AND u.deleting_at IS NULL
        CROSS JOIN LATERAL (
            WITH RECURSIVE hosts AS (
                (
                    SELECT i.host FROM public.batch_items i
                    WHERE i.outcome = 'waiting' AND i.user_id = p.user_id
                    ORDER BY i.host LIMIT 1
                )
                UNION ALL
                SELECT step.host
                FROM hosts q CROSS JOIN LATERAL (
                    SELECT i.host FROM public.batch_items i
                    WHERE i.outcome = 'waiting' AND i.user_id = p.user_id AND i.host > q.host
                    ORDER BY i.host LIMIT 1
                ) step
            )
            SELECT q.host FROM hosts q LIMIT 100
        ) h
        CROSS JOIN LATERAL (
            SELECT i.due_at FROM public.batch_items i
            WHERE i.outcome = 'waiting' AND i.user_id = p.user_id AND i.host = h.host
            ORDER BY i.due_at LIMIT 1
        ) oldest
        WHERE oldest.due_at <= v_now
            AND NOT EXISTS (
                SELECT FROM public.fetch_rests r
                WHERE r.user_id = p.user_id AND r.host = h.host AND r.until > v_now
            )
            AND p_per_host > (
                SELECT count(*) FROM public.batch_items f
                WHERE f.outcome = 'fetching' AND f.host = h.host
            )
        ORDER BY (
            SELECT count(*) FROM public.batch_items f
            WHERE f.outcome = 'fetching' AND f.user_id = p.user_id
        ), oldest.due_at
    LOOP
        UPDATE public.batch_items
        SET outcome = 'fetching', lease_id = p_lease_id,
            lease_expires_at = v_now + make_interval(secs => p_lease_seconds)
        WHERE id = (
            SELECT i.id FROM public.batch_items i
            WHERE i.outcome = 'waiting' AND i.user_id = v_turn.user_id AND i.host = v_turn.host
                AND i.due_at <= v_now
            ORDER BY i.due_at, i.id LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING id INTO v_id;
        IF v_id IS NULL THEN
            CONTINUE;
        END IF;
        RETURN QUERY
        SELECT i.id, i.user_id, i.batch_id, i.url, i.host, i.attempts
        FROM public.batch_items i WHERE i.id = v_id;
        RETURN;
    END LOOP;
END
$$;

-- What killed workers held goes back, and what waits in batches that were cancelled is cancelled.
CREATE OR REPLACE FUNCTION imgapp_sweep_fetches(p_max_lost integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_swept integer;
BEGIN
    WITH expired AS (
        SELECT i.id, i.lost_attempts + 1 >= p_max_lost AS lost
        FROM public.batch_items i
        WHERE i.outcome = 'fetching' AND i.lease_expires_at < clock_timestamp()
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE public.batch_items i
    SET outcome = CASE WHEN e.lost THEN 'refused' ELSE 'waiting' END,
        lost_attempts = i.lost_attempts + 1,
        due_at = now(),
        lease_id = NULL,
        lease_expires_at = NULL,
        finished_at = CASE WHEN e.lost THEN now() END,
        code = CASE WHEN e.lost THEN 'lost' END,
        detail = CASE WHEN e.lost
            THEN 'Fetching this file was interrupted again and again.' END
    FROM expired e
    WHERE i.id = e.id;
    GET DIAGNOSTICS v_swept = ROW_COUNT;
    UPDATE public.batch_items i
    SET outcome = 'cancelled', finished_at = now()
    FROM public.batches b
    WHERE b.cancelled_at IS NOT NULL AND b.waiting > 0
        AND i.batch_id = b.id AND i.outcome = 'waiting';
    RETURN v_swept;
END
$$;
