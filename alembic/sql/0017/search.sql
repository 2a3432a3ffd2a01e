-- Search in any language. A text is folded: as its readers would type it in a hurry, without accents
-- and punctuation. Its words are kept as they are (`simple`: nothing is left out), and besides
-- * their stems in the language of the picture, as '=de:haus': what begins with "=" is in no text,
--   so a stem of one language is never taken for a word, or for a stem, of another;
-- * of Chinese, Japanese and Korean, which are written without spaces, every two neighbouring
--   characters (a run's last one alone), for any part of a run to be found.

-- й is a letter of its own, not an и with an accent: stems of Russian need it. Composed again, or
-- Korean syllables were letters, and Japanese voice marks lost.
CREATE FUNCTION imgapp_search_fold(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT regexp_replace(normalize(regexp_replace(
        replace(replace(replace(replace(translate(
            normalize(coalesce(p_text, ''), NFKD), 'øØłŁđĐı', 'oOlLdDi'
        ), 'ß', 'ss'), 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'),
        '(?<![Ии])[\u0300-\u036F]+', '', 'g'
    ), NFKC), '[\u0001-\u0021#-,./:-@\[-`{-\u00A9\u00AB-\u00B4\u00B6-\u00B9\u00BB-\u00BF'
        '\u2000-\u206F\u3000-\u3004\u3008-\u3030\u30FB\uFF00-\uFF0F]+', ' ', 'g')
$$;

-- What is Chinese, Japanese or Korean, for a bracket expression.
CREATE FUNCTION imgapp_search_cjk() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT '\u1100-\u11FF\u3005-\u3007\u3031-\u3035\u3041-\u3096\u309D-\u309F\u30A1-\u30FA'
        '\u30FC-\u312F\u31F0-\u31FF\u3400-\u4DBF\u4E00-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF'
        '\U00020000-\U0003FFFF'
$$;

-- The language of a BCP 47 tag, as stems are marked with it; English if none is said.
CREATE FUNCTION imgapp_search_language(p_language text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT CASE WHEN l.code IN ('nb', 'nn') THEN 'no' ELSE l.code END
    FROM (SELECT lower(split_part(
        replace(coalesce(nullif(p_language, ''), 'en'), '_', '-'), '-', 1
    )) AS code) l
$$;

-- Null where PostgreSQL has no stemmer.
CREATE FUNCTION imgapp_search_stemmer(p_code text) RETURNS regconfig
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
