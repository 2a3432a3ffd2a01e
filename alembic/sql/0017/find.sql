-- Of a word the planner knows little, and what begins with it it only guesses: for a rare one it
-- would read all pictures in the order of the list. So the first thousand are asked of the index of
-- words; if these are all, they are sorted, and if not, the list is soon read from its beginning.
-- Not a definer: called by itself it reaches what its caller does.
CREATE FUNCTION imgapp_search_few(p_where text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = ''
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
AS $$
DECLARE
    v_ids uuid[];
BEGIN
    EXECUTE format(
        'SELECT ARRAY(SELECT i.id FROM public.images i WHERE %s LIMIT 1000)', p_where
    ) INTO v_ids;
    RETURN v_ids;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_find(
    p_wanted jsonb, p_place jsonb, p_offset integer, p_limit integer, p_reverse boolean
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 100
AS $$
DECLARE
    v_key text;
    v_descending boolean;
    v_where text := public.imgapp_wanted_condition(p_wanted);
    v_direction text;
    v_rank text := '';
    v_few uuid[];
BEGIN
    SELECT o.key, o.descending INTO v_key, v_descending FROM public.imgapp_wanted_order(p_wanted) o;
    v_descending := v_descending <> p_reverse;
    v_direction := CASE WHEN v_descending THEN 'DESC' ELSE 'ASC' END;
    IF p_wanted ? 'q' THEN
        v_few := public.imgapp_search_few(v_where);
        IF cardinality(v_few) < 1000 THEN
            v_where := format('i.id = ANY(%L::uuid[])', v_few);
        END IF;
    END IF;
    IF p_place IS NOT NULL THEN
        v_where := v_where || format(
            ' AND (%s, i.id) %s (%L, %L::uuid)', v_key,
            CASE WHEN v_descending THEN '<' ELSE '>' END, p_place ->> 'key', p_place ->> 'id'
        );
    END IF;
    IF p_wanted ->> 'sort' = 'relevance' AND p_wanted ? 'q' THEN
        v_rank := format(
            'pg_catalog.ts_rank(i.search, %L::tsquery) %s, ',
            public.imgapp_search_query(p_wanted ->> 'q'), v_direction
        );
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT i.id FROM public.images i WHERE %s ORDER BY %s%s %s, i.id %s OFFSET %s LIMIT %s',
        v_where, v_rank, v_key, v_direction, v_direction, p_offset, coalesce(p_limit::text, 'ALL')
    );
END
$$;
