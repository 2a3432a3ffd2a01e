-- Budgets: what calls are likely to cost, and what is set aside for them.

-- What calls of a model took lately, in all: of this person if there are any, else of others.
CREATE OR REPLACE FUNCTION imgapp_recent_calls(
    p_user_id uuid, p_model text,
    OUT basis text, OUT answers bigint, OUT failures bigint, OUT input_tokens bigint,
    OUT output_tokens bigint, OUT cost numeric
)
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_since date := public.imgapp_month() - interval '1 month';
BEGIN
    SELECT 'own', sum(m.answers), sum(m.failures), sum(m.input_tokens), sum(m.output_tokens),
        sum(m.cost)
    INTO basis, answers, failures, input_tokens, output_tokens, cost
    FROM public.usage_months m
    WHERE m.user_id = p_user_id AND m.month >= v_since AND m.model = p_model;
    IF answers + failures > 0 THEN
        RETURN;
    END IF;
    SELECT 'everybody', sum(o.answers), sum(o.failures), sum(o.input_tokens),
        sum(o.output_tokens), sum(o.cost)
    INTO basis, answers, failures, input_tokens, output_tokens, cost
    FROM (
        SELECT m.* FROM public.usage_months m
        WHERE m.month IN (public.imgapp_month(), v_since) AND m.model = p_model
        LIMIT 100
    ) o;
END
$$;

-- What a call is likely to cost: null if there is a price but no call is known yet. `free` is a
-- price of nothing; a model without a price is taken to cost nothing, too.
CREATE OR REPLACE FUNCTION imgapp_call_cost(p_user_id uuid, p_model text, OUT free boolean, OUT cost numeric)
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_price jsonb;
    v_input numeric;
    v_output numeric;
    v_calls record;
BEGIN
    SELECT i.prices -> p_model INTO v_price FROM public.installation i;
    v_input := v_price ->> 'input';
    v_output := v_price ->> 'output';
    free := coalesce(v_input + v_output = 0, false);
    cost := 0;
    IF free THEN
        RETURN;
    END IF;
    v_calls := public.imgapp_recent_calls(p_user_id, p_model);
    IF v_price IS NULL THEN
        -- Its price may stand under the name that the server answers with.
        cost := coalesce(v_calls.cost / NULLIF(v_calls.answers + v_calls.failures, 0), 0);
    ELSE
        cost := (v_calls.input_tokens * v_input + v_calls.output_tokens * v_output) / 1000000
            / NULLIF(v_calls.answers + v_calls.failures, 0);
    END IF;
END
$$;

-- What is left of a person's budget this month, or of everybody's (null); null if there is none.
CREATE OR REPLACE FUNCTION imgapp_left(p_user_id uuid, p_budget numeric, p_reserving boolean) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_left numeric := p_budget;
BEGIN
    IF p_budget IS NULL THEN
        RETURN NULL;
    ELSIF p_user_id IS NULL THEN
        v_left := v_left - (
            SELECT coalesce(sum(m.cost), 0) FROM public.usage_months m
            WHERE m.month = public.imgapp_month()
        ) - (
            SELECT coalesce(sum(r.cost), 0) FROM public.usage_removed r
            WHERE r.month = public.imgapp_month()
        );
    ELSE
        v_left := v_left - (
            SELECT coalesce(sum(m.cost), 0) FROM public.usage_months m
            WHERE m.user_id = p_user_id AND m.month = public.imgapp_month()
        );
    END IF;
    IF p_reserving THEN
        v_left := v_left - (
            SELECT coalesce(sum(c.reserved), 0) FROM public.model_calls c
            WHERE c.expires_at > clock_timestamp()
                AND (p_user_id IS NULL OR c.user_id = p_user_id)
        );
    END IF;
    RETURN v_left;
END
$$;

-- What to set aside for a call where so much is left (null: no budget); null if it is too little.
-- Of a model that nobody knows yet, the first call tells, alone.
CREATE OR REPLACE FUNCTION imgapp_set_aside(p_user_id uuid, p_model text, p_left numeric) RETURNS numeric
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_call record;
BEGIN
    IF p_left IS NULL THEN
        RETURN 0;
    END IF;
    v_call := public.imgapp_call_cost(p_user_id, p_model);
    RETURN CASE
        WHEN v_call.free THEN 0
        WHEN round(p_left, 9) <= 0 OR round(v_call.cost, 9) > round(p_left, 9) THEN NULL
        ELSE coalesce(v_call.cost, p_left)
    END;
END
$$;

-- Sets aside what a call costs that no picture of the queue makes. Answers false if the budget of
-- the person of this transaction, or everybody's, has no room for it.
CREATE OR REPLACE FUNCTION imgapp_reserve(p_call uuid, p_model text, p_seconds integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_person record;
    v_reserved numeric;
BEGIN
    SELECT u.id, coalesce(u.budget, i.person_budget) AS budget, i.budget AS everybodys
    INTO STRICT v_person
    FROM public.users u CROSS JOIN public.installation i
    WHERE u.id = :user_id;
    IF coalesce(v_person.budget, v_person.everybodys) IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('imgapp_budget'));
    END IF;
    v_reserved := public.imgapp_set_aside(v_person.id, p_model, least(
        public.imgapp_left(v_person.id, v_person.budget, true),
        public.imgapp_left(NULL, v_person.everybodys, true)
    ));
    IF v_reserved IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO public.model_calls (id, user_id, model, reserved, expires_at)
    VALUES (
        p_call, v_person.id, p_model, v_reserved,
        clock_timestamp() + make_interval(secs => p_seconds)
    );
    RETURN true;
END
$$;

-- How the person of this transaction stands this month, and whether everybody's budget is used up.
CREATE OR REPLACE FUNCTION imgapp_allowance(
    p_model text,
    OUT budget numeric, OUT spent numeric, OUT reserved numeric,
    OUT basis text, OUT answers bigint, OUT failures bigint, OUT input_tokens bigint,
    OUT output_tokens bigint, OUT cost numeric, OUT everybody_left numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_id uuid := :user_id;
    v_calls record;
BEGIN
    SELECT coalesce(u.budget, i.person_budget), public.imgapp_left(NULL, i.budget, false)
    INTO budget, everybody_left
    FROM public.users u CROSS JOIN public.installation i WHERE u.id = v_id;
    spent := -public.imgapp_left(v_id, 0, false);
    reserved := -public.imgapp_left(v_id, 0, true) - spent;
    v_calls := public.imgapp_recent_calls(v_id, p_model);
    basis := v_calls.basis;
    answers := v_calls.answers;
    failures := v_calls.failures;
    input_tokens := v_calls.input_tokens;
    output_tokens := v_calls.output_tokens;
    cost := v_calls.cost;
END
$$;

-- null is the installation's. Answers false if there is no such person.
CREATE OR REPLACE FUNCTION imgapp_set_budget(p_id uuid, p_budget numeric) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    UPDATE public.users u SET budget = p_budget, over_budget = false
    WHERE u.id = p_id AND u.deleting_at IS NULL;
    RETURN FOUND;
END
$$;

-- Who is over their budget is another matter now: a claim finds out, and the sweep notes it again.
CREATE OR REPLACE FUNCTION imgapp_forget_over_budget() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.users u SET over_budget = false WHERE u.over_budget;
    RETURN NULL;
END
$$;
