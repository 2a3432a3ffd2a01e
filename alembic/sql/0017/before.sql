-- Search as it was before: words without stems.
CREATE FUNCTION imgapp_search_query(p_query text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
-- Every word also finds what begins with it: "dog" finds "dogs", and a search starts while typing.
AS $$
    SELECT regexp_replace(
        websearch_to_tsquery('simple', nullif(btrim(p_query), ''))::text, '(''([^'']|'''')+'')', '\1:*', 'g'
    )::tsquery
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
BEGIN
    SELECT o.key, o.descending INTO v_key, v_descending FROM public.imgapp_wanted_order(p_wanted) o;
    v_descending := v_descending <> p_reverse;
    v_direction := CASE WHEN v_descending THEN 'DESC' ELSE 'ASC' END;
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
