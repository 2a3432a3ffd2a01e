-- The totals of batches, kept by triggers, and the removal of old ones.

-- Counted by triggers: summing up a hundred thousand files whenever somebody asks would be slow.
CREATE OR REPLACE FUNCTION imgapp_count_batch_items() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_batches uuid[];
    v_outcomes text[];
    v_more integer[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(c.batch_id), array_agg(c.outcome), array_agg(c.more)
        INTO v_batches, v_outcomes, v_more
        FROM (
            SELECT a.batch_id, a.outcome, count(*) AS more FROM after_change a
            GROUP BY a.batch_id, a.outcome
        ) c;
    ELSE
        SELECT array_agg(c.batch_id), array_agg(c.outcome), array_agg(c.more)
        INTO v_batches, v_outcomes, v_more
        FROM (
            SELECT s.batch_id, s.outcome, sum(s.more) AS more
            FROM (
                SELECT a.batch_id, a.outcome, 1 AS more FROM after_change a
                UNION ALL SELECT o.batch_id, o.outcome, -1 FROM before_change o
            ) s
            GROUP BY s.batch_id, s.outcome HAVING sum(s.more) <> 0
        ) c;
    END IF;
    IF v_batches IS NULL THEN
        -- Most updates only renew a lease.
        RETURN NULL;
    END IF;
    -- In the same order everywhere, so that nobody waits in a circle.
    PERFORM FROM public.batches b WHERE b.id = ANY (v_batches) ORDER BY b.id FOR NO KEY UPDATE;
    UPDATE public.batches b
    SET waiting = b.waiting + c.waiting, fetching = b.fetching + c.fetching,
        added = b.added + c.added, duplicate = b.duplicate + c.duplicate,
        refused = b.refused + c.refused, cancelled = b.cancelled + c.cancelled,
        updated_at = clock_timestamp()
    FROM (
        SELECT s.batch_id,
            coalesce(sum(s.more) FILTER (WHERE s.outcome = 'waiting'), 0) AS waiting,
            coalesce(sum(s.more) FILTER (WHERE s.outcome = 'fetching'), 0) AS fetching,
            coalesce(sum(s.more) FILTER (WHERE s.outcome = 'added'), 0) AS added,
            coalesce(sum(s.more) FILTER (WHERE s.outcome = 'duplicate'), 0) AS duplicate,
            coalesce(sum(s.more) FILTER (WHERE s.outcome = 'refused'), 0) AS refused,
            coalesce(sum(s.more) FILTER (WHERE s.outcome = 'cancelled'), 0) AS cancelled
        FROM unnest(v_batches, v_outcomes, v_more) s (batch_id, outcome, more)
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
