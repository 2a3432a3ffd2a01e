-- Which texts are to be embedded. Where pgvector is missing there are no tables for it, and nobody
-- calls these.

-- What is in the trash is not found: it has no embedding, and gets one when it comes back.
CREATE OR REPLACE FUNCTION imgapp_ask_for_embedding() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF NEW.deleted_at IS NOT NULL THEN
        DELETE FROM public.embedding_requests r WHERE r.image_id = NEW.id;
        DELETE FROM public.image_embeddings e WHERE e.image_id = NEW.id;
    ELSE
        INSERT INTO public.embedding_requests AS r (image_id, user_id, asked_at)
        VALUES (NEW.id, NEW.user_id, clock_timestamp())
        ON CONFLICT (image_id) DO UPDATE SET asked_at = excluded.asked_at, taken_until = NULL;
    END IF;
    RETURN NULL;
END
$$;

-- The latest first, so that nobody's edit waits behind somebody's hundred thousand. Whoever takes
-- one has it for a minute.
CREATE OR REPLACE FUNCTION imgapp_take_embedding_requests(p_limit integer)
RETURNS TABLE (user_id uuid, image_id uuid, asked_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    IF to_regclass('public.embedding_requests') IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
        UPDATE public.embedding_requests r SET taken_until = now() + interval '1 minute'
        FROM (
            SELECT d.image_id FROM public.embedding_requests d
            WHERE d.taken_until IS NULL OR d.taken_until < now()
            ORDER BY d.asked_at DESC LIMIT p_limit FOR UPDATE SKIP LOCKED
        ) taken
        WHERE r.image_id = taken.image_id
        RETURNING r.user_id, r.image_id, r.asked_at;
END
$$;

-- Whether any of a person's pictures can be found by meaning.
CREATE OR REPLACE FUNCTION imgapp_has_meaning() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    IF to_regclass('public.image_embeddings') IS NULL THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT FROM public.image_embeddings e WHERE e.user_id = :user_id);
END
$$;

-- Whether texts are compared in this database at all.
CREATE OR REPLACE FUNCTION imgapp_meaning_is_on() RETURNS boolean
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT to_regclass('public.image_embeddings') IS NOT NULL
$$;

-- Keep vectors of what was asked for at those times, or that there are none (an empty one). What was
-- asked for again meanwhile stays asked for. Nobody is waited for: whoever holds one of these pictures
-- may be waiting for another of them.
CREATE OR REPLACE FUNCTION imgapp_keep_embeddings(
    p_ids uuid[], p_asked timestamptz[], p_vectors text[]
) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = ''
AS $$
BEGIN
    EXECUTE format(
        'WITH given AS ('
        'SELECT * FROM unnest($1, $2, $3) g (image_id, asked_at, vector)'
        '), current AS MATERIALIZED ('
        'SELECT r.image_id, g.vector FROM public.embedding_requests r'
        ' JOIN given g ON g.image_id = r.image_id AND g.asked_at = r.asked_at'
        ' FOR UPDATE OF r SKIP LOCKED'
        '), there AS MATERIALIZED ('
        'SELECT i.id, i.user_id, c.vector FROM public.images i JOIN current c ON c.image_id = i.id'
        ' WHERE i.deleted_at IS NULL FOR KEY SHARE OF i SKIP LOCKED'
        '), away AS ('
        'DELETE FROM public.image_embeddings e USING there t'
        ' WHERE e.image_id = t.id AND t.vector = %1$L'
        '), kept AS ('
        'INSERT INTO public.image_embeddings AS e (image_id, user_id, embedding)'
        ' SELECT t.id, t.user_id, t.vector::%2$I.halfvec FROM there t WHERE t.vector <> %1$L'
        ' ON CONFLICT (image_id) DO UPDATE SET embedding = excluded.embedding'
        ') DELETE FROM public.embedding_requests r USING there t WHERE r.image_id = t.id',
        '', public.imgapp_vector_schema()
    ) USING p_ids, p_asked, p_vectors;
END
$$;

-- The schema of pgvector's types; null where it is not installed.
CREATE OR REPLACE FUNCTION imgapp_vector_schema() RETURNS name
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT n.nspname FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
    WHERE x.extname = 'vector'
$$;
