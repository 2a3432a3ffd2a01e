-- The audit trail.

-- False if the same happened within `p_once_within`, and so was not written again.
CREATE OR REPLACE FUNCTION imgapp_audit(
    p_id uuid, p_user_id uuid, p_kind text, p_address text, p_user_agent text, p_details jsonb,
    p_once_within interval
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF p_once_within IS NOT NULL AND EXISTS (
        SELECT FROM public.audit_events e
        WHERE e.kind = p_kind AND e.at > now() - p_once_within
            AND e.user_id IS NOT DISTINCT FROM p_user_id
            AND e.address = p_address AND e.details = p_details
    ) THEN
        RETURN false;
    END IF;
    INSERT INTO public.audit_events (
        id, at, user_id, actor_email, kind, address, user_agent, details
    ) VALUES (
        p_id, clock_timestamp(), p_user_id,
        (SELECT u.email FROM public.users u WHERE u.id = p_user_id),
        p_kind, left(p_address, 100), left(p_user_agent, 300), p_details
    );
    RETURN true;
END
$$;

CREATE OR REPLACE FUNCTION imgapp_audit_events(
    p_kind text, p_person text, p_since timestamptz, p_until timestamptz,
    p_before timestamptz, p_before_id uuid, p_limit integer
) RETURNS TABLE (
    id uuid, at timestamptz, user_id uuid, actor_email text, kind text, address text,
    user_agent text, details jsonb
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    RETURN QUERY
    SELECT e.id, e.at, e.user_id, e.actor_email, e.kind, e.address, e.user_agent, e.details
    FROM public.audit_events e
    WHERE (p_kind IS NULL OR e.kind = p_kind)
        AND (
            p_person IS NULL
            OR position(lower(p_person) IN lower(e.actor_email)) > 0
            OR position(lower(p_person) IN lower(e.details ->> 'person')) > 0
        )
        AND (p_since IS NULL OR e.at >= p_since)
        AND (p_until IS NULL OR e.at < p_until)
        AND (p_before IS NULL OR (e.at, e.id) < (p_before, p_before_id))
    ORDER BY e.at DESC, e.id DESC
    LIMIT p_limit;
END
$$;

-- Whatever it is asked for, the last 90 days stay.
CREATE OR REPLACE FUNCTION imgapp_trim_audit(p_older_than interval, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_count integer;
BEGIN
    DELETE FROM public.audit_events e WHERE e.id IN (
        SELECT old.id FROM public.audit_events old
        WHERE old.at < now() - greatest(p_older_than, interval '90 days')
        ORDER BY old.at LIMIT p_limit
    );
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;
