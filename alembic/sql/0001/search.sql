-- These look across people only so that the indexes of text and tags can be used (their operators
-- are not leakproof); the person is taken from the setting, as in the policies.

CREATE FUNCTION imgapp_search_query(p_query text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
-- Every word also finds what begins with it: "dog" finds "dogs", and a search starts while typing.
AS $$
    SELECT regexp_replace(
        websearch_to_tsquery('simple', nullif(btrim(p_query), ''))::text, '(''([^'']|'''')+'')', '\1:*', 'g'
    )::tsquery
$$;

CREATE FUNCTION imgapp_search_images(
    p_query text, p_tag text, p_status text, p_before timestamptz, p_before_id uuid, p_limit integer
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_user uuid := NULLIF(current_setting('app.user_id', true), '');
    v_query tsquery := public.imgapp_search_query(p_query);
BEGIN
    RETURN QUERY
    SELECT i.id FROM public.images i
    WHERE i.user_id = v_user AND i.deleted_at IS NULL
        AND (v_query IS NULL OR i.search @@ v_query)
        AND (p_tag IS NULL OR i.tags @> ARRAY[p_tag])
        AND (p_status IS NULL OR i.analysis_status = p_status)
        AND (p_before IS NULL OR (i.uploaded_at, i.id) < (p_before, p_before_id))
    ORDER BY i.uploaded_at DESC, i.id DESC
    LIMIT p_limit;
END
$$;

CREATE FUNCTION imgapp_search_count(p_query text, p_tag text, p_status text) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_user uuid := NULLIF(current_setting('app.user_id', true), '');
    v_query tsquery := public.imgapp_search_query(p_query);
    v_count bigint;
BEGIN
    SELECT count(*) INTO v_count FROM public.images i
    WHERE i.user_id = v_user AND i.deleted_at IS NULL
        AND (v_query IS NULL OR i.search @@ v_query)
        AND (p_tag IS NULL OR i.tags @> ARRAY[p_tag])
        AND (p_status IS NULL OR i.analysis_status = p_status);
    RETURN v_count;
END
$$;
