-- Texts by language: their states, their history, and their part of the search.

-- A version 7 UUID, for rows that the database makes itself.
CREATE OR REPLACE FUNCTION imgapp_uuid7() RETURNS uuid
LANGUAGE sql VOLATILE SET search_path = ''
AS $$
    SELECT encode(set_bit(set_bit(overlay(
        uuid_send(gen_random_uuid())
        PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6
    ), 52, 1), 53, 1), 'hex')::uuid
$$;

CREATE OR REPLACE FUNCTION imgapp_words(
    p_alt_text text, p_description text, p_tags text[], p_decorative boolean
) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT jsonb_build_object(
        'alt_text', p_alt_text, 'description', p_description, 'tags', p_tags,
        'decorative', p_decorative
    )
$$;

-- The language of a picture's own text: as is said of it, else the first of its owner's.
CREATE OR REPLACE FUNCTION imgapp_own_language(p_language text, p_user_id uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT CASE WHEN p_language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' AND length(p_language) <= 35
        THEN p_language
    ELSE coalesce((SELECT p.language FROM public.preferences p WHERE p.user_id = p_user_id), 'en')
    END
$$;

-- Whether a person wrote all that is said now and was not before.
CREATE OR REPLACE FUNCTION imgapp_is_written(p_before jsonb, p_now jsonb, p_by jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT coalesce(bool_and(p_by ->> w.key = 'person'), false)
    FROM jsonb_each(p_now) w
    WHERE w.value IS DISTINCT FROM coalesce(p_before -> w.key, 'null')
$$;

-- Words that change are a draft, but for what a person wrote who approves their own at once; the wording that was approved before stays until others are.
CREATE OR REPLACE FUNCTION imgapp_set_text_state() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    v_words jsonb := public.imgapp_words(
        NEW.alt_text, NEW.description, NEW.tags, NEW.decorative
    );
    v_is_new boolean := TG_OP = 'INSERT';
BEGIN
    IF NOT v_is_new THEN
        v_is_new := v_words IS DISTINCT FROM public.imgapp_words(
            OLD.alt_text, OLD.description, OLD.tags, OLD.decorative
        ) OR NEW.language <> OLD.language;
    END IF;
    IF v_is_new THEN
        NEW.state := 'draft';
        NEW.state_at := clock_timestamp();
        NEW.state_by := NULL;
        NEW.note := NULL;
        NEW.doubts := NULL;
        NEW.changed_at := NEW.state_at;
        IF (NEW.alt_text <> '' OR NEW.decorative)
            AND public.imgapp_is_written(
                CASE WHEN TG_OP = 'UPDATE' THEN public.imgapp_words(
                    OLD.alt_text, OLD.description, OLD.tags, OLD.decorative
                ) ELSE '{}' END, v_words, NEW.written_by
            )
            AND EXISTS (
                SELECT FROM public.preferences p WHERE p.user_id = NEW.user_id AND p.approve_own
            )
        THEN
            NEW.state := 'approved';
            NEW.state_by := :user_id;
            NEW.approved := v_words;
            NEW.approved_at := NEW.state_at;
            NEW.approved_by := NEW.state_by;
        END IF;
    ELSIF (NEW.state, NEW.note) IS DISTINCT FROM (OLD.state, OLD.note) THEN
        NEW.state_at := clock_timestamp();
        NEW.state_by := :user_id;
        NEW.changed_at := NEW.state_at;
        IF NEW.state = 'approved' THEN
            NEW.approved := v_words;
            NEW.approved_at := NEW.state_at;
            NEW.approved_by := NEW.state_by;
        END IF;
        IF NEW.state <> 'returned' THEN
            NEW.note := NULL;
        END IF;
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_note_text() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    v_kind text;
    v_said boolean := true;
    v_is_same boolean := false;
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- Not of a picture, or a person, that goes as a whole.
        IF NOT EXISTS (SELECT FROM public.images i WHERE i.id = OLD.image_id)
            OR NOT EXISTS (SELECT FROM public.users u WHERE u.id = OLD.user_id)
        THEN
            RETURN NULL;
        END IF;
        INSERT INTO public.text_changes (
            image_id, language, user_id, kind, actor_id, words, written_by
        )
        VALUES (
            OLD.image_id, OLD.language, OLD.user_id, 'removed', :user_id,
            public.imgapp_words(OLD.alt_text, OLD.description, OLD.tags, OLD.decorative),
            OLD.written_by
        );
        IF NOT OLD.is_own THEN
            PERFORM public.imgapp_find_further_texts(OLD.image_id);
        END IF;
        PERFORM public.imgapp_check_same_again(OLD.user_id, OLD.language, OLD.alt_text, OLD.image_id);
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        v_is_same := NEW.changed_at = OLD.changed_at;
        IF v_is_same AND NEW.is_own = OLD.is_own THEN
            RETURN NULL;
        END IF;
    END IF;
    IF NOT v_is_same THEN
        v_kind := CASE
            WHEN NEW.state <> 'draft' THEN NEW.state
            WHEN NEW.state_by IS NOT NULL THEN 'reopened'
            ELSE 'written'
        END;
    END IF;
    IF v_kind <> 'written' OR (v_kind = 'written' AND (
        NOT NEW.is_own OR jsonb_path_exists(NEW.written_by, '$.* ? (@ <> "model")')
    )) THEN
        INSERT INTO public.text_changes (
            image_id, language, user_id, kind, actor_id, words, written_by, analysis_id, made_from,
            note
        )
        VALUES (
            NEW.image_id, NEW.language, NEW.user_id, v_kind,
            CASE
                WHEN v_kind <> 'written' THEN NEW.state_by
                WHEN jsonb_path_exists(NEW.written_by, '$.* ? (@ == "person")') THEN :user_id
            END,
            public.imgapp_words(NEW.alt_text, NEW.description, NEW.tags, NEW.decorative),
            NEW.written_by, NEW.analysis_id, NEW.made_from, NEW.note
        );
    END IF;
    IF TG_OP = 'UPDATE' THEN
        v_said := (OLD.search, OLD.is_own) IS DISTINCT FROM (NEW.search, NEW.is_own);
    END IF;
    -- Who only approves changes nothing of what is found.
    IF v_said AND (NOT NEW.is_own OR (TG_OP = 'UPDATE' AND NOT OLD.is_own)) THEN
        PERFORM public.imgapp_find_further_texts(NEW.image_id);
    ELSIF pg_trigger_depth() = 1 THEN
        -- What is shown of the picture has changed, though its row has not.
        UPDATE public.images i SET updated_at = clock_timestamp() WHERE i.id = NEW.image_id;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.alt_text IS DISTINCT FROM NEW.alt_text OR OLD.language <> NEW.language THEN
            PERFORM public.imgapp_check_same_again(
                OLD.user_id, OLD.language, OLD.alt_text, OLD.image_id
            );
        END IF;
    END IF;
    RETURN NULL;
END
$$;

-- What is found by the texts that stand beside a picture's own.
CREATE OR REPLACE FUNCTION imgapp_find_further_texts(p_image_id uuid) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    v_search tsvector := '';
    v_text record;
BEGIN
    FOR v_text IN
        SELECT t.search FROM public.image_texts t
        WHERE t.image_id = p_image_id AND NOT t.is_own ORDER BY t.language
    LOOP
        v_search := v_search || v_text.search;
    END LOOP;
    UPDATE public.images i SET further_search = v_search, updated_at = clock_timestamp()
    WHERE i.id = p_image_id;
END
$$;

-- Where only one other picture has the same alt text, it may be the only one from now on: the rules
-- are asked again.
CREATE OR REPLACE FUNCTION imgapp_check_same_again(
    p_user_id uuid, p_language text, p_alt_text text, p_image_id uuid
) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    v_others uuid[];
BEGIN
    IF coalesce(p_alt_text, '') = '' THEN
        RETURN;
    END IF;
    v_others := ARRAY(
        SELECT t.image_id FROM public.image_texts t
        WHERE t.user_id = p_user_id AND t.language = p_language AND t.alt_text <> ''
            AND md5(t.alt_text) = md5(p_alt_text) AND t.image_id <> p_image_id
        LIMIT 2
    );
    IF cardinality(v_others) = 1 THEN
        -- Whoever is changing it may be waiting for this one, and has it looked at anyway.
        UPDATE public.image_texts t SET doubts = NULL
        FROM (
            SELECT o.image_id FROM public.image_texts o
            WHERE o.image_id = v_others[1] AND o.language = p_language AND o.doubts IS NOT NULL
            FOR NO KEY UPDATE SKIP LOCKED
        ) free
        WHERE t.image_id = free.image_id AND t.language = p_language;
    END IF;
END
$$;

-- What the file says in several languages ({language: {"alt_text", "description"}}) comes in as that,
-- but for the language of the picture's own text.
CREATE OR REPLACE FUNCTION imgapp_take_carried_texts(
    p_image_id uuid, p_user_id uuid, p_texts jsonb
) RETURNS void
LANGUAGE sql SET search_path = ''
AS $$
    INSERT INTO public.image_texts (
        image_id, language, user_id, alt_text, description, written_by
    )
    SELECT p_image_id, l.tag, p_user_id, w.alt_text, w.description,
        jsonb_strip_nulls(jsonb_build_object(
            'alt_text', CASE WHEN w.alt_text IS NOT NULL THEN 'file' END,
            'description', CASE WHEN w.description IS NOT NULL THEN 'file' END
        ))
    FROM jsonb_each(p_texts) l (tag, said)
    CROSS JOIN LATERAL (
        SELECT nullif(l.said ->> 'alt_text', '') AS alt_text,
            nullif(l.said ->> 'description', '') AS description
    ) w
    WHERE l.tag ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' AND length(l.tag) <= 35
        AND coalesce(w.alt_text, w.description) IS NOT NULL
    ON CONFLICT (image_id, language) DO NOTHING
$$;

-- A picture's own text is copied among its texts. In another language than before, it leaves the text
-- of before beside it; the same words in another language were only named otherwise.
CREATE OR REPLACE FUNCTION imgapp_copy_own_text() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    v_language text := public.imgapp_own_language(NEW.language, NEW.user_id);
    v_words jsonb := public.imgapp_words(
        NEW.alt_text, NEW.description, NEW.tags, NEW.decorative
    );
BEGIN
    IF jsonb_strip_nulls(v_words) = '{}' THEN
        DELETE FROM public.image_texts t WHERE t.image_id = NEW.id AND t.is_own;
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF v_words = public.imgapp_words(
            OLD.alt_text, OLD.description, OLD.tags, OLD.decorative
        ) AND EXISTS (
            SELECT FROM public.image_texts t
            WHERE t.image_id = NEW.id AND t.is_own AND t.language <> v_language
        ) THEN
            DELETE FROM public.image_texts t
            WHERE t.image_id = NEW.id AND t.language = v_language;
            UPDATE public.image_texts t SET language = v_language
            WHERE t.image_id = NEW.id AND t.is_own;
        ELSE
            UPDATE public.image_texts t SET is_own = false
            WHERE t.image_id = NEW.id AND t.is_own AND t.language <> v_language;
        END IF;
    END IF;
    INSERT INTO public.image_texts AS t (
        image_id, language, user_id, is_own, alt_text, description, tags, decorative, written_by,
        analysis_id
    )
    VALUES (
        NEW.id, v_language, NEW.user_id, true, NEW.alt_text, NEW.description, NEW.tags,
        NEW.decorative,
        jsonb_strip_nulls(jsonb_build_object(
            'alt_text', NEW.alt_text_by, 'description', NEW.description_by, 'tags', NEW.tags_by,
            'decorative', NEW.decorative_by
        )),
        NEW.analysis_id
    )
    ON CONFLICT (image_id, language) DO UPDATE SET
        is_own = true, alt_text = excluded.alt_text, description = excluded.description,
        tags = excluded.tags, decorative = excluded.decorative, written_by = excluded.written_by,
        analysis_id = excluded.analysis_id,
        made_from = CASE WHEN v_words = public.imgapp_words(
            t.alt_text, t.description, t.tags, t.decorative
        ) THEN t.made_from END;
    IF TG_OP = 'INSERT' THEN
        IF jsonb_typeof(NEW.facts -> 'texts') = 'object' THEN
            PERFORM public.imgapp_take_carried_texts(NEW.id, NEW.user_id, NEW.facts -> 'texts');
        END IF;
    END IF;
    RETURN NULL;
END
$$;

-- The latest first, so that nobody's edit waits behind somebody's hundred thousand.
CREATE OR REPLACE FUNCTION imgapp_unchecked_texts(p_limit integer)
RETURNS TABLE (user_id uuid, image_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT t.user_id, t.image_id FROM public.image_texts t
    WHERE t.doubts IS NULL ORDER BY t.changed_at DESC LIMIT p_limit
$$;

-- What a name may come from has changed: the rules are asked again.
CREATE OR REPLACE FUNCTION imgapp_check_texts_again() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    UPDATE public.image_texts t SET doubts = NULL
    WHERE t.image_id = NEW.id AND t.doubts IS NOT NULL;
    RETURN NULL;
END
$$;
