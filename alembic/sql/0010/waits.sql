-- How many permits are of use now: pictures that are due and may be claimed, at most 10,000.
CREATE FUNCTION imgapp_due_count(
    p_server text DEFAULT '', p_model text DEFAULT '', p_local boolean DEFAULT false
) RETURNS integer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
SET enable_seqscan = off SET enable_bitmapscan = off
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
    SELECT coalesce(array_agg(s.server || ' ' || s.model)
            FILTER (WHERE s.open_until > v_now OR s.held_until > v_now), '{}'),
        coalesce(array_agg(s.server || ' ' || s.model)
            FILTER (WHERE s.opened_at IS NOT NULL), '{}')
    INTO v_down, v_probed
    FROM public.provider_state s WHERE s.server IN (p_server, 'store');
    IF 'store ' = ANY (v_down) THEN
        RETURN 0;
    ELSIF 'store ' = ANY (v_probed) THEN
        v_most := least(v_most, 1);
    END IF;
    RETURN (
        WITH RECURSIVE queue AS (
            (
                SELECT i.priority, i.user_id, i.lane FROM public.images i
                WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                ORDER BY i.priority, i.user_id, i.lane LIMIT 1
            )
            UNION ALL
            SELECT step.priority, step.user_id, step.lane
            FROM queue q CROSS JOIN LATERAL (
                SELECT i.priority, i.user_id, i.lane FROM public.images i
                WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                    AND (i.priority, i.user_id, i.lane) > (q.priority, q.user_id, q.lane)
                ORDER BY i.priority, i.user_id, i.lane LIMIT 1
            ) step
        )
        SELECT count(*) FROM (
            SELECT FROM queue q
            JOIN public.users u ON u.id = q.user_id
                AND u.disabled_at IS NULL AND u.deleting_at IS NULL
            LEFT JOIN public.preferences p ON p.user_id = q.user_id
            CROSS JOIN LATERAL (
                SELECT public.imgapp_lane_model(q.lane, p.never_cloud, p_model, p_local) AS model
            ) asked
            CROSS JOIN LATERAL (
                SELECT FROM public.images i
                WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                    AND i.priority = q.priority AND i.user_id = q.user_id AND i.lane = q.lane
                    AND i.due_at <= v_now
                LIMIT CASE WHEN p_server || ' ' || asked.model = ANY (v_probed) THEN 1 ELSE v_most END
            ) due
            WHERE NOT coalesce(p.paused, false)
                AND (
                    asked.model = 'basic-1'
                    OR (
                        NOT u.over_budget AND p_server || ' ' || asked.model <> ALL (v_down)
                    )
                )
            LIMIT v_most
        ) claimable
    );
END
$$;

-- Keeps true what pictures are said to wait for. Returns those that changed, at most `p_limit`.
CREATE FUNCTION imgapp_note_waits(p_server text, p_model text, p_local boolean, p_limit integer)
RETURNS TABLE (image_id uuid, user_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
#variable_conflict use_column
DECLARE
    v_left integer := p_limit;
    v_done integer;
    v_troubled text[];
    v_lane record;
BEGIN
    -- Somebody who has nothing left to wait for is not met below.
    UPDATE public.users u SET over_budget = false
    WHERE u.over_budget AND public.imgapp_waits_because(u.id) IS NULL;
    SELECT coalesce(array_agg(s.server || ' ' || s.model), '{}') INTO v_troubled
    FROM public.provider_state s
    WHERE s.server IN (p_server, 'store')
        AND (s.opened_at IS NOT NULL OR s.held_until > clock_timestamp());
    FOR v_lane IN
        WITH RECURSIVE lanes AS (
            (
                SELECT i.user_id, i.lane FROM public.images i
                WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                ORDER BY i.user_id, i.lane LIMIT 1
            )
            UNION ALL
            SELECT step.user_id, step.lane
            FROM lanes l CROSS JOIN LATERAL (
                SELECT i.user_id, i.lane FROM public.images i
                WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                    AND (i.user_id, i.lane) > (l.user_id, l.lane)
                ORDER BY i.user_id, i.lane LIMIT 1
            ) step
        ), people AS MATERIALIZED (
            SELECT u.id, u.over_budget, p.never_cloud, public.imgapp_waits_because(u.id) AS reason
            FROM (SELECT DISTINCT l.user_id FROM lanes l) waiting
            JOIN public.users u ON u.id = waiting.user_id
            LEFT JOIN public.preferences p ON p.user_id = u.id
        )
        SELECT l.user_id, l.lane, p.over_budget, p.reason AS persons,
            CASE
                WHEN p.reason = 'paused' THEN p.reason
                WHEN p.reason = 'budget' AND asked.model <> 'basic-1' THEN p.reason
                WHEN v_troubled && ARRAY['store ', p_server || ' ' || asked.model]
                THEN 'provider_down'
            END AS reason
        FROM lanes l JOIN people p ON p.id = l.user_id
        CROSS JOIN LATERAL (
            SELECT public.imgapp_lane_model(l.lane, p.never_cloud, p_model, p_local) AS model
        ) asked
    LOOP
        IF NOT v_lane.over_budget AND v_lane.persons = 'budget' THEN
            UPDATE public.users u SET over_budget = true WHERE u.id = v_lane.user_id;
        END IF;
        RETURN QUERY
        UPDATE public.images i SET waiting_reason = v_lane.reason
        WHERE i.id IN (
            SELECT w.id FROM public.images w
            WHERE w.analysis_status = 'pending' AND w.deleted_at IS NULL
                AND w.user_id = v_lane.user_id AND w.lane = v_lane.lane
                AND w.waiting_reason = ANY (
                    array_remove('{budget,paused,provider_down}'::text[], v_lane.reason)
                )
            ORDER BY w.waiting_reason DESC, w.id DESC LIMIT v_left
            FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING i.id, i.user_id;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        v_left := v_left - v_done;
        CONTINUE WHEN v_lane.reason IS NULL;
        RETURN QUERY
        UPDATE public.images i SET waiting_reason = v_lane.reason
        WHERE i.id IN (
            SELECT w.id FROM public.images w
            WHERE w.analysis_status = 'pending' AND w.deleted_at IS NULL
                AND w.user_id = v_lane.user_id AND w.lane = v_lane.lane
                AND w.waiting_reason IS NULL
            -- The newest first; and by the index that knows which those are.
            ORDER BY w.waiting_reason DESC, w.id DESC LIMIT v_left
            FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING i.id, i.user_id;
        GET DIAGNOSTICS v_done = ROW_COUNT;
        v_left := v_left - v_done;
    END LOOP;
END
$$;
