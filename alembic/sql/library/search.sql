-- Search in any language. A text is folded: as its readers would type it in a hurry, without accents
-- and punctuation. Its words are kept as they are (`simple`: nothing is left out), and besides
-- * their stems in the language of the picture, as '=de:haus': what begins with "=" is in no text,
--   so a stem of one language is never taken for a word, or for a stem, of another;
-- * of what is written without spaces, as Chinese, Japanese and Thai are, every two neighbouring
--   characters (a run's last one alone), for any part of a run to be found.

-- Accents are those of Latin, Greek and Cyrillic, and the vowel points of Hebrew and Arabic. й is a
-- letter of its own, not an и with an accent: stems of Russian need it. Composed again, or Korean
-- syllables were letters, and Japanese voice marks lost. A sigma at the end of a word is a sigma.
CREATE OR REPLACE FUNCTION imgapp_search_fold(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT regexp_replace(normalize(regexp_replace(
        replace(replace(replace(replace(replace(replace(replace(replace(translate(
            normalize(coalesce(p_text, ''), NFKD), 'øØłŁđĐıðÐħĦŧŦŋŊςـ', 'oOlLdDidDhHtTnNσ'
        ), 'ß', 'ss'), 'ẞ', 'SS'), 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'), 'Œ', 'OE'), 'þ', 'th'), 'Þ', 'TH'),
        '(?<![Ии])[\u0300-\u036F]+|[\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7'
        '\u0610-\u061A\u064B-\u065F\u0670\u06D6-\u06DC]+', '', 'g'
    ), NFKC), '[\u0001-\u0021#-,./:-@\[-`{-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF'
        '\u2000-\u206F\u3000-\u3004\u3008-\u3030\u30FB\uFF00-\uFF0F]+', ' ', 'g')
$$;

-- What is written without spaces between words, or with some only, for a bracket expression:
-- Chinese, Japanese and Korean; Thai, Lao, Burmese and Khmer with their vowel signs, and Tibetan.
CREATE OR REPLACE FUNCTION imgapp_search_unspaced() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT '\u1100-\u11FF\u3005-\u3007\u3031-\u3035\u3041-\u3096\u309D-\u309F\u30A1-\u30FA'
        '\u30FC-\u312F\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF'
        '\U00020000-\U0003FFFF'
        '\u0E01-\u0E3A\u0E40-\u0E4E\u0E81-\u0EBD\u0EC0-\u0ECE\u0EDC-\u0EDF\u0F40-\u0FBC'
        '\u1000-\u103F\u1050-\u109F\uA9E0-\uA9FE\uAA60-\uAA7F\u1780-\u17D3\u17DC-\u17DD'
$$;

-- The language of a BCP 47 tag, as stems are marked with it; English if none is said.
CREATE OR REPLACE FUNCTION imgapp_search_language(p_language text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT CASE WHEN l.code IN ('nb', 'nn') THEN 'no' ELSE l.code END
    FROM (SELECT lower(split_part(
        replace(coalesce(nullif(p_language, ''), 'en'), '_', '-'), '-', 1
    )) AS code) l
$$;

-- Null where PostgreSQL has no stemmer.
CREATE OR REPLACE FUNCTION imgapp_search_stemmer(p_code text) RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT CASE p_code
        WHEN 'en' THEN 'pg_catalog.english'::regconfig
        WHEN 'de' THEN 'pg_catalog.german'::regconfig
        WHEN 'fr' THEN 'pg_catalog.french'::regconfig
        WHEN 'es' THEN 'pg_catalog.spanish'::regconfig
        WHEN 'it' THEN 'pg_catalog.italian'::regconfig
        WHEN 'pt' THEN 'pg_catalog.portuguese'::regconfig
        WHEN 'nl' THEN 'pg_catalog.dutch'::regconfig
        WHEN 'sv' THEN 'pg_catalog.swedish'::regconfig
        WHEN 'da' THEN 'pg_catalog.danish'::regconfig
        WHEN 'no' THEN 'pg_catalog.norwegian'::regconfig
        WHEN 'fi' THEN 'pg_catalog.finnish'::regconfig
        WHEN 'hu' THEN 'pg_catalog.hungarian'::regconfig
        WHEN 'ro' THEN 'pg_catalog.romanian'::regconfig
        WHEN 'ru' THEN 'pg_catalog.russian'::regconfig
        WHEN 'tr' THEN 'pg_catalog.turkish'::regconfig
        WHEN 'el' THEN 'pg_catalog.greek'::regconfig
        WHEN 'ca' THEN 'pg_catalog.catalan'::regconfig
        WHEN 'eu' THEN 'pg_catalog.basque'::regconfig
        WHEN 'ga' THEN 'pg_catalog.irish'::regconfig
        WHEN 'id' THEN 'pg_catalog.indonesian'::regconfig
        WHEN 'lt' THEN 'pg_catalog.lithuanian'::regconfig
        WHEN 'sr' THEN 'pg_catalog.serbian'::regconfig
        WHEN 'ar' THEN 'pg_catalog.arabic'::regconfig
        WHEN 'hi' THEN 'pg_catalog.hindi'::regconfig
    END
$$;

-- One text as the text of a tsvector. Stems stand where their words do; a word too long to be one
-- (tsvector takes 2046 bytes) has none.
CREATE OR REPLACE FUNCTION imgapp_search_field(p_text text, p_code text, p_weight text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    v_unspaced text := '[' || public.imgapp_search_unspaced() || ']';
    v_folded text := replace(replace(public.imgapp_search_fold(p_text), '"', ' '), '-', ' ');
    v_words text := regexp_replace(v_folded, v_unspaced || '+', ' ', 'g');
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
    IF v_folded ~ v_unspaced THEN
        SELECT concat_ws(' ', v_field, string_agg(
            CASE WHEN c.following ~ v_unspaced THEN c.one || c.following ELSE c.one END
            || ':' || least(c.at, 16383) || p_weight, ' '
        )) INTO v_field
        FROM (
            SELECT one, at, lead(one, 1, '') OVER (ORDER BY at) AS following
            FROM unnest(string_to_array(v_folded, NULL)) WITH ORDINALITY AS s (one, at)
        ) c WHERE c.one ~ v_unspaced;
    END IF;
    RETURN coalesce(v_field, '');
END
$$;

-- The name of a file in pieces, too: "BeachHouse2024.jpg" is beach, house and 2024.
CREATE OR REPLACE FUNCTION imgapp_search_document(
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

-- One word of what is looked for: whatever begins with it ("dog" finds "dogs", and a search starts
-- while typing), its stems, and the pairs of characters of what is written without spaces.
CREATE OR REPLACE FUNCTION imgapp_search_word(p_word text, p_stems boolean) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = ''
AS $$
DECLARE
    v_unspaced text := '[' || public.imgapp_search_unspaced() || ']';
    v_part text;
    v_parts text[] := '{}';
    v_either text[];
BEGIN
    FOR v_part IN
        SELECT m[1] FROM regexp_matches(p_word, format('%s+|[^%s', v_unspaced, substr(v_unspaced, 2)) || '+', 'g') m
    LOOP
        IF v_part !~ v_unspaced OR length(v_part) = 1 THEN
            v_either := ARRAY[format('''%s'':*', v_part)];
        ELSE
            v_either := ARRAY[(
                SELECT string_agg(format('''%s''', substr(v_part, n, 2)), ' <-> ' ORDER BY n)
                FROM generate_series(1, length(v_part) - 1) n
            )];
        END IF;
        IF p_stems AND v_part !~ v_unspaced AND v_part !~ '[0-9]' AND length(v_part) BETWEEN 2 AND 60 THEN
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
-- PostgreSQL, and each word is written anew. Within a phrase that is written without spaces only the
-- characters of each run need to be next to each other. Stems are of the first few words.
CREATE OR REPLACE FUNCTION imgapp_search_query(p_query text) RETURNS tsquery
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
    IF v_read ~ ('[' || public.imgapp_search_unspaced() || ']') THEN
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
