-- What there is to do in the background, whoever it is for.

-- The names of the chores that have something to do; each by a look at the beginning of an index.
-- `p_local` is false on a machine that does not have the pictures' folder.
CREATE OR REPLACE FUNCTION imgapp_due_chores(p_local boolean, OUT names text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_waits boolean := EXISTS (
        SELECT FROM public.images i
        WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
    );
BEGIN
    SELECT array_agg(c.name) INTO names
    FROM (
        SELECT 'queue' AS name
        WHERE v_waits OR EXISTS (
            SELECT FROM public.images i WHERE i.analysis_status = 'in_progress'
        ) OR EXISTS (
            SELECT FROM public.users u WHERE u.over_budget
        ) OR EXISTS (
            SELECT FROM public.provider_state s WHERE s.server = 'queue'
        ) OR EXISTS (
            SELECT FROM public.model_calls m WHERE m.expires_at < v_now - interval '1 hour'
        )
        UNION ALL
        SELECT 'progress'
        WHERE v_waits
            OR EXISTS (SELECT FROM public.progress p)
            OR EXISTS (SELECT FROM public.image_tally_changes t)
            OR EXISTS (SELECT FROM public.text_tally_changes t)
        UNION ALL
        SELECT 'deleted people'
        WHERE EXISTS (SELECT FROM public.users u WHERE u.deleting_at IS NOT NULL)
        UNION ALL
        SELECT 'removals'
        WHERE EXISTS (
            SELECT FROM public.store_removals r
            WHERE r.due_at <= v_now AND (p_local OR r.s3_bucket <> 'local')
        )
        UNION ALL
        SELECT 'direct uploads'
        WHERE EXISTS (
            SELECT FROM public.direct_uploads d
            WHERE d.state = 'saving' AND d.lease_expires_at < v_now
        )
        UNION ALL
        SELECT 'deliveries'
        WHERE EXISTS (
            SELECT FROM public.webhook_deliveries d
            WHERE d.state = 'pending' AND d.lease_id IS NULL AND d.due_at <= v_now
        ) OR EXISTS (
            SELECT FROM public.webhook_deliveries d
            WHERE d.lease_id IS NOT NULL AND d.lease_expires_at < v_now
        )
        UNION ALL
        SELECT 'fetches'
        WHERE EXISTS (SELECT FROM public.batch_items i WHERE i.outcome = 'waiting')
            OR EXISTS (SELECT FROM public.batch_items i WHERE i.outcome = 'fetching')
        UNION ALL
        SELECT 'runs' WHERE EXISTS (SELECT FROM public.runs r WHERE r.finished_at IS NULL)
        UNION ALL
        SELECT 'texts' WHERE EXISTS (SELECT FROM public.image_texts t WHERE t.doubts IS NULL)
        UNION ALL
        SELECT 'models'
        WHERE EXISTS (
            SELECT FROM public.model_pulls p
            WHERE p.problem IS NULL
                AND (p.lease_expires_at IS NULL OR p.lease_expires_at < v_now)
        )
    ) c;
    -- Where pgvector is missing there is no such table.
    IF to_regclass('public.embedding_requests') IS NOT NULL THEN
        IF EXISTS (
            SELECT FROM public.embedding_requests r
            WHERE r.taken_until IS NULL OR r.taken_until < v_now
        ) THEN
            names := names || 'embeddings'::text;
        END IF;
    END IF;
    names := coalesce(names, '{}');
END
$$;
