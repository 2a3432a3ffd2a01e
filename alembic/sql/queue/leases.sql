-- The queue's leases: claim, renewal and sweep.

-- '' is asked of whichever model the settings name; '!' in front is never sent to a cloud.
CREATE OR REPLACE FUNCTION imgapp_set_lane() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    NEW.lane := CASE WHEN NEW.never_cloud THEN '!' ELSE '' END || coalesce(NEW.ask ->> 'model', '');
    RETURN NEW;
END
$$;

-- The models that a lane's pictures may be asked of, in the order in which they are: the one that was
-- named or the default, and the fall-back. 'basic-1' is the describer that needs none.
--
-- `p_models` is {"default", "fallback", "at_home", "known": {name: {"server", "local", "slots"}}}: what
-- must not leave the house is asked of a local one; `slots` is how many calls at once a model takes, 0
-- if that is learned, null if it does not matter.
CREATE OR REPLACE FUNCTION imgapp_lane_choices(
    p_lane text, p_never_cloud boolean, p_models jsonb
) RETURNS TABLE (rank integer, model text, server text)
LANGUAGE sql IMMUTABLE
AS $$
    SELECT c.rank, c.model, coalesce(p_models -> 'known' -> c.model ->> 'server', '')
    FROM (
        SELECT w.rank, CASE
            WHEN w.model = 'basic-1' OR NOT l.stays
                OR p_models -> 'known' -> w.model -> 'local' = 'true' THEN w.model
            ELSE coalesce(p_models ->> 'at_home', 'basic-1')
        END AS model
        FROM (
            SELECT n.name, coalesce(p_never_cloud, false) OR left(p_lane, 1) = '!' AS stays,
                n.name = 'basic-1' OR p_models -> 'known' ? n.name AS known
            FROM (SELECT NULLIF(ltrim(p_lane, '!'), '') AS name) n
        ) l
        CROSS JOIN LATERAL (
            SELECT 0 AS rank, CASE WHEN l.known THEN l.name ELSE p_models ->> 'default' END AS model
            UNION ALL
            SELECT 1, p_models ->> 'fallback'
            WHERE p_models ->> 'fallback' IS NOT NULL AND l.known IS NOT TRUE
        ) w
    ) c
$$;

-- The lanes that have pictures waiting which may be claimed, once the oldest of them is due, with each
-- model that may be asked: the fall-back only while the other one is in trouble. Inlined by the planner,
-- in functions that make it walk the index: it steps from lane to lane, however many pictures each has.
CREATE OR REPLACE FUNCTION imgapp_claimable_lanes(p_models jsonb, p_down text[], p_probed text[])
RETURNS TABLE (
    priority integer, user_id uuid, lane text, due_at timestamptz, rank integer, model text,
    server text, budget numeric, last_claimed_at timestamptz
)
LANGUAGE sql STABLE
AS $$
    WITH RECURSIVE queue AS (
        (
            SELECT i.priority, i.user_id, i.lane, i.due_at FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
            ORDER BY i.priority, i.user_id, i.lane, i.due_at LIMIT 1
        )
        UNION ALL
        SELECT step.priority, step.user_id, step.lane, step.due_at
        FROM queue q CROSS JOIN LATERAL (
            SELECT i.priority, i.user_id, i.lane, i.due_at FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                AND (i.priority, i.user_id, i.lane) > (q.priority, q.user_id, q.lane)
            ORDER BY i.priority, i.user_id, i.lane, i.due_at LIMIT 1
        ) step
    )
    SELECT q.priority, q.user_id, q.lane, q.due_at, asked.rank, asked.model, asked.server, u.budget,
        u.last_claimed_at
    FROM queue q
    JOIN public.users u ON u.id = q.user_id
        AND u.disabled_at IS NULL AND u.deleting_at IS NULL
    LEFT JOIN public.preferences p ON p.user_id = q.user_id
    CROSS JOIN LATERAL (
        SELECT c.rank, c.model, c.server, first_value(c.server || ' ' || c.model) OVER (
            ORDER BY c.rank
        ) AS first
        FROM public.imgapp_lane_choices(q.lane, p.never_cloud, p_models) c
    ) asked
    WHERE NOT coalesce(p.paused, false)
        AND (
            asked.model = 'basic-1'
            OR (NOT u.over_budget AND asked.server || ' ' || asked.model <> ALL (p_down))
        )
        AND (asked.rank = 0 OR asked.first = ANY (p_down || p_probed))
