-- Concurrency: learns how many calls at once a model server of one's own takes.
--
-- It starts with one and is doubled while answers come faster together: by a seventh at least, or it
-- goes back, and more are tried again after a while, later each time. A time-out halves it.

-- How many more calls a model takes now, of `p_slots`; of those that were learned if that is 0; null if
-- it does not matter.
CREATE OR REPLACE FUNCTION imgapp_free_slots(p_server text, p_model text, p_slots integer)
RETURNS integer
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN p_slots IS NOT NULL THEN greatest(0, coalesce(NULLIF(p_slots, 0), (
        SELECT l.slots FROM public.learned_concurrency l
        WHERE l.server = p_server AND l.model = p_model
    ), 1) - (
        SELECT count(*)::integer FROM public.model_calls c
        WHERE c.model = p_model AND c.expires_at > clock_timestamp()
    )) END
$$;

-- An answer came after `p_seconds`, of at most `p_limit`; its call is not settled yet.
CREATE OR REPLACE FUNCTION imgapp_learn_from_answer(
    p_server text, p_model text, p_seconds double precision, p_limit double precision
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_now timestamptz := clock_timestamp();
    v public.learned_concurrency;
    v_rate double precision;
    v_rises boolean;
BEGIN
    INSERT INTO public.learned_concurrency (server, model, since, updated_at)
    VALUES (p_server, p_model, v_now - make_interval(secs => p_seconds), v_now)
    ON CONFLICT DO NOTHING;
    SELECT * INTO v FROM public.learned_concurrency l
    WHERE l.server = p_server AND l.model = p_model FOR NO KEY UPDATE;
    v.seconds := coalesce(0.8 * v.seconds + 0.2 * p_seconds, p_seconds);
    -- Of calls that began when it was otherwise nothing is learned.
    IF v.since <= v_now - make_interval(secs => p_seconds) THEN
        v.answers := v.answers + 1;
        v.spent := v.spent + p_seconds;
        v.in_flight := v.in_flight + (
            SELECT count(*) FROM public.model_calls c
            WHERE c.model = p_model AND c.expires_at > v_now
        );
    END IF;
    IF v.answers >= greatest(2, v.slots) THEN
        -- Little's law: what is under way, by how long it takes, is how much comes.
        v_rate := v.in_flight / greatest(v.spent, 0.001);
        -- Nor where there was not enough to do.
        IF v.in_flight >= 0.75 * v.slots * v.answers THEN
            IF v.rising AND v_rate < 1.15 * v.rate THEN
                v.slots := v.slots / 2;
                v.rising := false;
                v.holds := least(v.holds + 1, 8);
                v.held_until := v_now + interval '5 minutes' * 2 ^ v.holds;
            ELSE
                v.rate := v_rate;
                -- Twice as many may take twice as long, and must be done in time all the same.
                v_rises := v.slots <= 128 AND 2.5 * v.spent / v.answers < p_limit
                    AND (v.held_until IS NULL OR v.held_until < v_now);
                IF v.rising AND v_rises THEN
                    v.holds := 0;
                END IF;
                v.rising := v_rises;
                v.slots := CASE WHEN v_rises THEN v.slots * 2 ELSE v.slots END;
            END IF;
            v.since := v_now;
        END IF;
        v.answers := 0;
        v.in_flight := 0;
        v.spent := 0;
    END IF;
    UPDATE public.learned_concurrency l
    SET slots = v.slots, rising = v.rising, since = v.since, answers = v.answers,
        in_flight = v.in_flight, spent = v.spent, rate = v.rate, held_until = v.held_until,
        holds = v.holds, seconds = v.seconds, updated_at = v_now
    WHERE l.server = p_server AND l.model = p_model;
END
$$;

-- An answer did not come in time.
CREATE OR REPLACE FUNCTION imgapp_learn_from_timeout(p_server text, p_model text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
    INSERT INTO public.learned_concurrency AS l (server, model, holds, held_until)
    VALUES (p_server, p_model, 1, clock_timestamp() + interval '10 minutes')
    ON CONFLICT (server, model) DO UPDATE
    SET slots = greatest(1, l.slots / 2), rising = false, since = clock_timestamp(), answers = 0,
        in_flight = 0, spent = 0, rate = NULL, holds = least(l.holds + 1, 8),
        held_until = clock_timestamp() + interval '5 minutes' * 2 ^ least(l.holds + 1, 8),
        updated_at = clock_timestamp()
$$;
