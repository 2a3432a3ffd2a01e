-- Accounts and how they are signed in to: passwords, sessions, access tokens, single sign-on.

CREATE OR REPLACE FUNCTION imgapp_user_count() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$ SELECT count(id)::integer FROM public.users $$;

CREATE OR REPLACE FUNCTION imgapp_create_user(
    p_id uuid, p_email text, p_password_hash text, p_is_admin boolean, p_only_first boolean
) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_id uuid;
BEGIN
    -- One at a time: "only if nobody is there" could otherwise be true for two at once.
    PERFORM pg_advisory_xact_lock(hashtext('imgapp_create_user'));
    IF p_only_first AND EXISTS (SELECT FROM public.users) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.users (id, email, password_hash, is_admin, created_at)
    VALUES (p_id, p_email, p_password_hash, p_is_admin, now())
    ON CONFLICT (lower(email)) DO NOTHING
    RETURNING id INTO v_id;
    RETURN v_id;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_mark_self_registered(p_id uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$ UPDATE public.users u SET self_registered = true WHERE u.id = p_id $$;

CREATE OR REPLACE FUNCTION imgapp_sign_in(p_email text)
RETURNS TABLE (id uuid, password_hash text, disabled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT u.id, u.password_hash, u.disabled_at IS NOT NULL OR u.deleting_at IS NOT NULL
    FROM public.users u
    WHERE lower(u.email) = lower(p_email)
$$;

CREATE OR REPLACE FUNCTION imgapp_session(p_token_hash text)
RETURNS TABLE (session_id uuid, user_id uuid, email text, is_admin boolean, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.id, u.id, u.email, u.is_admin, s.expires_at
    FROM public.sessions s JOIN public.users u ON u.id = s.user_id
    WHERE s.token_hash = p_token_hash AND s.expires_at > now()
        AND u.disabled_at IS NULL AND u.deleting_at IS NULL
$$;

CREATE OR REPLACE FUNCTION imgapp_session_by_id(p_id uuid)
RETURNS TABLE (session_id uuid, user_id uuid, email text, is_admin boolean, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.id, u.id, u.email, u.is_admin, s.expires_at
    FROM public.sessions s JOIN public.users u ON u.id = s.user_id
    WHERE s.id = p_id AND s.expires_at > now()
        AND u.disabled_at IS NULL AND u.deleting_at IS NULL
$$;

CREATE OR REPLACE FUNCTION imgapp_token(p_token_hash text)
RETURNS TABLE (token_id uuid, user_id uuid, email text, is_admin boolean, scopes text[])
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    v_user uuid;
BEGIN
    -- Written at most once a minute, and never waited for: a token is used by many requests at once.
    UPDATE public.tokens SET last_used_at = now()
    WHERE id = (
        SELECT t.id FROM public.tokens t
        WHERE t.token_hash = p_token_hash
            AND (t.expires_at IS NULL OR t.expires_at > now())
            AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute')
        FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING tokens.user_id INTO v_user;
    IF v_user IS NOT NULL THEN
        UPDATE public.users SET last_seen_at = now()
        WHERE id = (
            SELECT u.id FROM public.users u
            WHERE u.id = v_user AND u.disabled_at IS NULL AND u.deleting_at IS NULL
            FOR NO KEY UPDATE SKIP LOCKED
        );
    END IF;
    RETURN QUERY
    SELECT t.id, u.id, u.email, u.is_admin, t.scopes
    FROM public.tokens t JOIN public.users u ON u.id = t.user_id
    WHERE t.token_hash = p_token_hash
        AND (t.expires_at IS NULL OR t.expires_at > now())
        AND u.disabled_at IS NULL AND u.deleting_at IS NULL;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_identity(p_issuer text, p_subject text)
RETURNS TABLE (identity_id uuid, user_id uuid, email text, is_admin boolean, disabled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT i.id, u.id, u.email, u.is_admin, u.disabled_at IS NOT NULL OR u.deleting_at IS NOT NULL
    FROM public.identities i JOIN public.users u ON u.id = i.user_id
    WHERE i.issuer = p_issuer AND i.subject = p_subject
$$;
