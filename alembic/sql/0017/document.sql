-- One text as the text of a tsvector. Stems stand where their words do; a word too long to be one
-- (tsvector takes 2046 bytes) has none.
CREATE FUNCTION imgapp_search_field(p_text text, p_code text, p_weight text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    v_cjk text := '[' || public.imgapp_search_cjk() || ']';
    v_folded text := replace(replace(public.imgapp_search_fold(p_text), '"', ' '), '-', ' ');
    v_words text := regexp_replace(v_folded, v_cjk || '+', ' ', 'g');
    v_field text;
BEGIN
    IF btrim(v_folded) = '' THEN
        RETURN '';
    END IF;
    SELECT string_agg(
        '''' || w.lexeme || ''':'
            || array_to_string(w.positions, p_weight || ',') || p_weight, ' '
    ) INTO v_field
    FROM (
        SELECT lexeme, positions FROM unnest(to_tsvector('pg_catalog.simple', v_words))
        UNION ALL
        SELECT '=' || p_code || ':' || lexeme, positions
        FROM unnest(to_tsvector(public.imgapp_search_stemmer(p_code), v_words)) WHERE length(lexeme) <= 60
    ) w;
    IF v_folded ~ v_cjk THEN
        SELECT concat_ws(' ', v_field, string_agg(
            CASE WHEN c.following ~ v_cjk THEN c.one || c.following ELSE c.one END
            || ':' || least(c.at, 16383) || p_weight, ' '
        )) INTO v_field
        FROM (
            SELECT one, at, lead(one, 1, '') OVER (ORDER BY at) AS following
            FROM unnest(string_to_array(v_folded, NULL)) WITH ORDINALITY AS s (one, at)
        ) c WHERE c.one ~ v_cjk;
    END IF;
    RETURN coalesce(v_field, '');
END
$$;

-- The name of a file in pieces, too: "BeachHouse2024.jpg" is beach, house and 2024.
CREATE FUNCTION imgapp_search_document(
    p_alt_text text, p_description text, p_tags text[], p_visible_text text, p_filename text,
    p_language text
) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    v_code text := public.imgapp_search_language(p_language);
BEGIN
    RETURN public.imgapp_search_field(p_alt_text, v_code, 'A')::tsvector
        || public.imgapp_search_field(array_to_string(p_tags, ' '), v_code, 'A')::tsvector
        || public.imgapp_search_field(p_description, v_code, 'B')::tsvector
        || public.imgapp_search_field(p_visible_text, v_code, 'C')::tsvector
        || public.imgapp_search_field(
            p_filename || ' ' || regexp_replace(regexp_replace(
                p_filename, '([a-z])([A-Z])', '\1 \2', 'g'
            ), '([0-9])(?=[^0-9])|([^0-9])(?=[0-9])', '\1\2 ', 'g'), v_code, 'D')::tsvector;
END
$$;

ALTER TABLE images ADD COLUMN search tsvector GENERATED ALWAYS AS (
    imgapp_search_document(alt_text, description, tags, visible_text, filename, language)
) STORED;
CREATE INDEX images_search ON images USING gin (search) WITH (fastupdate = off);
GRANT SELECT (search) ON images TO imgapp_system;
