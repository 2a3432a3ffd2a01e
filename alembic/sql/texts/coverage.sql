-- Coverage: how many texts of some pictures are in which state, in one language.

-- Of all pictures it is read from the tallies, else counted.
CREATE OR REPLACE FUNCTION imgapp_coverage_counts(p_wanted jsonb, p_language text)
RETURNS TABLE (what text, key text, texts bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_user uuid := :user_id;
BEGIN
    IF p_wanted - ARRAY['sort', 'meaning'] = '{}' THEN
        RETURN QUERY
        SELECT s.what, s.key, sum(s.texts)::bigint FROM (
            SELECT t.what, t.key, t.texts FROM public.text_tallies t
            WHERE t.user_id = v_user AND t.language = p_language
            UNION ALL
            SELECT c.what, c.key, c.change FROM public.text_tally_changes c
            WHERE c.user_id = v_user AND c.language = p_language
        ) s
        WHERE s.what IN ('state', 'doubt', 'reviewer') GROUP BY 1, 2 HAVING sum(s.texts) > 0;
        RETURN;
    END IF;
    RETURN QUERY EXECUTE
        'SELECT n.what, n.key, count(*)'
        ' FROM public.image_texts t JOIN public.images i ON i.id = t.image_id'
        ' CROSS JOIN LATERAL public.imgapp_text_counts('
        't.state, t.decorative, t.approved_at, t.approved_by, t.written_by, t.doubts) n'
        ' WHERE t.user_id = $1 AND t.language = $2 AND '
        || public.imgapp_wanted_condition(public.imgapp_with_nearest(p_wanted))
        || ' GROUP BY 1, 2'
        USING v_user, p_language;
END
$$;

-- How many pictures that is of, and since when a text has been waiting for somebody to approve it.
CREATE OR REPLACE FUNCTION imgapp_coverage_frame(
    p_wanted jsonb, p_language text, OUT counted_at timestamptz, OUT pictures bigint,
    OUT oldest_waiting timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_user uuid := :user_id;
    v_where text := 'i.deleted_at IS NULL';
BEGIN
    counted_at := now();
    IF p_wanted - ARRAY['sort', 'meaning'] = '{}' THEN
        SELECT coalesce(sum(u.listed), 0) INTO pictures
        FROM public.storage_usage u WHERE u.user_id = v_user;
    ELSE
        pictures := public.imgapp_find_count(p_wanted);
        v_where := public.imgapp_wanted_condition(public.imgapp_with_nearest(p_wanted));
    END IF;
    EXECUTE 'SELECT t.state_at FROM public.image_texts t JOIN public.images i ON i.id = t.image_id'
        ' WHERE t.user_id = $1 AND t.language = $2 AND t.state <> ''approved'' AND '
        || v_where || ' ORDER BY t.state_at LIMIT 1'
        INTO oldest_waiting USING v_user, p_language;
END
$$;

-- The languages in which anything is said, the most first.
CREATE OR REPLACE FUNCTION imgapp_text_languages() RETURNS TABLE (language text, texts bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.language, sum(s.texts)::bigint FROM (
        SELECT t.language, t.texts FROM public.text_tallies t
        WHERE t.user_id = :user_id AND t.what = 'state'
            AND t.key IN ('draft', 'returned', 'approved')
        UNION ALL
        SELECT c.language, c.change FROM public.text_tally_changes c
        WHERE c.user_id = :user_id AND c.what = 'state'
            AND c.key IN ('draft', 'returned', 'approved')
    ) s
    GROUP BY 1 HAVING sum(s.texts) > 0 ORDER BY 2 DESC, 1 LIMIT 100
$$;
