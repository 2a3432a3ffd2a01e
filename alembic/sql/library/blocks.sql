-- Blocks: how many pictures there are between two places of a person's list (order statistics). A
-- place in the middle of a million is found by adding up a thousand numbers, and not by counting the
-- pictures before it. Of one or two thousand pictures each; the pictures of a block are those from its
-- first key on, and before that of the next. Whoever writes holds the person's row of storage_usage:
-- nobody changes the same blocks meanwhile.

-- Into as many blocks as its pictures need. Not while some of them are still to be counted: it counts
-- what is there.
CREATE OR REPLACE FUNCTION imgapp_split_block(p_user_id uuid, p_at timestamptz, p_id uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = ''
AS $$
DECLARE
    v_end_at timestamptz;
    v_end_id uuid;
BEGIN
    SELECT b.first_at, b.first_id INTO v_end_at, v_end_id FROM public.image_blocks b
    WHERE b.user_id = p_user_id AND (b.first_at, b.first_id) > (p_at, p_id)
    ORDER BY b.first_at, b.first_id LIMIT 1;
    INSERT INTO public.image_blocks AS b (user_id, first_at, first_id, images)
    SELECT p_user_id, CASE WHEN s.before = 0 THEN p_at ELSE s.uploaded_at END,
        CASE WHEN s.before = 0 THEN p_id ELSE s.id END, least(1000, s.all_of_it - s.before)
    FROM (
        SELECT i.uploaded_at, i.id, count(*) OVER () AS all_of_it,
            row_number() OVER (ORDER BY i.uploaded_at, i.id) - 1 AS before
        FROM public.images i
        WHERE i.user_id = p_user_id AND i.deleted_at IS NULL
            AND (i.uploaded_at, i.id) >= (p_at, p_id)
            AND (i.uploaded_at, i.id) < (
                coalesce(v_end_at, 'infinity'),
                coalesce(v_end_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
            )
    ) s WHERE s.before % 1000 = 0
    ON CONFLICT (user_id, first_at, first_id) DO UPDATE SET images = excluded.images;
END
$$;

-- One picture came, or went.
CREATE OR REPLACE FUNCTION imgapp_count_in_block(
    p_user_id uuid, p_at timestamptz, p_id uuid, p_change integer
) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = ''
AS $$
DECLARE
    v_left integer;
    v_first timestamptz;
BEGIN
    UPDATE public.image_blocks b SET images = b.images + p_change
    WHERE b.user_id = p_user_id AND (b.first_at, b.first_id) = (
        SELECT o.first_at, o.first_id FROM public.image_blocks o
        WHERE o.user_id = p_user_id AND (o.first_at, o.first_id) <= (p_at, p_id)
        ORDER BY o.first_at DESC, o.first_id DESC LIMIT 1
    ) RETURNING b.images, b.first_at INTO v_left, v_first;
    IF v_left IS NULL AND p_change > 0 THEN
        INSERT INTO public.image_blocks (user_id, first_at, first_id, images)
        VALUES (p_user_id, '-infinity', '00000000-0000-0000-0000-000000000000', p_change);
    ELSIF v_left <= 0 AND v_first > '-infinity' THEN
        DELETE FROM public.image_blocks b
        WHERE b.user_id = p_user_id AND b.first_at = v_first AND b.images <= 0;
    END IF;
END
$$;

-- After pictures were put back, or came to another place: once all of them are counted.
CREATE OR REPLACE FUNCTION imgapp_split_blocks() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_split_block(b.user_id, b.first_at, b.first_id)
    FROM (
        SELECT * FROM public.image_blocks b WHERE b.user_id = :user_id AND b.images > 2000 OFFSET 0
    ) b;
    RETURN NULL;
END
$$;

-- Where the list of the person of this transaction has to be read from for what comes after `p_offset`
-- pictures: a key (null: from the start) and how many of those that follow it come before. No row
-- beyond the end. Not a definer: called by itself it reaches what its caller does.
CREATE OR REPLACE FUNCTION imgapp_block_at(
    p_offset integer, p_descending boolean, OUT at timestamptz, OUT id uuid, OUT before integer
) RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_order text := CASE WHEN p_descending THEN 'DESC' ELSE 'ASC' END;
BEGIN
    EXECUTE format(
        'SELECT s.first_at, s.first_id, $1 - s.upto + s.images FROM ('
        'SELECT b.first_at, b.first_id, b.images, sum(b.images) OVER ('
        'ORDER BY b.first_at %1$s, b.first_id %1$s ROWS UNBOUNDED PRECEDING) AS upto'
        ' FROM public.image_blocks b WHERE b.user_id = %2$L'
        ') s WHERE s.upto > $1 LIMIT 1', v_order, :user_id
    ) INTO at, id, before USING p_offset;
    IF before IS NULL THEN
        RETURN;
    END IF;
    IF p_descending THEN
        -- What comes before the first of the block that is newer.
        SELECT n.first_at, n.first_id INTO at, id FROM (SELECT at AS first_at, id AS first_id) f
        LEFT JOIN LATERAL (
            SELECT b.first_at, b.first_id FROM public.image_blocks b
            WHERE b.user_id = :user_id AND (b.first_at, b.first_id) > (f.first_at, f.first_id)
            ORDER BY b.first_at, b.first_id LIMIT 1
        ) n ON true;
    END IF;
    RETURN NEXT;
END
$$;

-- How many pictures of the list of the person of this transaction come before a key, the newest first
-- or the oldest.
CREATE OR REPLACE FUNCTION imgapp_before_key(p_at timestamptz, p_id uuid, p_descending boolean)
RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    v_at timestamptz;
    v_id uuid;
    v_earlier bigint;
BEGIN
    SELECT b.first_at, b.first_id INTO v_at, v_id FROM public.image_blocks b
    WHERE b.user_id = :user_id AND (b.first_at, b.first_id) <= (p_at, p_id)
    ORDER BY b.first_at DESC, b.first_id DESC LIMIT 1;
    SELECT coalesce(sum(b.images), 0) INTO v_earlier FROM public.image_blocks b
    WHERE b.user_id = :user_id AND (b.first_at, b.first_id) < (v_at, v_id);
    v_earlier := v_earlier + (
        SELECT count(*) FROM public.images i
        WHERE i.user_id = :user_id AND i.deleted_at IS NULL
            AND (i.uploaded_at, i.id) >= (v_at, v_id) AND (i.uploaded_at, i.id) < (p_at, p_id)
    );
    RETURN CASE WHEN p_descending THEN (
        SELECT u.listed FROM public.storage_usage u WHERE u.user_id = :user_id
    ) - 1 - v_earlier ELSE v_earlier END;
END
$$;
