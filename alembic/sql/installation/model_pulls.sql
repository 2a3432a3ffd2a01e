-- Model pulls: models of the catalogue that an administrator wants, and how far a worker is with them.

-- Asked for again, one that failed goes on where it was.
CREATE OR REPLACE FUNCTION imgapp_want_model(p_name text, p_total bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    INSERT INTO public.model_pulls (name, asked_by, asked_at, total)
    VALUES (p_name, :user_id, clock_timestamp(), p_total)
    ON CONFLICT (name) DO UPDATE
    SET asked_by = :user_id, asked_at = clock_timestamp(), total = p_total, problem = NULL;
END
$$;

-- Answers whether it was wanted. Whoever fetches it notices.
CREATE OR REPLACE FUNCTION imgapp_unwant_model(p_name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    DELETE FROM public.model_pulls p WHERE p.name = p_name;
    RETURN FOUND;
END
$$;

-- Takes the one that was asked for first and that no living worker is at.
CREATE OR REPLACE FUNCTION imgapp_claim_model_pull(p_lease_id uuid, p_lease_seconds integer)
RETURNS TABLE (name text, asked_by uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
    UPDATE public.model_pulls p
    SET lease_id = p_lease_id,
        lease_expires_at = clock_timestamp() + make_interval(secs => p_lease_seconds)
    WHERE p.name = (
        SELECT w.name FROM public.model_pulls w
        WHERE w.problem IS NULL
            AND (w.lease_expires_at IS NULL OR w.lease_expires_at < clock_timestamp())
        ORDER BY w.asked_at LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
    RETURNING p.name, p.asked_by
$$;

-- How far it is; answers whether it is still wanted, and of this worker.
CREATE OR REPLACE FUNCTION imgapp_note_model_pull(
    p_lease_id uuid, p_lease_seconds integer, p_done bigint, p_checking boolean
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.model_pulls p
    SET done = p_done, checking = p_checking,
        lease_expires_at = clock_timestamp() + make_interval(secs => p_lease_seconds)
    WHERE p.lease_id = p_lease_id;
    RETURN FOUND;
END
$$;

-- It is here, or stays with a problem until it is asked for again.
CREATE OR REPLACE FUNCTION imgapp_end_model_pull(p_lease_id uuid, p_problem text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF p_problem IS NULL THEN
        DELETE FROM public.model_pulls p WHERE p.lease_id = p_lease_id;
    ELSE
        UPDATE public.model_pulls p
        SET problem = p_problem, lease_id = NULL, lease_expires_at = NULL, checking = false
        WHERE p.lease_id = p_lease_id;
    END IF;
END
$$;
