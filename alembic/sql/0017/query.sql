-- One word of what is looked for: whatever begins with it ("dog" finds "dogs", and a search starts
-- while typing), its stems, and the pairs of characters of which Chinese, Japanese and Korean are.
CREATE FUNCTION imgapp_search_word(p_word text, p_stems boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    v_cjk text := '[' || public.imgapp_search_cjk() || ']';
    v_part text;
    v_parts text[] := '{}';
    v_either text[];
BEGIN
    FOR v_part IN
        SELECT m[1] FROM regexp_matches(p_word, format('%s+|[^%s', v_cjk, substr(v_cjk, 2)) || '+', 'g') m
    LOOP
        IF v_part !~ v_cjk OR length(v_part) = 1 THEN
            v_either := ARRAY[format('''%s'':*', v_part)];
        ELSE
            v_either := ARRAY[(
                SELECT string_agg(format('''%s''', substr(v_part, n, 2)), ' <-> ' ORDER BY n)
                FROM generate_series(1, length(v_part) - 1) n
            )];
        END IF;
        IF p_stems AND v_part !~ v_cjk AND v_part !~ '[0-9]' AND length(v_part) BETWEEN 2 AND 60 THEN
            v_either := v_either || ARRAY(
                SELECT format('''=%s:%s''', c.code, s.stem)
                FROM unnest(string_to_array(
                    'en de fr es it pt nl sv da no fi hu ro ru tr el ca eu ga id lt sr ar hi', ' '
                )) c (code)
                CROSS JOIN unnest(tsvector_to_array(
                    to_tsvector(public.imgapp_search_stemmer(c.code), v_part)
                )) s (stem)
            );
        END IF;
        v_parts := v_parts || format('(%s)', array_to_string(v_either, ' | '));
    END LOOP;
    RETURN format('(%s)', array_to_string(v_parts, ' & '));
END
$$;

-- The query of a search; null of nothing but blanks. Words of -not, "phrases" and `or` are read by
-- PostgreSQL, and each word is written anew. Within a phrase with Chinese, Japanese or Korean only
-- the characters of each run need to be next to each other. Stems are of the first few words.
CREATE FUNCTION imgapp_search_query(p_query text) RETURNS tsquery
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    v_folded text := regexp_replace(public.imgapp_search_fold(
        translate(p_query, '“”„‟«»＂', '"""""""')
    ), '(?<=[^\s"])-', ' ', 'g');
    v_read text := websearch_to_tsquery('pg_catalog.simple', v_folded)::text;
    v_query text := '';
    v_piece text[];
    v_words integer := 0;
BEGIN
    IF btrim(coalesce(p_query, '')) = '' THEN
        RETURN NULL;
    END IF;
    IF v_read ~ ('[' || public.imgapp_search_cjk() || ']') THEN
        v_read := regexp_replace(v_read, '<(-|[0-9]+)>', '&', 'g');
    END IF;
    FOR v_piece IN SELECT regexp_matches(v_read, '''([^'']+)''|([^'']+)', 'g') LOOP
        IF v_piece[1] IS NULL THEN
            v_query := v_query || v_piece[2];
        ELSE
            v_words := v_words + 1;
            v_query := v_query || public.imgapp_search_word(v_piece[1], v_words <= 6);
        END IF;
    END LOOP;
    RETURN v_query::tsquery;
END
$$;