$$;

-- The fairest due picture that may be analysed now: interactive before bulk, people in turn, the
-- oldest first. `p_asking` is false for what needs no model. Within the budgets, from which the call is
-- set aside, and within what the server takes at once.
CREATE OR REPLACE FUNCTION imgapp_claim_image(
    p_lease_id uuid, p_lease_seconds integer,
    p_models jsonb DEFAULT '{"default": ""}', p_asking boolean DEFAULT true
) RETURNS TABLE (image_id uuid, user_id uuid, model text, server text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
-- The plan may be made while the queue is empty: it must walk the index all the same, and the one that
-- has the order, however large that was when it was made.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz;
    v_most integer;
    v_budget numeric;
    v_person_budget numeric;
    v_left numeric;
    v_counted boolean := false;
    v_reserved numeric;
    v_down text[];
    v_probed text[];
    v_full text[] := '{}';
    v_key text;
    v_slots integer;
    v_turn record;
    v_id uuid;
BEGIN
    SELECT i.max_in_flight, i.budget, i.person_budget INTO v_most, v_budget, v_person_budget
    FROM public.installation i WHERE NOT i.paused;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF v_most IS NOT NULL THEN
        -- One claim at a time, or two would both see the last free place.
        PERFORM pg_advisory_xact_lock(hashtext('imgapp_in_flight'));
        IF v_most <= (
            SELECT count(*) FROM (
                SELECT FROM public.images i
                WHERE i.analysis_status = 'in_progress' AND i.lease_expires_at > clock_timestamp()
                LIMIT v_most
            ) busy
        ) THEN
            RETURN;
        END IF;
    END IF;
    v_now := clock_timestamp();
    SELECT c.down, c.probed INTO v_down, v_probed FROM public.imgapp_circuits() c;
    IF 'store ' = ANY (v_down)
        OR ('store ' = ANY (v_probed) AND NOT public.imgapp_may_probe('store', ''))
    THEN
        RETURN;
    END IF;
    FOR v_turn IN
        SELECT l.priority, l.user_id, l.lane, l.model, l.server,
            coalesce(l.budget, v_person_budget) AS budget
        FROM public.imgapp_claimable_lanes(p_models, v_down, v_probed) l
        WHERE l.due_at <= v_now AND (p_asking OR l.model = 'basic-1')
        ORDER BY l.priority, l.last_claimed_at NULLS FIRST, l.due_at, l.user_id, l.lane, l.rank
    LOOP
        CONTINUE WHEN public.imgapp_is_paused(v_turn.user_id);
        v_key := v_turn.server || ' ' || v_turn.model;
        CONTINUE WHEN v_key = ANY (v_full);
        v_slots := p_models -> 'known' -> v_turn.model ->> 'slots';
        IF v_slots IS NOT NULL THEN
            -- One claim at a time here, too.
            PERFORM pg_advisory_xact_lock(hashtext('imgapp_in_flight'));
            IF public.imgapp_free_slots(v_turn.server, v_turn.model, v_slots) < 1 THEN
                v_full := v_full || v_key;
                CONTINUE;
            END IF;
        END IF;
        v_reserved := 0;
        IF v_turn.model <> 'basic-1' AND coalesce(v_budget, v_turn.budget) IS NOT NULL THEN
            IF NOT v_counted THEN
                -- One claim at a time, or two would both take the last of a budget.
                PERFORM pg_advisory_xact_lock(hashtext('imgapp_budget'));
                v_left := public.imgapp_left(NULL, v_budget, true);
                v_counted := true;
            END IF;
            v_reserved := public.imgapp_set_aside(v_turn.user_id, v_turn.model, least(
                v_left, public.imgapp_left(v_turn.user_id, v_turn.budget, true)
            ));
            CONTINUE WHEN v_reserved IS NULL;
        END IF;
        CONTINUE WHEN v_key = ANY (v_probed)
            AND NOT public.imgapp_may_probe(v_turn.server, v_turn.model);
        UPDATE public.images
        SET analysis_status = 'in_progress', waiting_reason = NULL, started_at = v_now,
            lease_id = p_lease_id, lease_expires_at = v_now + make_interval(secs => p_lease_seconds)
        WHERE id = (
            SELECT i.id FROM public.images i
            WHERE i.analysis_status = 'pending' AND i.deleted_at IS NULL
                AND i.priority = v_turn.priority AND i.user_id = v_turn.user_id
                AND i.lane = v_turn.lane AND i.due_at <= v_now
            ORDER BY i.due_at, i.id LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING id INTO v_id;
        IF v_id IS NULL THEN
            CONTINUE;
        END IF;
        IF v_turn.model <> 'basic-1' THEN
            INSERT INTO public.model_calls (id, user_id, model, reserved, expires_at)
            VALUES (
                p_lease_id, v_turn.user_id, v_turn.model, v_reserved,
                v_now + make_interval(secs => p_lease_seconds)
            );
        END IF;
        IF v_probed <> '{}' THEN
            -- Not a second try before this one has answered, or its worker is gone.
            UPDATE public.provider_state s
            SET probe_lease = p_lease_id,
                open_until = v_now + make_interval(secs => p_lease_seconds)
            WHERE s.opened_at IS NOT NULL AND s.server || ' ' || s.model = ANY (v_probed)
                AND (s.server, s.model) IN ((v_turn.server, v_turn.model), ('store', ''));
        END IF;
        -- Another claimer that holds this row is writing the same moment into it.
        UPDATE public.users SET last_claimed_at = v_now
        WHERE id = (
            SELECT u.id FROM public.users u WHERE u.id = v_turn.user_id
            FOR NO KEY UPDATE SKIP LOCKED
        );
        RETURN QUERY SELECT v_id, v_turn.user_id, v_turn.model, v_turn.server;
        RETURN;
    END LOOP;
END
$$;

-- What is set aside for a call, and a try of a server, last as long as the lease.
CREATE OR REPLACE FUNCTION imgapp_renew_lease(p_lease_id uuid, p_lease_seconds integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_until timestamptz := clock_timestamp() + make_interval(secs => p_lease_seconds);
BEGIN
    UPDATE public.images SET lease_expires_at = v_until
    WHERE lease_id = p_lease_id AND analysis_status = 'in_progress';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE public.model_calls c SET expires_at = v_until WHERE c.id = p_lease_id;
    UPDATE public.provider_state s SET open_until = v_until
    WHERE s.probe_lease = p_lease_id AND s.opened_at IS NOT NULL;
    RETURN true;
END
$$;

-- What killed workers held waits again, or has failed: then it asks for nothing any more.
CREATE OR REPLACE FUNCTION imgapp_sweep(p_max_lost integer)
RETURNS TABLE (image_id uuid, user_id uuid, failed boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH expired AS (
        SELECT i.id, i.lost_attempts + 1 >= p_max_lost AS failed
        FROM public.images i
        WHERE i.analysis_status = 'in_progress' AND i.lease_expires_at < clock_timestamp()
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE public.images i
    SET analysis_status = CASE WHEN e.failed THEN 'failed' ELSE 'pending' END,
        lost_attempts = i.lost_attempts + 1,
        due_at = now(),
        lease_id = NULL,
        lease_expires_at = NULL,
        completed_at = CASE WHEN e.failed THEN now() END,
        error_code = CASE WHEN e.failed THEN 'lost' END,
        ask = CASE WHEN NOT e.failed THEN i.ask END,
        error_message = CASE WHEN e.failed
            THEN 'The analysis was interrupted again and again. Try it once more.' END
    FROM expired e
    WHERE i.id = e.id
    RETURNING i.id, i.user_id, e.failed;
END
$$;
