-- The queue of Review: which texts of a language wait for a person, and in which order.

-- What waits, as the condition of a query on `images i`. Without a state that is asked for, it is
-- drafts, and what was approved by somebody else and a second person is asked of.
CREATE OR REPLACE FUNCTION imgapp_review_condition(p_wanted jsonb, p_who uuid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_where text := public.imgapp_wanted_condition(
        public.imgapp_with_nearest(p_wanted) - ARRAY['language', 'state', 'doubt']
    );
    v_second text := format(
        'EXISTS (SELECT FROM public.second_looks s JOIN public.image_texts t'
        ' ON t.image_id = s.image_id AND t.language = s.language'
        ' WHERE s.image_id = i.id AND s.user_id = %L AND s.language = %L AND s.looked_at IS NULL'
        ' AND s.first_by IS DISTINCT FROM %L AND t.state = ''approved'' AND t.approved = s.words)',
        :user_id, p_wanted ->> 'language', p_who
    );
BEGIN
    IF v_where = 'false' OR p_wanted ? 'state' THEN
        RETURN public.imgapp_wanted_condition(public.imgapp_with_nearest(p_wanted));
    END IF;
    RETURN v_where || format(
        ' AND (%s OR %s)',
        substr(public.imgapp_wanted_text(p_wanted || '{"state": "draft"}', :user_id), 6),
        CASE WHEN p_wanted ? 'doubt' THEN 'false' ELSE v_second END
    );
END
$$;

-- The next of a queue that nobody else has in front of them, those with doubts first if that is
-- wanted (`part` 0). `p_place` is {part, id}: the queue begins with that picture, or where it was.
-- Doubts come and go: a picture that was in one part, and is in the other by now, is where it comes
-- earlier.
CREATE OR REPLACE FUNCTION imgapp_review_queue(
    p_wanted jsonb, p_doubtful_first boolean, p_place jsonb, p_reviewer uuid, p_who uuid,
    p_limit integer
) RETURNS TABLE (image_id uuid, part integer)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 20
AS $$
DECLARE
    v_where text := public.imgapp_review_condition(p_wanted, p_who) || format(
        ' AND NOT EXISTS (SELECT FROM public.review_leases l WHERE l.image_id = i.id'
        ' AND l.user_id = %L AND l.language = %L AND l.reviewer <> %L AND l.expires_at > now())',
        :user_id, p_wanted ->> 'language', p_reviewer
    );
    v_doubtful text := format(
        'EXISTS (SELECT FROM public.image_texts d WHERE d.image_id = i.id AND d.user_id = %L'
        ' AND d.language = %L AND d.doubts <> ''[]'')',
        :user_id, p_wanted ->> 'language'
    );
    v_from integer := CASE WHEN p_doubtful_first THEN 0 ELSE 1 END;
    v_key text;
    v_direction text;
    v_begin record;
    v_after text;
    v_found integer := 0;
    v_rows integer;
BEGIN
    SELECT o.key, CASE WHEN o.descending THEN 'DESC' ELSE 'ASC' END INTO v_key, v_direction
    FROM public.imgapp_wanted_order(p_wanted) o;
    -- Of a picture that is gone nobody knows where it was: the queue begins anew.
    EXECUTE format(
        'SELECT i.id, %s::text AS key, CASE WHEN %s THEN 0 ELSE 1 END AS part'
        ' FROM public.images i WHERE i.id = %L AND i.user_id = %L',
        v_key, v_doubtful, p_place ->> 'id', :user_id
    ) INTO v_begin;
    IF v_begin.id IS NOT NULL THEN
        v_from := greatest(v_from, least(v_begin.part, (p_place ->> 'part')::integer));
        RETURN QUERY EXECUTE format(
            'SELECT i.id, %s FROM public.images i WHERE i.id = %L AND %s',
            v_from, v_begin.id, v_where
        );
        GET DIAGNOSTICS v_found = ROW_COUNT;
        v_where := v_where || format(' AND i.id <> %L', v_begin.id);
    END IF;
    FOR v_part IN v_from .. 1 LOOP
        EXIT WHEN v_found >= p_limit;
        v_after := '';
        IF v_part = v_from AND v_begin.id IS NOT NULL THEN
            v_after := format(
                ' AND (%s, i.id) %s (%L, %L::uuid)',
                v_key, CASE v_direction WHEN 'DESC' THEN '<' ELSE '>' END, v_begin.key, v_begin.id
            );
        END IF;
        RETURN QUERY EXECUTE format(
            'SELECT i.id, %s FROM public.images i WHERE %s%s%s ORDER BY %s %s, i.id %s LIMIT %s',
            v_part, v_where,
            CASE WHEN NOT p_doubtful_first THEN '' WHEN v_part = 0 THEN ' AND ' || v_doubtful
                ELSE ' AND NOT ' || v_doubtful END,
            v_after, v_key, v_direction, v_direction, p_limit - v_found
        );
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_found := v_found + v_rows;
    END LOOP;
END
$$;

-- How many wait, whoever has them in front of them.
CREATE OR REPLACE FUNCTION imgapp_review_count(p_wanted jsonb, p_who uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_count bigint;
BEGIN
    EXECUTE 'SELECT count(*) FROM public.images i WHERE '
        || public.imgapp_review_condition(p_wanted, p_who) INTO v_count;
    RETURN v_count;
END
$$;
