-- Lists of pictures: filters, order, pages, counts and the timeline.

-- A file name as people sort it: letters whatever their case and accents, numbers by their value
-- ("IMG_2" before "IMG_10"), each with its length before it. Compared byte by byte (COLLATE "C"), it
-- is the same on every server, and an index outlives an update of the system's collations.
CREATE OR REPLACE FUNCTION imgapp_name_key(p_name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT coalesce(string_agg(
        coalesce(lpad(length(m.piece[1])::text, 3, '0') || m.piece[1], m.piece[2]), '' ORDER BY m.at
    ), '')
    FROM regexp_matches(
        regexp_replace(lower(replace(
            normalize(p_name, NFKD), 'ß', 'ss'
        )), '[\u0300-\u036F]+', '', 'g'),
        '0*([0-9]+)|([^0-9]+)', 'g'
    ) WITH ORDINALITY m (piece, at)
$$;

-- What is looked for as the condition of a query on `images i`. Everything that finds pictures uses
-- it, so that a list, its count, its timeline and a place in it are always of the same pictures.
-- Values are written into the text (quoted by format), for the planner to know how rare they are.
CREATE OR REPLACE FUNCTION imgapp_wanted_condition(p_wanted jsonb) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_user uuid := :user_id;
    v_query tsquery := public.imgapp_search_query(p_wanted ->> 'q');
    v_tags text[] := ARRAY(SELECT jsonb_array_elements_text(coalesce(p_wanted -> 'tags', '[]')));
    v_nearest uuid[] := ARRAY(
        SELECT jsonb_array_elements_text(coalesce(p_wanted -> 'nearest', '[]'))
    );
    v_where text := format('i.user_id = %L AND i.deleted_at IS NULL', v_user);
BEGIN
    IF v_user IS NULL THEN
        RETURN 'false';
    END IF;
    IF v_query IS NOT NULL AND cardinality(v_nearest) > 0 THEN
        v_where := v_where || format(
            ' AND (i.search @@ %L::tsquery OR i.id = ANY(%L::uuid[]))', v_query, v_nearest
        );
    ELSIF v_query IS NOT NULL THEN
        v_where := v_where || format(' AND i.search @@ %L::tsquery', v_query);
    END IF;
    IF p_wanted ? 'alike' THEN
        v_where := v_where || format(
            ' AND i.id = ANY(%L::uuid[])',
            ARRAY(SELECT jsonb_array_elements_text(p_wanted -> 'alike'))
        );
    END IF;
    IF cardinality(v_tags) > 0 THEN
        v_where := v_where || format(' AND i.tags @> %L::text[]', v_tags);
    END IF;
    IF p_wanted ? 'status' THEN
        v_where := v_where || format(' AND i.analysis_status = %L', p_wanted ->> 'status');
    END IF;
    IF p_wanted ? 'no_alt_text' THEN
        v_where := v_where || CASE WHEN (p_wanted ->> 'no_alt_text')::boolean
            THEN ' AND i.no_alt_text' ELSE ' AND NOT i.no_alt_text' END;
    END IF;
    IF p_wanted ? 'decorative' AND NOT p_wanted ? 'language' THEN
        v_where := v_where || CASE WHEN (p_wanted ->> 'decorative')::boolean
            THEN ' AND i.decorative' ELSE ' AND i.decorative IS NOT TRUE' END;
    END IF;
    IF (p_wanted ->> 'edited')::boolean THEN
        v_where := v_where || ' AND ''person'' IN (i.alt_text_by, i.description_by, i.tags_by,'
            || ' i.visible_text_by, i.decorative_by)';
    ELSIF p_wanted ? 'edited' THEN
        v_where := v_where || ' AND (''person'' IN (i.alt_text_by, i.description_by, i.tags_by,'
            || ' i.visible_text_by, i.decorative_by)) IS NOT TRUE';
    END IF;
    IF p_wanted ? 'mime_types' THEN
        v_where := v_where || format(
            ' AND i.mime_type = ANY(%L::text[])',
            ARRAY(SELECT jsonb_array_elements_text(p_wanted -> 'mime_types'))
        );
    END IF;
    IF p_wanted ? 'uploaded_from' THEN
        v_where := v_where
            || format(' AND i.uploaded_at >= %L::timestamptz', p_wanted ->> 'uploaded_from');
    END IF;
    IF p_wanted ? 'uploaded_to' THEN
        v_where := v_where
            || format(' AND i.uploaded_at < %L::timestamptz', p_wanted ->> 'uploaded_to');
    END IF;
    IF p_wanted ? 'larger_than' THEN
        v_where := v_where || format(' AND i.file_size > %L::bigint', p_wanted ->> 'larger_than');
    END IF;
    IF p_wanted ? 'smaller_than' THEN
        v_where := v_where || format(' AND i.file_size < %L::bigint', p_wanted ->> 'smaller_than');
    END IF;
    IF p_wanted ? 'orientation' THEN
        v_where := v_where || CASE p_wanted ->> 'orientation'
            WHEN 'landscape' THEN ' AND i.width > i.height'
            WHEN 'portrait' THEN ' AND i.width < i.height'
            ELSE ' AND i.width = i.height' END;
    END IF;
    IF p_wanted ?| ARRAY['language', 'state', 'doubt'] THEN
        v_where := v_where || public.imgapp_wanted_text(p_wanted, v_user);
    END IF;
    IF p_wanted ? 'batch' THEN
        v_where := v_where || format(
            ' AND i.id IN (SELECT b.image_id FROM public.batch_items b'
            ' WHERE b.batch_id = %L::uuid AND b.user_id = %L::uuid)',
            p_wanted ->> 'batch', v_user
        );
    END IF;
    RETURN v_where;
END
$$;

-- What is looked for in the texts of one language, or of any, as a further condition.
CREATE OR REPLACE FUNCTION imgapp_wanted_text(p_wanted jsonb, p_user_id uuid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_text text := format(
        'EXISTS (SELECT FROM public.image_texts t WHERE t.image_id = i.id AND t.user_id = %L',
        p_user_id
    );
BEGIN
    IF p_wanted ? 'language' THEN
        v_text := v_text || format(' AND t.language = %L', p_wanted ->> 'language');
        IF p_wanted ? 'decorative' THEN
            v_text := v_text || CASE WHEN (p_wanted ->> 'decorative')::boolean
                THEN ' AND t.decorative' ELSE ' AND t.decorative IS NOT TRUE' END;
        END IF;
    END IF;
    IF p_wanted ->> 'doubt' = 'any' THEN
        v_text := v_text || ' AND t.doubts <> ''[]''';
    ELSIF p_wanted ? 'doubt' THEN
        v_text := v_text || format(
            ' AND t.doubts <> ''[]'' AND t.doubts @> %L',
            jsonb_build_array(jsonb_build_object('rule', p_wanted ->> 'doubt'))
        );
    END IF;
    IF p_wanted ->> 'state' = 'missing' THEN
        RETURN ' AND NOT ' || v_text || ')';
    END IF;
    IF p_wanted ? 'state' THEN
        v_text := v_text || CASE p_wanted ->> 'state'
            WHEN 'stale' THEN ' AND t.state <> ''approved'' AND t.approved_at IS NOT NULL'
            WHEN 'by_model' THEN
                ' AND t.state = ''approved'' AND t.written_by ->> ''alt_text'' = ''model'''
            ELSE format(' AND t.state = %L', p_wanted ->> 'state') END;
    END IF;
    RETURN ' AND ' || v_text || ')';
END
$$;

-- What a list is sorted by, each way: an expression, and whether the largest comes first.
CREATE OR REPLACE FUNCTION imgapp_wanted_order(p_wanted jsonb, OUT key text, OUT descending boolean)
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT CASE p_wanted ->> 'sort'
            WHEN 'name' THEN 'i.name_key'
            WHEN 'largest' THEN 'i.file_size'
            ELSE 'i.uploaded_at' END,
        coalesce(p_wanted ->> 'sort', 'newest') NOT IN ('oldest', 'name')
$$;

-- Of a word the planner knows little, and what begins with it it only guesses: for a rare one it
-- would read all pictures in the order of the list, and for a common one the index of words tells of
-- each of them. So the beginning of the list is looked at; where little of it matches, the first
-- five thousand are asked of the index, and if these are all, they are what is sorted: of a million, to
-- walk the list until sixty are found is dearer than that for whatever fewer pictures match.
-- Not a definer: called by itself it reaches what its caller does.
CREATE OR REPLACE FUNCTION imgapp_search_few(p_where text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = ''
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
AS $$
DECLARE
    v_ids uuid[];
BEGIN
    EXECUTE format(
        'SELECT ARRAY(SELECT i.id FROM public.images i WHERE %s LIMIT 5000)', p_where
    ) INTO v_ids;
    RETURN v_ids;
END
$$;

-- The best match first, of a thousand at most: a rank is read from all words of a picture, and for a
-- common word that took most of a second. Of more matches the newest thousand are ranked, and the
-- others come after them, the newest first. Ranks are no keys: a place in such a list is an offset.
-- The ranks by words and by meaning are mixed by place (reciprocal rank fusion, Cormack et al. 2009:
-- 1 / (60 + place) of each, added).
CREATE OR REPLACE FUNCTION imgapp_find(
    p_wanted jsonb, p_place jsonb, p_offset integer, p_limit integer, p_reverse boolean
) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 100
AS $$
DECLARE
    v_wanted jsonb := public.imgapp_with_nearest(p_wanted);
    v_ranked boolean := p_wanted ?| ARRAY['q', 'like'] AND p_wanted ->> 'sort' = 'relevance';
    -- Those by meaning are ranked apart.
    v_where text := public.imgapp_wanted_condition(
        CASE WHEN v_ranked THEN v_wanted - 'nearest' ELSE v_wanted END
    );
    v_near text := coalesce(
        v_wanted ->> CASE WHEN p_wanted ? 'q' THEN 'nearest' ELSE 'alike' END, '[]'
    );
    v_key text;
    v_descending boolean;
    v_direction text;
    v_after text := '';
    v_matches text;
    v_common boolean;
    v_few uuid[];
    v_offset integer := p_offset;
    v_block record;
BEGIN
    SELECT o.key, o.descending INTO v_key, v_descending FROM public.imgapp_wanted_order(p_wanted) o;
    v_descending := v_descending <> p_reverse;
    v_direction := CASE WHEN v_descending THEN 'DESC' ELSE 'ASC' END;
    IF p_place IS NOT NULL THEN
        v_after := format(
            ' AND (%s, i.id) %s (%L, %L::uuid)', v_key,
            CASE WHEN v_descending THEN '<' ELSE '>' END, p_place ->> 'key', p_place ->> 'id'
        );
    ELSIF p_offset >= 1000 AND v_key = 'i.uploaded_at' AND v_wanted - 'sort' = '{}' THEN
        SELECT * INTO v_block FROM public.imgapp_block_at(p_offset, v_descending);
        IF NOT FOUND THEN
            RETURN;
        END IF;
        v_offset := v_block.before;
        IF v_block.at IS NOT NULL THEN
            v_after := format(
                ' AND (i.uploaded_at, i.id) %s (%L, %L::uuid)',
                CASE WHEN v_descending THEN '<' ELSE '>=' END, v_block.at, v_block.id
            );
        END IF;
    END IF;
    IF p_wanted ? 'q' THEN
        EXECUTE format(
            'SELECT count(*) FILTER (WHERE s.found) >= 15 FROM ('
            'SELECT %s AS found FROM public.images i WHERE i.user_id = %L AND i.deleted_at IS NULL'
            '%s ORDER BY %s %s, i.id %s LIMIT 1000) s',
            v_where, :user_id, v_after, v_key, v_direction,
            v_direction
        ) INTO v_common;
        IF NOT v_common THEN
            v_few := public.imgapp_search_few(v_where);
            IF cardinality(v_few) < 5000 THEN
                v_where := format('i.id = ANY(%L::uuid[])', v_few);
            END IF;
        END IF;
    END IF;
    IF v_ranked THEN
        v_matches := format(
            'SELECT i.id, i.uploaded_at, i.search FROM public.images i WHERE %s'
            ' ORDER BY i.uploaded_at DESC, i.id DESC',
            CASE WHEN p_wanted ? 'q' THEN v_where ELSE 'false' END
        );
        RETURN QUERY EXECUTE format(
            'WITH words AS ('
            'SELECT i.id, i.uploaded_at, row_number() OVER ('
            'ORDER BY pg_catalog.ts_rank(i.search, %L::tsquery) DESC, i.uploaded_at DESC, i.id DESC'
            ') AS place FROM (%s LIMIT 1000) i'
            '), near AS ('
            'SELECT i.id, i.uploaded_at, n.place'
            ' FROM jsonb_array_elements_text(%L) WITH ORDINALITY n (id, place)'
            ' JOIN public.images i ON i.id = n.id::uuid WHERE %s'
            ') SELECT s.id FROM ('
            'SELECT coalesce(w.id, n.id) AS id, coalesce(w.uploaded_at, n.uploaded_at) AS uploaded_at,'
            ' 0 AS part, coalesce(1 / (60 + w.place::float), 0) + coalesce(1 / (60 + n.place::float), 0)'
            ' AS score FROM words w FULL JOIN near n ON n.id = w.id%s'
            ') s ORDER BY s.part, s.score DESC, s.uploaded_at DESC, s.id DESC OFFSET %s LIMIT %s',
            public.imgapp_search_query(p_wanted ->> 'q'),
            v_matches,
            v_near,
            public.imgapp_wanted_condition(v_wanted - ARRAY['q', 'nearest']),
            CASE WHEN p_offset + p_limit <= 1000 THEN '' ELSE format(
                ' UNION ALL SELECT i.id, i.uploaded_at, 1, 0 FROM (%s OFFSET 1000) i'
                ' WHERE i.id NOT IN (SELECT n.id FROM near n)', v_matches
            ) END,
            p_offset, coalesce(p_limit::text, 'ALL')
        );
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT i.id FROM public.images i WHERE %s%s ORDER BY %s %s, i.id %s OFFSET %s LIMIT %s',
        v_where, v_after, v_key, v_direction, v_direction, v_offset,
        coalesce(p_limit::text, 'ALL')
    );
END
$$;

CREATE OR REPLACE FUNCTION imgapp_find_count(p_wanted jsonb) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM public.images i WHERE '
        || public.imgapp_wanted_condition(public.imgapp_with_nearest(p_wanted)) INTO v_count;
    RETURN v_count;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_find_among(p_wanted jsonb, p_ids uuid[]) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN QUERY EXECUTE 'SELECT i.id FROM public.images i WHERE i.id = ANY($1) AND '
        || public.imgapp_wanted_condition(public.imgapp_with_nearest(p_wanted)) USING p_ids;
END
$$;

-- How many pictures come before one; null if it is not among them.
CREATE OR REPLACE FUNCTION imgapp_find_position(p_wanted jsonb, p_id uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_key text;
    v_descending boolean;
    v_wanted jsonb := public.imgapp_with_nearest(p_wanted);
    v_where text := public.imgapp_wanted_condition(v_wanted);
    v_position bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM public.imgapp_find_among(v_wanted, ARRAY[p_id])) THEN
        RETURN NULL;
    END IF;
    SELECT o.key, o.descending INTO v_key, v_descending FROM public.imgapp_wanted_order(p_wanted) o;
    IF p_wanted ->> 'sort' = 'relevance' AND p_wanted ?| ARRAY['q', 'like'] THEN
        SELECT f.ordinality - 1 INTO v_position
        FROM public.imgapp_find(v_wanted, NULL, 0, NULL, false)
            WITH ORDINALITY AS f (id, ordinality)
        WHERE f.id = p_id;
        RETURN v_position;
    END IF;
    IF v_key = 'i.uploaded_at' AND v_wanted - 'sort' = '{}' THEN
        RETURN (
            SELECT public.imgapp_before_key(i.uploaded_at, i.id, v_descending)
            FROM public.images i WHERE i.id = p_id
        );
    END IF;
    EXECUTE format(
        'SELECT count(*) FROM public.images i WHERE %s AND (%s, i.id) %s'
        ' (SELECT %s, i.id FROM public.images i WHERE i.id = $1)',
        v_where, v_key, CASE WHEN v_descending THEN '>' ELSE '<' END, v_key
    ) INTO v_position USING p_id;
    RETURN v_position;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_timeline(
    p_wanted jsonb, p_zone text, OUT days date[], OUT counts integer[], OUT shapes bytea
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET work_mem = '32MB'
AS $$
DECLARE
    v_key text;
    v_descending boolean;
    v_order text;
    v_where text;
    v_zone text := p_zone;
BEGIN
    BEGIN
        PERFORM now() AT TIME ZONE v_zone;
    EXCEPTION WHEN invalid_parameter_value THEN
        v_zone := 'UTC';
    END;
    IF p_wanted ->> 'sort' = 'relevance' AND p_wanted ?| ARRAY['q', 'like'] THEN
        SELECT coalesce(string_agg(i.shape, ''::bytea ORDER BY f.ordinality), ''::bytea) INTO shapes
        FROM public.imgapp_find(p_wanted, NULL, 0, NULL, false)
            WITH ORDINALITY AS f (id, ordinality)
        JOIN public.images i ON i.id = f.id;
        RETURN;
    END IF;
    v_where := public.imgapp_wanted_condition(public.imgapp_with_nearest(p_wanted));
    SELECT o.key, o.descending INTO v_key, v_descending FROM public.imgapp_wanted_order(p_wanted) o;
    v_order := format(
        '%s %s, i.id %s', v_key, CASE WHEN v_descending THEN 'DESC' ELSE 'ASC' END,
        CASE WHEN v_descending THEN 'DESC' ELSE 'ASC' END
    );
    EXECUTE format(
        'SELECT coalesce(string_agg(s.shape, %L::bytea), %L::bytea) FROM ('
        'SELECT i.shape FROM public.images i WHERE %s ORDER BY %s) s',
        '', '', v_where, v_order
    ) INTO shapes;
    IF v_key = 'i.uploaded_at' AND coalesce(p_wanted ->> 'sort', '') <> 'relevance' THEN
        EXECUTE format(
            'SELECT array_agg(d.day ORDER BY d.day %1$s), array_agg(d.n ORDER BY d.day %1$s) FROM ('
            'SELECT (i.uploaded_at AT TIME ZONE %2$L)::date AS day, count(*)::integer AS n'
            ' FROM public.images i WHERE %3$s GROUP BY 1) d',
            CASE WHEN v_descending THEN 'DESC' ELSE 'ASC' END, v_zone, v_where
        ) INTO days, counts;
    END IF;
END
$$;
