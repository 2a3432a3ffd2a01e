-- `simple`: pictures are described in any language, so words are neither stemmed nor left out.
-- A file name is taken in whole and in pieces: the parser sees one word in "beach-house.jpg".
CREATE FUNCTION imgapp_search_document(
    p_alt_text text, p_description text, p_tags text[], p_visible_text text, p_filename text
) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT setweight(to_tsvector('simple', coalesce(p_alt_text, '')), 'A')
        || setweight(to_tsvector('simple', coalesce(array_to_string(p_tags, ' '), '')), 'A')
        || setweight(to_tsvector('simple', coalesce(p_description, '')), 'B')
        || setweight(to_tsvector('simple', coalesce(p_visible_text, '')), 'C')
        || setweight(to_tsvector('simple',
            p_filename || ' ' || regexp_replace(p_filename, '[^[:alnum:]]+', ' ', 'g')), 'D')
$$;

ALTER TABLE images ADD COLUMN search tsvector GENERATED ALWAYS AS (
    imgapp_search_document(alt_text, description, tags, visible_text, filename)
) STORED;
-- Pictures arrive one by one; a search should not pay for a list of those not yet in the index.
CREATE INDEX images_search ON images USING gin (search) WITH (fastupdate = off);
