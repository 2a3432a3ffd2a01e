-- Usage by person, month and model: the billing of calls, and reports.

-- The month that is running, by the clock of UTC.
CREATE OR REPLACE FUNCTION imgapp_month() RETURNS date
LANGUAGE sql STABLE
AS $$ SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date $$;

-- A call is over: what the server reported of it goes into the totals of its person, who is the one
-- of this transaction. A failure that reported nothing cost nothing. Answers whether the call was
-- not settled before.
CREATE OR REPLACE FUNCTION imgapp_spend(
    p_call uuid, p_failed boolean, p_input integer, p_output integer, p_cost numeric
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_call public.model_calls;
BEGIN
    DELETE FROM public.model_calls c
    WHERE c.id = p_call AND c.user_id = :user_id
    RETURNING * INTO v_call;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF NOT p_failed OR p_input IS NOT NULL OR p_output IS NOT NULL THEN
        INSERT INTO public.usage_months AS m (
            user_id, month, model, answers, failures, unpriced, input_tokens, output_tokens, cost
        )
        VALUES (
            v_call.user_id, public.imgapp_month(), v_call.model, (NOT p_failed)::integer,
            p_failed::integer, (p_cost IS NULL)::integer, coalesce(p_input, 0),
            coalesce(p_output, 0), coalesce(p_cost, 0)
        )
        ON CONFLICT (user_id, month, model) DO UPDATE
        SET answers = m.answers + excluded.answers,
            failures = m.failures + excluded.failures,
            unpriced = m.unpriced + excluded.unpriced,
            input_tokens = m.input_tokens + excluded.input_tokens,
            output_tokens = m.output_tokens + excluded.output_tokens,
            cost = m.cost + excluded.cost;
    END IF;
    RETURN true;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_keep_usage() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO public.usage_removed AS r (
        month, model, answers, failures, unpriced, input_tokens, output_tokens, cost
    )
    SELECT g.month, g.model, sum(g.answers), sum(g.failures), sum(g.unpriced),
        sum(g.input_tokens), sum(g.output_tokens), sum(g.cost)
    FROM gone g GROUP BY g.month, g.model ORDER BY g.month, g.model
    ON CONFLICT (month, model) DO UPDATE
    SET answers = r.answers + excluded.answers,
        failures = r.failures + excluded.failures,
        unpriced = r.unpriced + excluded.unpriced,
        input_tokens = r.input_tokens + excluded.input_tokens,
        output_tokens = r.output_tokens + excluded.output_tokens,
        cost = r.cost + excluded.cost;
    RETURN NULL;
END
$$;

-- Everybody's months, those who were removed among them. For administrators.
CREATE OR REPLACE FUNCTION imgapp_spending(p_since date)
RETURNS TABLE (
    month date, model text, answers bigint, failures bigint, unpriced bigint,
    input_tokens bigint, output_tokens bigint, cost numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    RETURN QUERY
    SELECT a.month, a.model, sum(a.answers)::bigint, sum(a.failures)::bigint,
        sum(a.unpriced)::bigint, sum(a.input_tokens)::bigint, sum(a.output_tokens)::bigint,
        sum(a.cost)
    FROM (
        SELECT m.month, m.model, m.answers, m.failures, m.unpriced, m.input_tokens,
            m.output_tokens, m.cost
        FROM public.usage_months m WHERE m.month >= p_since
        UNION ALL
        SELECT r.month, r.model, r.answers, r.failures, r.unpriced, r.input_tokens,
            r.output_tokens, r.cost
        FROM public.usage_removed r WHERE r.month >= p_since
    ) a
    GROUP BY a.month, a.model ORDER BY a.month DESC, a.model;
END
$$;

-- Everybody with what they spent in a month, the most first. For administrators.
CREATE OR REPLACE FUNCTION imgapp_spending_people(
    p_month date, p_id uuid, p_query text, p_cost numeric, p_after uuid, p_limit integer
)
RETURNS TABLE (
    id uuid, email text, own_budget numeric, answers bigint, failures bigint, unpriced bigint,
    input_tokens bigint, output_tokens bigint, cost numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    RETURN QUERY
    SELECT u.id, u.email, u.budget, t.answers, t.failures, t.unpriced, t.input_tokens,
        t.output_tokens, t.cost
    FROM public.users u
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(m.answers), 0)::bigint AS answers,
            coalesce(sum(m.failures), 0)::bigint AS failures,
            coalesce(sum(m.unpriced), 0)::bigint AS unpriced,
            coalesce(sum(m.input_tokens), 0)::bigint AS input_tokens,
            coalesce(sum(m.output_tokens), 0)::bigint AS output_tokens,
            coalesce(sum(m.cost), 0) AS cost
        FROM public.usage_months m WHERE m.user_id = u.id AND m.month = p_month
    ) t
    WHERE (p_id IS NULL OR u.id = p_id)
        AND (p_query IS NULL OR position(lower(p_query) IN lower(u.email)) > 0)
        AND (p_after IS NULL OR (t.cost, u.id) < (p_cost, p_after))
    ORDER BY t.cost DESC, u.id DESC LIMIT p_limit;
END
$$;

-- Everybody's months, model by model: a table to take along. For administrators.
CREATE OR REPLACE FUNCTION imgapp_spending_rows(p_since date, p_limit integer)
RETURNS TABLE (
    month date, email text, model text, answers integer, failures integer, unpriced integer,
    input_tokens bigint, output_tokens bigint, cost numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    RETURN QUERY
    SELECT m.month, u.email, m.model, m.answers, m.failures, m.unpriced, m.input_tokens,
        m.output_tokens, m.cost
    FROM public.usage_months m JOIN public.users u ON u.id = m.user_id
    WHERE m.month >= p_since
    UNION ALL
    SELECT r.month, NULL, r.model, r.answers, r.failures, r.unpriced, r.input_tokens,
        r.output_tokens, r.cost
    FROM public.usage_removed r WHERE r.month >= p_since
    ORDER BY 1 DESC, 2, 3 LIMIT p_limit;
END
$$;
