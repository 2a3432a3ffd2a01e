-- Waiting reasons of pending pictures.

CREATE OR REPLACE FUNCTION imgapp_is_paused(p_user_id uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (SELECT FROM public.installation i WHERE i.paused)
        OR EXISTS (SELECT FROM public.preferences p WHERE p.user_id = p_user_id AND p.paused)
$$;

-- Why the person of this transaction may not ask a model now: 'paused', 'budget', or null. Calls that
-- are under way do not count: what they do not take is free again.
CREATE OR REPLACE FUNCTION imgapp_waits_because(p_model text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT CASE
        WHEN public.imgapp_is_paused(u.id) THEN 'paused'
        WHEN public.imgapp_set_aside(u.id, p_model, least(
            public.imgapp_left(NULL, i.budget, false),
            public.imgapp_left(u.id, coalesce(u.budget, i.person_budget), false)
        )) IS NULL THEN 'budget'
    END
    FROM public.users u CROSS JOIN public.installation i WHERE u.id = :user_id
$$;

-- Keeps true what pictures are said to wait for. Returns those that changed, at most `p_limit`. A
-- budget may have room for what one model costs, and not for another.
CREATE OR REPLACE FUNCTION imgapp_note_waits(p_models jsonb, p_limit integer)
RETURNS TABLE (image_id uuid, user_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
#variable_conflict use_column
DECLARE
    v_left integer := p_limit;
    v_done integer;
    v_troubled text[];
    v_person_budget numeric;
    v_left_of_all numeric;
    v_lane record;
BEGIN
    -- Somebody who has nothing left to wait for is not met below.
    UPDATE public.users u SET over_budget = false
    WHERE u.over_budget AND NOT EXISTS (
        SELECT FROM public.images i
        WHERE i.user_id = u.id AND i.analysis_status = 'pending' AND i.deleted_at IS NULL
    );
    -- A call that never ended: its worker was killed.
    DELETE FROM public.model_calls c WHERE c.expires_at < clock_timestamp() - interval '1 hour';
    SELECT i.person_budget, public.imgapp_left(NULL, i.budget, false)
    INTO v_person_budget, v_left_of_all FROM public.installation i;
    SELECT coalesce(array_agg(s.server || ' ' || s.model), '{}') INTO v_troubled
    FROM public.provider_state s
    WHERE (s.server <> 'queue' OR s.updated_at > clock_timestamp() - interval '1 minute')
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
            SELECT u.id, u.over_budget, p.never_cloud,
                public.imgapp_is_paused(u.id) AS paused,
                least(v_left_of_all, public.imgapp_left(
                    u.id, coalesce(u.budget, v_person_budget), false
                )) AS budget_left
            FROM (SELECT DISTINCT l.user_id FROM lanes l) waiting
            JOIN public.users u ON u.id = waiting.user_id
            LEFT JOIN public.preferences p ON p.user_id = u.id
        ), asked AS MATERIALIZED (
            SELECT l.user_id, l.lane, p.over_budget, p.paused, m.model, m.troubled,
                m.model <> 'basic-1' AND public.imgapp_set_aside(
                    l.user_id, m.model, p.budget_left
                ) IS NULL AS too_dear
            FROM lanes l JOIN people p ON p.id = l.user_id
            CROSS JOIN LATERAL (
                -- The one that is asked now: the fall-back, if the other one is in trouble.
                SELECT c.model, c.server || ' ' || c.model = ANY (v_troubled) AS troubled
                FROM public.imgapp_lane_choices(l.lane, p.never_cloud, p_models) c
                ORDER BY c.server || ' ' || c.model = ANY (v_troubled), c.rank LIMIT 1
            ) m
        )
        SELECT a.user_id, a.lane, a.over_budget,
            -- Nothing that they wait for can be had.
            bool_or(a.too_dear) OVER person
                AND bool_and(a.too_dear OR a.model = 'basic-1') OVER person AS is_over,
            CASE
                WHEN a.paused THEN 'paused'
                WHEN a.too_dear THEN 'budget'
                WHEN a.troubled OR v_troubled && ARRAY['store ', 'queue '] THEN 'provider_down'
            END AS reason
        FROM asked a
        WINDOW person AS (PARTITION BY a.user_id)
    LOOP
        IF v_lane.is_over <> v_lane.over_budget THEN
            UPDATE public.users u SET over_budget = v_lane.is_over
            WHERE u.id = v_lane.user_id AND u.over_budget <> v_lane.is_over;
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
