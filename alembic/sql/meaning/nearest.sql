-- The pictures whose texts are nearest in meaning to what is looked for. The bounds are those of the
-- encoder, tried on queries in eight languages for things that are in a picture, for things that are
-- not, and for letters without a meaning. `:vector` is not known here: the extension may come later.

-- The nearest first, 200 at most: those at least as alike as `p_floor` (a cosine), and as `p_share` of
-- the nearest one's. Which sketches differ in too many places for that is a matter of their size.
-- Not a definer: called by itself it reaches what its caller does.
CREATE OR REPLACE FUNCTION imgapp_nearest(
    p_to text, p_floor double precision, p_share double precision, p_among text
) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_ids uuid[];
BEGIN
    EXECUTE format(
        'SELECT array_agg(n.image_id ORDER BY n.likeness DESC, n.image_id) FROM ('
        'SELECT c.image_id, c.likeness, max(c.likeness) OVER () AS best FROM ('
        'SELECT e.image_id, -(e.embedding OPERATOR(%1$I.<#>) %2$L::%1$I.halfvec) AS likeness FROM ('
        'SELECT s.image_id FROM ('
        'SELECT e.image_id, e.sketch OPERATOR(%1$I.<~>)'
        ' %1$I.binary_quantize(%2$L::%1$I.halfvec)::bit(512) AS differing'
        ' FROM public.image_embeddings e WHERE e.user_id = %3$L%4$s'
        ') s WHERE s.differing <= 225 ORDER BY s.differing, s.image_id LIMIT 1000'
        ') s JOIN public.image_embeddings e ON e.image_id = s.image_id'
        ') c WHERE c.likeness >= %5$s ORDER BY c.likeness DESC, c.image_id LIMIT 200'
        ') n WHERE n.likeness >= n.best * %6$s',
        public.imgapp_vector_schema(), p_to, :user_id, p_among, p_floor, p_share
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
