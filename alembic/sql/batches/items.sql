-- The totals of batches, kept by triggers, and the removal of old ones.

-- Counted by triggers: summing up a hundred thousand files whenever somebody asks would be slow.
CREATE OR REPLACE FUNCTION imgapp_count_batch_items() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    -- In the same order everywhere, so that nobody waits in a circle.
    PERFORM FROM public.batches b
    WHERE b.id IN (SELECT a.batch_id FROM after_change a)
    ORDER BY b.id FOR NO KEY UPDATE;
    UPDATE public.batches b
    SET waiting = b.waiting + c.waiting, fetching = b.fetching + c.fetching,
        added = b.added + c.added, duplicate = b.duplicate + c.duplicate,
        refused = b.refused + c.refused, cancelled = b.cancelled + c.cancelled,
        updated_at = clock_timestamp()
    FROM (
        SELECT a.batch_id,
            count(*) FILTER (WHERE a.outcome = 'waiting') AS waiting,
            count(*) FILTER (WHERE a.outcome = 'fetching') AS fetching,
            count(*) FILTER (WHERE a.outcome = 'added') AS added,
            count(*) FILTER (WHERE a.outcome = 'duplicate') AS duplicate,
            count(*) FILTER (WHERE a.outcome = 'refused') AS refused,
            count(*) FILTER (WHERE a.outcome = 'cancelled') AS cancelled
        FROM after_change a GROUP BY a.batch_id
    ) c
    WHERE b.id = c.batch_id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_recount_batch_items() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    -- Most updates only renew a lease.
    IF NOT EXISTS (
        SELECT FROM after_change a JOIN before_change o ON o.id = a.id
        WHERE a.outcome <> o.outcome
    ) THEN
        RETURN NULL;
    END IF;
    PERFORM FROM public.batches b
    WHERE b.id IN (SELECT a.batch_id FROM after_change a)
    ORDER BY b.id FOR NO KEY UPDATE;
    UPDATE public.batches b
    SET waiting = b.waiting + c.waiting, fetching = b.fetching + c.fetching,
        added = b.added + c.added, duplicate = b.duplicate + c.duplicate,
        refused = b.refused + c.refused, cancelled = b.cancelled + c.cancelled,
        updated_at = clock_timestamp()
    FROM (
        SELECT s.batch_id,
            coalesce(sum(s.n) FILTER (WHERE s.outcome = 'waiting'), 0) AS waiting,
            coalesce(sum(s.n) FILTER (WHERE s.outcome = 'fetching'), 0) AS fetching,
            coalesce(sum(s.n) FILTER (WHERE s.outcome = 'added'), 0) AS added,
            coalesce(sum(s.n) FILTER (WHERE s.outcome = 'duplicate'), 0) AS duplicate,
            coalesce(sum(s.n) FILTER (WHERE s.outcome = 'refused'), 0) AS refused,
            coalesce(sum(s.n) FILTER (WHERE s.outcome = 'cancelled'), 0) AS cancelled
        FROM (
            SELECT a.batch_id, a.outcome, 1 AS n FROM after_change a
            UNION ALL SELECT o.batch_id, o.outcome, -1 FROM before_change o
        ) s
        GROUP BY s.batch_id
    ) c
    WHERE b.id = c.batch_id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_purge_batches(p_older_than interval, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_gone integer;
BEGIN
    DELETE FROM public.fetch_rests r WHERE r.until < now();
    DELETE FROM public.batches b
    WHERE b.id IN (
        SELECT old.id FROM public.batches old
        WHERE old.updated_at < now() - p_older_than
        ORDER BY old.updated_at LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    RETURN v_gone;
END
$$;
