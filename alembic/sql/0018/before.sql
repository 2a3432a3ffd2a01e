-- The best match first among all pictures, however many match.
CREATE OR REPLACE FUNCTION imgapp_find(
    p_wanted jsonb, p_place jsonb, p_offset integer, p_limit integer, p_reverse boolean
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 100
AS $$
DECLARE
    v_where text := public.imgapp_wanted_condition(p_wanted);
    v_ranked boolean := p_wanted ? 'q' AND p_wanted ->> 'sort' = 'relevance';
    v_key text;
    v_descending boolean;
    v_direction text;
    v_after text := '';
    v_rank text := '';
    v_common boolean;
    v_few uuid[];
BEGIN
    SELECT o.key, o.descending INTO v_key, v_descending FROM public.imgapp_wanted_order(p_wanted) o;
    v_descending := v_descending <> p_reverse;
    v_direction := CASE WHEN v_descending THEN 'DESC' ELSE 'ASC' END;
    IF p_place IS NOT NULL THEN
        v_after := format(
            ' AND (%s, i.id) %s (%L, %L::uuid)', v_key,
            CASE WHEN v_descending THEN '<' ELSE '>' END, p_place ->> 'key', p_place ->> 'id'
        );
    END IF;
    IF v_ranked THEN
        v_rank := format(
            'pg_catalog.ts_rank(i.search, %L::tsquery) %s, ',
            public.imgapp_search_query(p_wanted ->> 'q'), v_direction
        );
    END IF;
    IF p_wanted ? 'q' THEN
        EXECUTE format(
            'SELECT count(*) FILTER (WHERE s.found) >= 15 FROM ('
            'SELECT %s AS found FROM public.images i WHERE i.user_id = %L AND i.deleted_at IS NULL'
            '%s ORDER BY %s %s, i.id %s LIMIT 1000) s',
            v_where, NULLIF(current_setting('app.user_id', true), ''), v_after, v_key, v_direction,
            v_direction
        ) INTO v_common;
        IF NOT v_common THEN
            v_few := public.imgapp_search_few(v_where);
            IF cardinality(v_few) < 1000 THEN
                v_where := format('i.id = ANY(%L::uuid[])', v_few);
            END IF;
        END IF;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT i.id FROM public.images i WHERE %s%s ORDER BY %s%s %s, i.id %s OFFSET %s LIMIT %s',
        v_where, v_after, v_rank, v_key, v_direction, v_direction, p_offset,
        coalesce(p_limit::text, 'ALL')
    );
END
$$;

CREATE OR REPLACE FUNCTION imgapp_timeline(
    p_wanted jsonb, p_zone text, OUT days date[], OUT counts integer[], OUT shapes bytea
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET work_mem = '32MB'
AS $$
DECLARE
    v_key text;
    v_descending boolean;
    v_order text;
    v_zone text := p_zone;
BEGIN
    BEGIN
        PERFORM now() AT TIME ZONE v_zone;
    EXCEPTION WHEN invalid_parameter_value THEN
        v_zone := 'UTC';
    END;
    SELECT o.key, o.descending INTO v_key, v_descending FROM public.imgapp_wanted_order(p_wanted) o;
    v_order := format(
        '%s %s, i.id %s', v_key, CASE WHEN v_descending THEN 'DESC' ELSE 'ASC' END,
        CASE WHEN v_descending THEN 'DESC' ELSE 'ASC' END
    );
    IF p_wanted ->> 'sort' = 'relevance' AND p_wanted ? 'q' THEN
        v_order := format(
            'pg_catalog.ts_rank(i.search, %L::tsquery) DESC, ',
            public.imgapp_search_query(p_wanted ->> 'q')
        ) || v_order;
    END IF;
    EXECUTE format(
        'SELECT coalesce(string_agg(s.shape, %L::bytea), %L::bytea) FROM ('
        'SELECT i.shape FROM public.images i WHERE %s ORDER BY %s) s',
        '', '', public.imgapp_wanted_condition(p_wanted), v_order
    ) INTO shapes;
    IF v_key = 'i.uploaded_at' AND coalesce(p_wanted ->> 'sort', '') <> 'relevance' THEN
        EXECUTE format(
            'SELECT array_agg(d.day ORDER BY d.day %1$s), array_agg(d.n ORDER BY d.day %1$s) FROM ('
            'SELECT (i.uploaded_at AT TIME ZONE %2$L)::date AS day, count(*)::integer AS n'
            ' FROM public.images i WHERE %3$s GROUP BY 1) d',
            CASE WHEN v_descending THEN 'DESC' ELSE 'ASC' END, v_zone,
            public.imgapp_wanted_condition(p_wanted)
        ) INTO days, counts;
    END IF;
END
$$;
