-- The pictures whose texts are nearest in meaning to what is looked for. The bounds are those of the
-- encoder, tried on queries in eight languages for things that are in a picture, for things that are
-- not, and for letters without a meaning. `:vector` is not known here: the extension may come later.

-- The pictures of the sketches nearest to that of a vector: 400 of all, which for 10,000 takes some
-- milliseconds, or 100 that neighbours lead to, which takes as long for a hundred thousand.
-- Not definers: called by themselves they reach what their caller does.
CREATE OR REPLACE FUNCTION imgapp_near_sketches(p_to text, p_among text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_ids uuid[];
BEGIN
    EXECUTE format(
        'SELECT ARRAY(SELECT s.image_id FROM ('
        'SELECT e.image_id, e.sketch OPERATOR(%1$I.<~>)'
        ' %1$I.binary_quantize(%2$L::%1$I.halfvec)::bit(512) AS differing'
        ' FROM public.image_embeddings e WHERE e.user_id = %3$L%4$s OFFSET 0'
        ') s WHERE s.differing <= 225 ORDER BY s.differing, s.image_id LIMIT 400)',
        public.imgapp_vector_schema(), p_to, :user_id, p_among
    ) INTO v_ids;
    RETURN v_ids;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_near_neighbours(p_to text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = ''
SET enable_seqscan = off SET enable_sort = off
AS $$
DECLARE
    v_ids uuid[];
BEGIN
    -- A function that is made before the extension may not have them as settings of its own.
    PERFORM set_config('hnsw.ef_search', '100', true);
    PERFORM set_config('hnsw.iterative_scan', 'strict_order', true);
    EXECUTE format(
        'SELECT ARRAY(SELECT e.image_id FROM public.image_embeddings e WHERE e.user_id = %3$L'
        ' ORDER BY e.sketch OPERATOR(%1$I.<~>)'
        ' %1$I.binary_quantize(%2$L::%1$I.halfvec)::bit(512) LIMIT 100)',
        public.imgapp_vector_schema(), p_to, :user_id
    ) INTO v_ids;
    RETURN v_ids;
END
$$;

-- The nearest first, 200 at most: those at least as alike as `p_floor` (a cosine), and as `p_share` of
-- the nearest one's, and not those whose texts have changed since. Of many pictures, other conditions leave those of the 100 that they are true of.
CREATE OR REPLACE FUNCTION imgapp_nearest(
    p_to text, p_floor double precision, p_share double precision, p_among text
) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_count bigint := (SELECT u.listed FROM public.storage_usage u WHERE u.user_id = :user_id);
    v_all bigint := (
        SELECT c.reltuples FROM pg_class c WHERE c.oid = 'public.image_embeddings'::regclass
    );
    v_ids uuid[] := CASE WHEN v_count <= 10000 OR v_count * 10 < v_all
        THEN public.imgapp_near_sketches(p_to, p_among)
        ELSE public.imgapp_near_neighbours(p_to) END;
BEGIN
    EXECUTE format(
        'SELECT array_agg(n.image_id ORDER BY n.likeness DESC, n.image_id) FROM ('
        'SELECT c.image_id, c.likeness, max(c.likeness) OVER () AS best FROM ('
        'SELECT e.image_id, -(e.embedding OPERATOR(%1$I.<#>) %2$L::%1$I.halfvec) AS likeness'
        ' FROM public.image_embeddings e WHERE e.image_id = ANY(%3$L::uuid[]) AND NOT EXISTS ('
        'SELECT FROM public.embedding_requests r WHERE r.image_id = e.image_id)'
        ') c WHERE c.likeness >= %4$s ORDER BY c.likeness DESC, c.image_id LIMIT 200'
        ') n WHERE n.likeness >= n.best * %5$s',
        public.imgapp_vector_schema(), p_to, v_ids, p_floor, p_share
    ) INTO v_ids;
    RETURN coalesce(v_ids, '{}');
END
$$;

-- What is looked for, with the pictures that are near it in meaning: `nearest` to the words (the vector
-- `near`), `alike` to the picture `like`. Of what other conditions are true of.
CREATE OR REPLACE FUNCTION imgapp_with_nearest(p_wanted jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_wanted jsonb := p_wanted - 'near';
    v_rest jsonb := v_wanted - ARRAY['q', 'like', 'sort'];
    v_among text := '';
    v_vector text;
    v_alike uuid[] := '{}';
BEGIN
    IF :user_id IS NULL OR p_wanted ?| ARRAY['nearest', 'alike']
        OR NOT p_wanted ?| ARRAY['near', 'like']
    THEN
        RETURN p_wanted;
    END IF;
    IF v_rest <> '{}' THEN
        v_among := format(
            ' AND e.image_id IN (SELECT i.id FROM public.images i WHERE %s)',
            public.imgapp_wanted_condition(v_rest)
        );
    END IF;
    IF p_wanted ? 'near' THEN
        v_wanted := v_wanted || jsonb_build_object(
            'nearest', public.imgapp_nearest(p_wanted ->> 'near', 0.32, 0.6, v_among)
        );
    END IF;
    IF p_wanted ? 'like' THEN
        IF public.imgapp_has_meaning() THEN
            SELECT e.embedding::text INTO v_vector FROM public.image_embeddings e
            WHERE e.image_id = (p_wanted ->> 'like')::uuid AND e.user_id = :user_id;
        END IF;
        IF v_vector IS NOT NULL THEN
            v_alike := array_remove(
                public.imgapp_nearest(v_vector, 0.4, 0, v_among), (p_wanted ->> 'like')::uuid
            );
        END IF;
        v_wanted := v_wanted || jsonb_build_object('alike', v_alike);
    END IF;
    RETURN v_wanted;
END
$$;
