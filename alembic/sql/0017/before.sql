-- Search as it was before: words without stems.
CREATE FUNCTION imgapp_search_query(p_query text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
-- Every word also finds what begins with it: "dog" finds "dogs", and a search starts while typing.
AS $$
    SELECT regexp_replace(
        websearch_to_tsquery('simple', nullif(btrim(p_query), ''))::text, '(''([^'']|'''')+'')', '\1:*', 'g'
    )::tsquery
$$;
