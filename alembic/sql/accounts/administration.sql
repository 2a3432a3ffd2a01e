-- The administration of accounts: who may, what they may change, and the deletion of people.

CREATE OR REPLACE FUNCTION imgapp_is_admin() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
-- Whoever the transaction acts for, as of now: not as of their sign-in.
AS $$
    SELECT EXISTS (
        SELECT FROM public.users u
        WHERE u.id = :user_id
            AND u.is_admin AND u.disabled_at IS NULL AND u.deleting_at IS NULL
    )
$$;

CREATE OR REPLACE FUNCTION imgapp_require_admin() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF NOT public.imgapp_is_admin() THEN
        RAISE EXCEPTION 'administrators only' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_first_admin() RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT u.id FROM public.users u
    WHERE u.is_admin AND u.disabled_at IS NULL AND u.deleting_at IS NULL
    ORDER BY u.created_at, u.id LIMIT 1
$$;

-- Whether `p_id` is an administrator who can act, and the only one. One at a time: two who take
-- the role from each other in the same moment would leave nobody.
CREATE OR REPLACE FUNCTION imgapp_is_last_admin(p_id uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('imgapp_administrators'));
    RETURN (
        SELECT bool_and(u.id = p_id) FROM public.users u
        WHERE u.is_admin AND u.disabled_at IS NULL AND u.deleting_at IS NULL
    );
END
$$;

CREATE OR REPLACE FUNCTION imgapp_people(p_id uuid, p_query text, p_after text, p_limit integer)
RETURNS TABLE (
    id uuid, email text, is_admin boolean, created_at timestamptz, disabled_at timestamptz,
    deleting_at timestamptz, last_seen_at timestamptz, images integer, bytes bigint,
    quota_images integer, quota_bytes bigint, has_password boolean, has_identity boolean
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    RETURN QUERY
    SELECT u.id, u.email, u.is_admin, u.created_at, u.disabled_at, u.deleting_at, u.last_seen_at,
        coalesce(s.images, 0), coalesce(s.bytes, 0), u.quota_images, u.quota_bytes,
        u.password_hash IS NOT NULL,
        EXISTS (SELECT FROM public.identities i WHERE i.user_id = u.id)
    FROM public.users u LEFT JOIN public.storage_usage s ON s.user_id = u.id
    WHERE (p_id IS NULL OR u.id = p_id)
        AND (p_query IS NULL OR position(lower(p_query) IN lower(u.email)) > 0)
        AND (p_after IS NULL OR lower(u.email) > lower(p_after))
    ORDER BY lower(u.email) LIMIT p_limit;
END
$$;

-- Answers 'done', 'missing' or 'last_administrator'; null leaves a column as it is.
CREATE OR REPLACE FUNCTION imgapp_update_person(
    p_id uuid, p_disabled boolean, p_is_admin boolean,
    p_set_quota boolean, p_quota_images integer, p_quota_bytes bigint
) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    IF (p_disabled OR NOT p_is_admin) AND public.imgapp_is_last_admin(p_id) THEN
        RETURN 'last_administrator';
    END IF;
    UPDATE public.users u
    SET disabled_at = CASE
            WHEN p_disabled THEN coalesce(u.disabled_at, now())
            WHEN NOT p_disabled THEN NULL
            ELSE u.disabled_at
        END,
        is_admin = coalesce(p_is_admin, u.is_admin),
        quota_images = CASE WHEN p_set_quota THEN p_quota_images ELSE u.quota_images END,
        quota_bytes = CASE WHEN p_set_quota THEN p_quota_bytes ELSE u.quota_bytes END
    WHERE u.id = p_id AND u.deleting_at IS NULL;
    IF NOT FOUND THEN
        RETURN 'missing';
    END IF;
    IF p_disabled THEN
        DELETE FROM public.sessions s WHERE s.user_id = p_id;
    END IF;
    RETURN 'done';
END
$$;

CREATE OR REPLACE FUNCTION imgapp_set_password(p_id uuid, p_password_hash text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    UPDATE public.users u
    SET password_hash = p_password_hash, password_changed_at = now(), password_is_temporary = true
    WHERE u.id = p_id AND u.deleting_at IS NULL;
    IF NOT FOUND THEN
        RETURN 'missing';
    END IF;
    DELETE FROM public.sessions s WHERE s.user_id = p_id;
    RETURN 'done';
END
$$;

-- Signs the person out for good; what is theirs is removed by the functions below, bit by bit.
CREATE OR REPLACE FUNCTION imgapp_delete_person(p_id uuid) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF p_id IS DISTINCT FROM :user_id THEN
        PERFORM public.imgapp_require_admin();
    END IF;
    IF public.imgapp_is_last_admin(p_id) THEN
        RETURN 'last_administrator';
    END IF;
    UPDATE public.users u SET deleting_at = now() WHERE u.id = p_id AND u.deleting_at IS NULL;
    IF NOT FOUND THEN
        RETURN 'missing';
    END IF;
    DELETE FROM public.sessions s WHERE s.user_id = p_id;
    DELETE FROM public.tokens t WHERE t.user_id = p_id;
    DELETE FROM public.identities i WHERE i.user_id = p_id;
    RETURN 'done';
END
$$;

CREATE OR REPLACE FUNCTION imgapp_purge_deleted_images(p_limit integer)
RETURNS TABLE (image_id uuid, user_id uuid, s3_key text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    DELETE FROM public.images i
    WHERE i.id IN (
        SELECT old.id FROM public.users u JOIN public.images old ON old.user_id = u.id
        WHERE u.deleting_at IS NOT NULL
        LIMIT p_limit
        FOR UPDATE OF old SKIP LOCKED
    )
    RETURNING i.id, i.user_id, i.s3_key;
END
$$;

-- Of people who are being deleted, one whose pictures and files are gone.
CREATE OR REPLACE FUNCTION imgapp_purge_deleted_person() RETURNS TABLE (user_id uuid, email text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    DELETE FROM public.users u
    WHERE u.id = (
        SELECT old.id FROM public.users old
        WHERE old.deleting_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM public.images i WHERE i.user_id = old.id)
            AND NOT EXISTS (SELECT FROM public.store_removals r WHERE r.user_id = old.id)
        ORDER BY old.deleting_at LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING u.id, u.email;
END
$$;
