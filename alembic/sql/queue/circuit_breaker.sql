-- The circuit breaker of model servers and of the picture store; and whether the queue is down.

-- Which models of servers, and the store, are left alone now, as 'server model'; and which of them may
-- be tried one at a time, or could be if they were not left alone.
CREATE OR REPLACE FUNCTION imgapp_circuits(OUT down text[], OUT probed text[])
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    SELECT coalesce(array_agg(s.server || ' ' || s.model) FILTER (
            WHERE s.open_until > clock_timestamp() OR s.held_until > clock_timestamp()
        ), '{}'),
        coalesce(array_agg(s.server || ' ' || s.model) FILTER (WHERE s.opened_at IS NOT NULL), '{}')
    INTO down, probed
    FROM public.provider_state s WHERE s.server <> 'queue';
END
$$;

-- Whether this claim is the one that tries a server, or the store, that was left alone for a while.
-- The row stays locked until the claim is over: nobody else tries at the same time.
CREATE OR REPLACE FUNCTION imgapp_may_probe(p_server text, p_model text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = ''
AS $$
BEGIN
    PERFORM FROM public.provider_state s
    WHERE s.server = p_server AND s.model = p_model
        AND (s.opened_at IS NULL OR s.open_until <= clock_timestamp())
    FOR NO KEY UPDATE SKIP LOCKED;
    RETURN FOUND;
END
$$;

-- A server of models failed as a whole, or the store did. `p_at_once` is what no other picture would
-- fare better with: a wrong key, a model that is not there. Answers whether it counts against the
-- picture: not once everybody knows.
CREATE OR REPLACE FUNCTION imgapp_provider_failed(
    p_server text, p_model text, p_lease_id uuid, p_code text, p_message text, p_said text,
    p_at_once boolean, p_retry_after double precision, p_jitter double precision
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    -- Ten minutes at most, in case it is meant for a picture, or nonsense.
    v_asked timestamptz := v_now + CASE
        WHEN p_retry_after IS NOT NULL THEN make_interval(secs => least(p_retry_after, 600)) END;
    v_state public.provider_state;
BEGIN
    -- Under another key or address, a server begins anew.
    DELETE FROM public.provider_state s WHERE s.updated_at < v_now - interval '1 day';
    INSERT INTO public.provider_state (server, model) VALUES (p_server, p_model)
    ON CONFLICT DO NOTHING;
    SELECT * INTO v_state FROM public.provider_state s
    WHERE s.server = p_server AND s.model = p_model FOR NO KEY UPDATE;
    UPDATE public.provider_state s
    SET failures = s.failures + 1, code = p_code, message = p_message, said = p_said,
        updated_at = v_now, held_until = greatest(s.held_until, v_asked)
    WHERE s.server = p_server AND s.model = p_model;
    IF v_state.opened_at IS NULL AND (p_at_once OR v_state.failures + 1 >= 5)
        OR v_state.opened_at IS NOT NULL AND v_state.probe_lease = p_lease_id
    THEN
        UPDATE public.provider_state s
        SET opened_at = coalesce(s.opened_at, v_now), openings = s.openings + 1, probe_lease = NULL,
            open_until = v_now + make_interval(
                secs => least(5 * 2 ^ least(s.openings, 10), 60) * (0.8 + 0.2 * p_jitter)
            )
        WHERE s.server = p_server AND s.model = p_model;
    END IF;
    RETURN v_state.opened_at IS NULL AND NOT p_at_once;
END
$$;

-- An answer of any kind came back, from a picture that the store gave. Answers whether that ended
-- an outage.
CREATE OR REPLACE FUNCTION imgapp_provider_answered(p_server text, p_model text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_ended boolean;
BEGIN
    SELECT bool_or(s.opened_at IS NOT NULL) INTO v_ended FROM public.provider_state s
    WHERE (s.server, s.model) IN ((p_server, p_model), ('store', ''))
        AND (s.failures > 0 OR s.opened_at IS NOT NULL);
    IF v_ended IS NOT NULL THEN
        UPDATE public.provider_state s
        SET failures = 0, openings = 0, opened_at = NULL, open_until = NULL, probe_lease = NULL,
            updated_at = clock_timestamp()
        WHERE (s.server, s.model) IN ((p_server, p_model), ('store', ''));
    END IF;
    RETURN coalesce(v_ended, false);
END
$$;

-- Whether the queue can be used: `p_message` says why not, null that it can. It is down from the second
-- time in a row on, and for as long as somebody says so at least once a minute.
CREATE OR REPLACE FUNCTION imgapp_note_queue(p_code text, p_message text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
    DELETE FROM public.provider_state s WHERE s.server = 'queue' AND p_message IS NULL;
    INSERT INTO public.provider_state AS s (server, model, failures, code, message, updated_at)
    SELECT 'queue', '', 1, p_code, p_message, clock_timestamp() WHERE p_message IS NOT NULL
    ON CONFLICT (server, model) DO UPDATE
    SET failures = s.failures + 1, code = p_code, message = p_message,
        opened_at = CASE
            WHEN s.updated_at > clock_timestamp() - interval '1 minute'
            THEN coalesce(s.opened_at, clock_timestamp())
        END,
        updated_at = clock_timestamp()
$$;
