-- Text tallies: how many texts of a person are in which state, by whom and with which doubts, kept at
-- each change (materialised counts), as those of pictures are (library/tallies.sql). Of whatever is
-- counted, `text_tallies` and `text_tally_changes` together are right at any time. Texts of pictures
-- in the trash do not count.

-- What a text counts as.
CREATE OR REPLACE FUNCTION imgapp_text_counts(
    p_state text, p_decorative boolean, p_approved_at timestamptz, p_approved_by uuid,
    p_written_by jsonb, p_doubts jsonb
) RETURNS TABLE (what text, key text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT 'state', p_state
    UNION ALL
    SELECT 'state', 'decorative' WHERE p_state = 'approved' AND p_decorative
    UNION ALL
    SELECT 'state', 'stale' WHERE p_state <> 'approved' AND p_approved_at IS NOT NULL
    UNION ALL
    SELECT 'state', 'by_model'
    WHERE p_state = 'approved' AND p_written_by ->> 'alt_text' = 'model'
    UNION ALL
    SELECT 'reviewer', coalesce(p_approved_by::text, '') WHERE p_state = 'approved'
    UNION ALL
    SELECT DISTINCT 'doubt', d.one ->> 'rule'
    FROM jsonb_array_elements(coalesce(p_doubts, '[]')) d (one)
$$;

CREATE OR REPLACE FUNCTION imgapp_tally_texts() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO public.text_tally_changes (user_id, language, what, key, change)
        SELECT c.user_id, c.language, n.what, n.key, sum(c.change)
        FROM (
            SELECT g.*, -1 AS change FROM gone g UNION ALL SELECT g.*, 1 FROM came g
        ) c
        JOIN public.images i ON i.id = c.image_id AND i.deleted_at IS NULL
        CROSS JOIN LATERAL public.imgapp_text_counts(
            c.state, c.decorative, c.approved_at, c.approved_by, c.written_by, c.doubts
        ) n
        GROUP BY 1, 2, 3, 4 HAVING sum(c.change) <> 0;
    ELSE
        -- Those of a picture that goes as a whole went with it (`imgapp_tally_texts_of`).
        INSERT INTO public.text_tally_changes (user_id, language, what, key, change)
        SELECT c.user_id, c.language, n.what, n.key,
            CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END * count(*)
        FROM changed c
        JOIN public.images i ON i.id = c.image_id AND i.deleted_at IS NULL
        CROSS JOIN LATERAL public.imgapp_text_counts(
            c.state, c.decorative, c.approved_at, c.approved_by, c.written_by, c.doubts
        ) n
        GROUP BY 1, 2, 3, 4;
    END IF;
    RETURN NULL;
END
$$;

-- A picture goes to the trash, comes back, or is removed without having been there.
CREATE OR REPLACE FUNCTION imgapp_tally_texts_of() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_sign integer := -1;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        v_sign := CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END;
    END IF;
    INSERT INTO public.text_tally_changes (user_id, language, what, key, change)
    SELECT t.user_id, t.language, n.what, n.key, v_sign * count(*)
    FROM public.image_texts t
    CROSS JOIN LATERAL public.imgapp_text_counts(
        t.state, t.decorative, t.approved_at, t.approved_by, t.written_by, t.doubts
    ) n
    WHERE t.image_id = OLD.id GROUP BY 1, 2, 3, 4;
    RETURN OLD;
END
$$;

-- What was approved and returned on which day (UTC), whatever becomes of the picture.
CREATE OR REPLACE FUNCTION imgapp_tally_days() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO public.text_tally_changes (user_id, language, what, key, change)
    SELECT c.user_id, c.language, c.kind, ((c.at AT TIME ZONE 'UTC')::date)::text, count(*)
    FROM changed c WHERE c.kind IN ('approved', 'returned') GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END
$$;

-- Adds up changes; returns how many.
CREATE OR REPLACE FUNCTION imgapp_add_up_text_tallies(p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_done integer;
BEGIN
    -- One worker at a time.
    IF NOT pg_try_advisory_xact_lock(hashtext('imgapp_text_tallies')) THEN
        RETURN 0;
    END IF;
    WITH taken AS (
        DELETE FROM public.text_tally_changes c
        WHERE c.ctid = ANY (ARRAY(SELECT t.ctid FROM public.text_tally_changes t LIMIT p_limit))
        RETURNING c.*
    ), added AS (
        INSERT INTO public.text_tallies AS t (user_id, language, what, key, texts)
        SELECT s.user_id, s.language, s.what, s.key, sum(s.change) FROM taken s
        -- Of people who are there.
        JOIN public.users u ON u.id = s.user_id
        GROUP BY s.user_id, s.language, s.what, s.key HAVING sum(s.change) <> 0
        ON CONFLICT (user_id, language, what, key)
        DO UPDATE SET texts = t.texts + excluded.texts
    )
    SELECT count(*) INTO v_done FROM taken;
    RETURN v_done;
END
$$;
