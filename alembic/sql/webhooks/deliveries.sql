-- The queue of webhook deliveries: outbox, claim, sweep and trim.

-- In the transaction that ends an analysis, whoever ends it: what is told and the fact that it is
-- still to be told are there together, or neither is.
CREATE OR REPLACE FUNCTION imgapp_note_deliveries() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO public.webhook_deliveries (
        id, user_id, webhook_id, event, image_id, occurred_at, state, attempts, due_at
    )
    SELECT gen_random_uuid(), w.user_id, w.id, 'analysis.' || NEW.analysis_status, NEW.id,
        clock_timestamp(), 'pending', 0, clock_timestamp()
    FROM public.webhooks w
    WHERE w.user_id = NEW.user_id AND w.disabled_at IS NULL
        AND 'analysis.' || NEW.analysis_status = ANY (w.events)
    -- One that is being deleted is waited for: the analysis must not fail for it.
    FOR KEY SHARE OF w;
    RETURN NULL;
END
$$;

-- In the transaction that approves a text.
CREATE OR REPLACE FUNCTION imgapp_note_approval() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO public.webhook_deliveries (
        id, user_id, webhook_id, event, image_id, language, occurred_at, state, attempts, due_at
    )
    SELECT gen_random_uuid(), w.user_id, w.id, 'text.approved', NEW.image_id, NEW.language,
        clock_timestamp(), 'pending', 0, clock_timestamp()
    FROM public.webhooks w
    WHERE w.user_id = NEW.user_id AND w.disabled_at IS NULL AND 'text.approved' = ANY (w.events)
    FOR KEY SHARE OF w;
    RETURN NULL;
END
$$;

-- Webhooks take turns. A person has `p_per_person` deliveries under way at most, a webhook
-- `p_per_webhook`, and one that fails a single one: whoever hangs is not in the way of others.
CREATE OR REPLACE FUNCTION imgapp_claim_delivery(
    p_lease_id uuid, p_lease_seconds integer, p_per_person integer, p_per_webhook integer
)
RETURNS TABLE (delivery_id uuid, user_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
-- The plan may be made while the queue is empty: it must walk the index all the same.
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
#variable_conflict use_column
DECLARE
    v_now timestamptz := clock_timestamp();
    v_turn record;
    v_id uuid;
BEGIN
    -- One at a time: two who count at once would both find room for one more.
    PERFORM pg_advisory_xact_lock(hashtext('imgapp_claim_delivery'));
    FOR v_turn IN
        -- Steps from webhook to webhook in the index, however many deliveries each of them has.
        WITH RECURSIVE waiting AS (
            (
                SELECT d.webhook_id FROM public.webhook_deliveries d
                WHERE d.state = 'pending' AND d.lease_id IS NULL
                ORDER BY d.webhook_id LIMIT 1
            )
            UNION ALL
            SELECT step.webhook_id
            FROM waiting CROSS JOIN LATERAL (
                SELECT d.webhook_id FROM public.webhook_deliveries d
                WHERE d.state = 'pending' AND d.lease_id IS NULL
                    AND d.webhook_id > waiting.webhook_id
                ORDER BY d.webhook_id LIMIT 1
            ) step
        ), leased AS MATERIALIZED (
            SELECT d.user_id, d.webhook_id FROM public.webhook_deliveries d
            WHERE d.lease_id IS NOT NULL
        )
        SELECT w.id, w.user_id
        FROM waiting
        JOIN public.webhooks w ON w.id = waiting.webhook_id AND w.disabled_at IS NULL
        JOIN public.users u ON u.id = w.user_id
            AND u.disabled_at IS NULL AND u.deleting_at IS NULL
        CROSS JOIN LATERAL (
            SELECT d.due_at FROM public.webhook_deliveries d
            WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.lease_id IS NULL
            ORDER BY d.due_at LIMIT 1
        ) oldest
        WHERE oldest.due_at <= v_now
            AND (SELECT count(*) FROM leased l WHERE l.user_id = w.user_id) < p_per_person
            AND (SELECT count(*) FROM leased l WHERE l.webhook_id = w.id)
                < CASE WHEN w.failing_since IS NULL THEN p_per_webhook ELSE 1 END
        ORDER BY w.last_claimed_at NULLS FIRST, oldest.due_at, w.id
    LOOP
        UPDATE public.webhook_deliveries
        SET lease_id = p_lease_id, attempts = attempts + 1, attempted_at = v_now,
            lease_expires_at = v_now + make_interval(secs => p_lease_seconds)
        WHERE id = (
            SELECT d.id FROM public.webhook_deliveries d
            WHERE d.webhook_id = v_turn.id AND d.state = 'pending' AND d.lease_id IS NULL
                AND d.due_at <= v_now
            ORDER BY d.due_at, d.id LIMIT 1
            FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING id INTO v_id;
        IF v_id IS NULL THEN
            CONTINUE;
        END IF;
        -- Not worth waiting for whoever changes the webhook at this moment.
        UPDATE public.webhooks SET last_claimed_at = v_now
        WHERE id = (
            SELECT w.id FROM public.webhooks w WHERE w.id = v_turn.id
            FOR NO KEY UPDATE SKIP LOCKED
        );
        RETURN QUERY SELECT v_id, v_turn.user_id;
        RETURN;
    END LOOP;
END
$$;

-- What killed workers held is sent again: nobody knows whether it arrived.
CREATE OR REPLACE FUNCTION imgapp_sweep_deliveries(p_max_attempts integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_count integer;
BEGIN
    WITH expired AS (
        SELECT d.id, d.attempts >= p_max_attempts AS spent FROM public.webhook_deliveries d
        WHERE d.lease_id IS NOT NULL AND d.lease_expires_at < clock_timestamp()
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE public.webhook_deliveries d
    SET lease_id = NULL, lease_expires_at = NULL, due_at = now(),
        state = CASE WHEN e.spent THEN 'failed' ELSE d.state END,
        finished_at = CASE WHEN e.spent THEN now() END,
        error_code = 'interrupted',
        error_message = 'imgapp was interrupted while it waited for the answer.'
    FROM expired e
    WHERE d.id = e.id;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_due_deliveries() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT count(*)::integer FROM (
        SELECT FROM public.webhook_deliveries d
        WHERE d.state = 'pending' AND d.lease_id IS NULL AND d.due_at <= now()
        LIMIT 1000
    ) due
$$;

-- Of each webhook the newest `p_keep` that are over stay, for as long as `p_older_than`.
CREATE OR REPLACE FUNCTION imgapp_trim_deliveries(p_older_than interval, p_keep integer, p_limit integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_count integer;
BEGIN
    DELETE FROM public.webhook_deliveries WHERE id IN (
        SELECT old.id FROM (
            SELECT d.id, d.finished_at, row_number() OVER (
                PARTITION BY d.webhook_id ORDER BY d.occurred_at DESC, d.id DESC
            ) AS place
            FROM public.webhook_deliveries d WHERE d.state <> 'pending'
        ) old
        WHERE old.place > p_keep OR old.finished_at < now() - p_older_than
        LIMIT p_limit
    );
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;
