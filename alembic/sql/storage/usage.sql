-- Storage usage by person, kept by triggers: summing up a hundred thousand pictures is slow. With it
-- go the blocks of the list and the tallies (library/), in that order: whoever holds the row here is
-- alone with the blocks.

CREATE OR REPLACE FUNCTION imgapp_count_usage() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_sign integer := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    v_block record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.storage_usage AS u (user_id, images, bytes, listed)
        SELECT c.user_id, count(*), sum(c.file_size), count(*) FILTER (WHERE c.deleted_at IS NULL)
        FROM changed c
        GROUP BY c.user_id ORDER BY c.user_id
        ON CONFLICT (user_id) DO UPDATE
        SET images = u.images + excluded.images,
            bytes = u.bytes + excluded.bytes,
            listed = u.listed + excluded.listed;
    ELSE
        -- In the same order everywhere, so that nobody waits in a circle.
        PERFORM FROM public.storage_usage u
        WHERE u.user_id IN (SELECT c.user_id FROM changed c)
        ORDER BY u.user_id FOR NO KEY UPDATE;
        UPDATE public.storage_usage u
        SET images = u.images - gone.images,
            bytes = u.bytes - gone.bytes,
            listed = u.listed - gone.listed
        FROM (
            SELECT c.user_id, count(*) AS images, sum(c.file_size) AS bytes,
                count(*) FILTER (WHERE c.deleted_at IS NULL) AS listed
            FROM changed c GROUP BY c.user_id
        ) gone
        WHERE u.user_id = gone.user_id;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.image_blocks (user_id, first_at, first_id, images)
        SELECT DISTINCT c.user_id, '-infinity'::timestamptz,
            '00000000-0000-0000-0000-000000000000'::uuid, 0
        FROM changed c
        ON CONFLICT DO NOTHING;
    END IF;
    FOR v_block IN
        UPDATE public.image_blocks b SET images = b.images + v_sign * n.images
        FROM (
            SELECT c.user_id, o.first_at, o.first_id, count(*)::integer AS images
            FROM changed c CROSS JOIN LATERAL (
                SELECT o.first_at, o.first_id FROM public.image_blocks o
                WHERE o.user_id = c.user_id AND (o.first_at, o.first_id) <= (c.uploaded_at, c.id)
                ORDER BY o.first_at DESC, o.first_id DESC LIMIT 1
            ) o
            WHERE c.deleted_at IS NULL
            GROUP BY c.user_id, o.first_at, o.first_id
        ) n
        WHERE b.user_id = n.user_id AND b.first_at = n.first_at AND b.first_id = n.first_id
        RETURNING b.user_id, b.first_at, b.first_id, b.images
    LOOP
        IF v_block.images > 2000 THEN
            PERFORM public.imgapp_split_block(v_block.user_id, v_block.first_at, v_block.first_id);
        ELSIF v_block.images <= 0 AND v_block.first_at > '-infinity' THEN
            DELETE FROM public.image_blocks b
            WHERE b.user_id = v_block.user_id AND b.first_at = v_block.first_at
                AND b.first_id = v_block.first_id;
        END IF;
    END LOOP;
    INSERT INTO public.image_tally_changes (user_id, status, reason, no_alt_text, change)
    SELECT c.user_id, c.analysis_status, public.imgapp_tally_reason(
        c.analysis_status, c.waiting_reason, c.error_code
    ), c.no_alt_text, v_sign * count(*)
    FROM changed c WHERE c.deleted_at IS NULL GROUP BY 1, 2, 3, 4;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_count_listed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_was integer := (OLD.deleted_at IS NULL)::integer;
    v_is integer := (NEW.deleted_at IS NULL)::integer;
BEGIN
    UPDATE public.storage_usage u SET listed = u.listed + v_is - v_was
    WHERE u.user_id = NEW.user_id;
    IF v_was = 1 THEN
        PERFORM public.imgapp_count_in_block(OLD.user_id, OLD.uploaded_at, OLD.id, -1);
    END IF;
    IF v_is = 1 THEN
        PERFORM public.imgapp_count_in_block(NEW.user_id, NEW.uploaded_at, NEW.id, 1);
    END IF;
    RETURN NULL;
END
$$;
