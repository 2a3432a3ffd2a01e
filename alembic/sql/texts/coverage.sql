-- Coverage: how many texts of some pictures are in which state, in one language.

CREATE OR REPLACE FUNCTION imgapp_coverage(
    p_wanted jsonb, p_language text, OUT counted_at timestamptz, OUT pictures bigint,
    OUT missing bigint, OUT draft bigint, OUT returned bigint, OUT approved bigint,
    OUT decorative bigint, OUT stale bigint, OUT by_model bigint, OUT oldest_waiting timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_user uuid := :user_id;
    v_some boolean := p_wanted - ARRAY['sort', 'meaning'] <> '{}';
BEGIN
    counted_at := now();
    EXECUTE 'SELECT count(*) FILTER (WHERE t.state = ''draft''),'
        ' count(*) FILTER (WHERE t.state = ''returned''),'
        ' count(*) FILTER (WHERE t.state = ''approved''),'
        ' count(*) FILTER (WHERE t.state = ''approved'' AND t.decorative),'
        ' count(*) FILTER (WHERE t.state <> ''approved'' AND t.approved_at IS NOT NULL),'
        ' count(*) FILTER ('
        'WHERE t.state = ''approved'' AND t.written_by ->> ''alt_text'' = ''model''),'
        ' min(t.state_at) FILTER (WHERE t.state <> ''approved'')'
        ' FROM public.image_texts t JOIN public.images i ON i.id = t.image_id'
        ' WHERE t.user_id = $1 AND t.language = $2 AND '
        || CASE WHEN v_some
            THEN public.imgapp_wanted_condition(public.imgapp_with_nearest(p_wanted))
            ELSE 'i.deleted_at IS NULL' END
        INTO draft, returned, approved, decorative, stale, by_model, oldest_waiting
        USING v_user, p_language;
    IF v_some THEN
        pictures := public.imgapp_find_count(p_wanted);
    ELSE
        SELECT coalesce(sum(u.listed), 0) INTO pictures
        FROM public.storage_usage u WHERE u.user_id = v_user;
    END IF;
    missing := greatest(pictures - draft - returned - approved, 0);
END
$$;

CREATE OR REPLACE FUNCTION imgapp_coverage_doubts(p_wanted jsonb, p_language text)
RETURNS TABLE (rule text, texts bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN QUERY EXECUTE
        'SELECT d.one ->> ''rule'', count(*)'
        ' FROM public.image_texts t JOIN public.images i ON i.id = t.image_id'
        ' CROSS JOIN jsonb_array_elements(t.doubts) d (one)'
        ' WHERE t.user_id = $1 AND t.language = $2 AND t.doubts <> ''[]'' AND '
        || public.imgapp_wanted_condition(public.imgapp_with_nearest(p_wanted))
        || ' GROUP BY 1 ORDER BY 2 DESC, 1'
        USING :user_id, p_language;
END
$$;
