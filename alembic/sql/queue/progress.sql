-- The progress of each person's pictures through the queue.

-- Notes who has pictures waiting, and forgets who has none any more.
CREATE OR REPLACE FUNCTION imgapp_note_progress() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
BEGIN
    -- One worker at a time.
    IF NOT pg_try_advisory_xact_lock(hashtext('imgapp_progress')) THEN
        RETURN;
    END IF;
    DELETE FROM public.progress p
    WHERE NOT EXISTS (
        SELECT FROM public.images i
        WHERE i.analysis_status = 'pending' AND i.user_id = p.user_id AND i.deleted_at IS NULL
    ) AND NOT EXISTS (
        SELECT FROM public.images i
        WHERE i.analysis_status = 'in_progress' AND i.user_id = p.user_id AND i.deleted_at IS NULL
    );
    INSERT INTO public.progress (user_id, since)
    WITH RECURSIVE waiting AS (
        (
            SELECT i.user_id FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
            ORDER BY i.user_id LIMIT 1
        )
        UNION ALL
        SELECT step.user_id
        FROM waiting w CROSS JOIN LATERAL (
            SELECT i.user_id FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL AND i.user_id > w.user_id
            ORDER BY i.user_id LIMIT 1
        ) step
    )
    SELECT w.user_id, oldest.queued_at
    FROM waiting w CROSS JOIN LATERAL (
        SELECT min(i.queued_at) AS queued_at FROM public.images i
        WHERE i.analysis_status IN ('pending', 'in_progress')
            AND i.user_id = w.user_id AND i.deleted_at IS NULL
    ) oldest
    WHERE oldest.queued_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM public.progress p WHERE p.user_id = w.user_id)
    ON CONFLICT DO NOTHING;
END
$$;

-- How many pictures of others are taken before the caller's next one, as a claim takes them:
-- interactive before bulk, people in turn. At most 10,000.
CREATE OR REPLACE FUNCTION imgapp_pictures_ahead() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
    WITH RECURSIVE heads AS (
        (
            SELECT i.priority, i.user_id FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
            ORDER BY i.priority, i.user_id LIMIT 1
        )
        UNION ALL
        SELECT step.priority, step.user_id
        FROM heads h CROSS JOIN LATERAL (
            SELECT i.priority, i.user_id FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                AND (i.priority, i.user_id) > (h.priority, h.user_id)
            ORDER BY i.priority, i.user_id LIMIT 1
        ) step
    ), known AS MATERIALIZED (
        SELECT h.priority, h.user_id FROM heads h LIMIT 10000
    ), mine AS (
        SELECT k.priority, u.id, coalesce(u.last_claimed_at, '-infinity') AS served
        FROM known k JOIN public.users u ON u.id = k.user_id
        WHERE k.user_id = :user_id
        ORDER BY k.priority LIMIT 1
    )
    SELECT least(10000, coalesce(sum(ahead.images), 0))::integer
    FROM mine m CROSS JOIN known k
    JOIN public.users u ON u.id = k.user_id
        AND u.disabled_at IS NULL AND u.deleting_at IS NULL AND NOT u.over_budget
    LEFT JOIN public.preferences p ON p.user_id = k.user_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS images FROM (
            SELECT FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                AND i.priority = k.priority AND i.user_id = k.user_id
            LIMIT CASE WHEN k.priority < m.priority THEN 10000 ELSE 1 END
        ) due
    ) ahead
    WHERE k.user_id <> m.id AND NOT coalesce(p.paused, false)
        AND (
            k.priority < m.priority
            OR k.priority = m.priority
                AND (coalesce(u.last_claimed_at, '-infinity'), u.id) < (m.served, m.id)
        )
$$;
