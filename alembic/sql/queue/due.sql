-- The number of pictures that may be claimed now.

-- How many permits are of use: pictures that are due, and that a claim would give, at most 10,000.
CREATE OR REPLACE FUNCTION imgapp_due_count(p_models jsonb)
RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v_most integer;
    v_down text[];
    v_probed text[];
BEGIN
    SELECT CASE WHEN i.paused THEN 0 ELSE greatest(0, least(
        10000,
        i.max_in_flight - (
            SELECT count(*)::integer FROM public.images b
            WHERE b.analysis_status = 'in_progress' AND b.lease_expires_at > v_now
        )
    )) END
    INTO v_most FROM public.installation i;
    SELECT c.down, c.probed INTO v_down, v_probed FROM public.imgapp_circuits() c;
    IF 'store ' = ANY (v_down) THEN
        RETURN 0;
    ELSIF 'store ' = ANY (v_probed) THEN
        v_most := least(v_most, 1);
    END IF;
    RETURN (
        SELECT count(*) FROM (
            SELECT FROM (
                -- Each lane once: the fall-back takes what the other one leaves.
                SELECT c.priority, c.user_id, c.lane, max(least(v_most, CASE
                    WHEN c.server || ' ' || c.model = ANY (v_probed) THEN 1
                    ELSE coalesce(public.imgapp_free_slots(c.server, c.model, (
                        p_models -> 'known' -> c.model ->> 'slots'
                    )::integer), v_most)
                END)) AS most
                FROM public.imgapp_claimable_lanes(p_models, v_down, v_probed) c
                GROUP BY c.priority, c.user_id, c.lane
            ) l
            CROSS JOIN LATERAL (
                SELECT FROM public.images i
                WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                    AND i.priority = l.priority AND i.user_id = l.user_id AND i.lane = l.lane
                    AND i.due_at <= v_now
                LIMIT l.most
            ) due
            LIMIT v_most
        ) claimable
    );
END
$$;
