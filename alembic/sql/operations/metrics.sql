-- Gauges of the metrics endpoint.

-- How many pictures there are, and how long they wait. Of nobody in particular.
CREATE OR REPLACE FUNCTION imgapp_metrics() RETURNS TABLE (metric text, label text, value double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH stored AS (
        SELECT coalesce(sum(u.images), 0) AS images, coalesce(sum(u.listed), 0) AS listed,
            coalesce(sum(u.bytes), 0) AS bytes
        FROM public.storage_usage u
    ), lanes AS (
        SELECT i.priority, count(*) AS images,
            -- Pictures of people who may not sign in wait until they may.
            count(*) FILTER (WHERE NOT i.stopped) AS waiting,
            min(i.queued_at) FILTER (WHERE NOT i.stopped) AS oldest
        FROM (
            SELECT p.priority, p.queued_at, p.user_id = ANY (ARRAY(
                SELECT u.id FROM public.users u
                WHERE u.disabled_at IS NOT NULL OR u.deleting_at IS NOT NULL
            )) AS stopped
            FROM public.images p
            WHERE p.analysis_status = 'pending' AND p.deleted_at IS NULL
        ) i
        GROUP BY i.priority
    ), counted AS (
        SELECT 'pending' AS status, coalesce(sum(l.images), 0) AS images FROM lanes l
        UNION ALL
        SELECT 'in_progress', count(*) FROM public.images i
        WHERE i.analysis_status = 'in_progress' AND i.deleted_at IS NULL
        UNION ALL
        SELECT 'failed', count(*) FROM public.images i
        WHERE i.analysis_status = 'failed' AND i.deleted_at IS NULL
    )
    SELECT 'images', c.status, c.images FROM counted c
    UNION ALL
    -- The many are what is left: a hundred thousand rows would take long to count.
    SELECT 'images', 'completed',
        greatest(s.listed - (SELECT sum(c.images) FROM counted c), 0) FROM stored s
    UNION ALL
    SELECT 'trashed', '', s.images - s.listed FROM stored s
    UNION ALL
    SELECT 'stored_bytes', '', s.bytes FROM stored s
    UNION ALL
    SELECT 'waiting', l.priority::text, l.waiting FROM lanes l
    UNION ALL
    SELECT 'oldest', l.priority::text,
        coalesce(greatest(extract(epoch FROM clock_timestamp() - l.oldest), 0), 0)
    FROM lanes l
$$;
