-- Connected models: administrators connect, change and disconnect vision models of servers.

-- Keeps one under its name: a new one, or what has changed of it. Whoever becomes the default, or the
-- fall-back, is that alone.
CREATE OR REPLACE FUNCTION imgapp_keep_model(p_model jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_new public.connected_models := jsonb_populate_record(NULL::public.connected_models, p_model);
BEGIN
    PERFORM public.imgapp_require_admin();
    -- One change at a time, or two would become the default.
    PERFORM pg_advisory_xact_lock(hashtext('imgapp_connected_models'));
    IF v_new.role IS NOT NULL THEN
        UPDATE public.connected_models m SET role = NULL
        WHERE m.role = v_new.role AND m.name <> v_new.name;
    END IF;
    INSERT INTO public.connected_models AS m (
        name, kind, base_url, model, sealed_key, seconds, at_once, local, role, server, created_at,
        updated_at
    ) VALUES (
        v_new.name, v_new.kind, v_new.base_url, v_new.model, v_new.sealed_key, v_new.seconds,
        v_new.at_once, v_new.local, v_new.role, v_new.server, clock_timestamp(), clock_timestamp()
    )
    ON CONFLICT (name) DO UPDATE
    SET kind = v_new.kind, base_url = v_new.base_url, model = v_new.model,
        sealed_key = v_new.sealed_key, seconds = v_new.seconds, at_once = v_new.at_once,
        local = v_new.local, role = v_new.role, server = v_new.server,
        updated_at = clock_timestamp();
    -- Whatever failed before may be mended by this.
    DELETE FROM public.provider_state s WHERE s.server = v_new.server AND s.model = v_new.name;
END
$$;

-- Answers whether there was one of this name.
CREATE OR REPLACE FUNCTION imgapp_remove_model(p_name text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    PERFORM pg_advisory_xact_lock(hashtext('imgapp_connected_models'));
    DELETE FROM public.provider_state s USING public.connected_models m
    WHERE m.name = p_name AND s.server = m.server AND s.model = m.name;
    DELETE FROM public.connected_models m WHERE m.name = p_name;
    RETURN FOUND;
END
$$;
