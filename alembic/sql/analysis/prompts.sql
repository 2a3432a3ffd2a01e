-- The installation's prompt, in versions.

-- Another version for everybody; null goes back to what is built in. The last 500 are kept.
CREATE OR REPLACE FUNCTION imgapp_add_installation_prompt(p_template text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_number integer;
BEGIN
    PERFORM public.imgapp_require_admin();
    PERFORM pg_advisory_xact_lock(hashtext('imgapp_installation_prompts'));
    SELECT coalesce(max(p.number), 0) + 1 INTO v_number FROM public.installation_prompts p;
    INSERT INTO public.installation_prompts (number, template, author)
    SELECT v_number, p_template, u.email FROM public.users u
    WHERE u.id = :user_id;
    DELETE FROM public.installation_prompts p WHERE p.number <= v_number - 500;
    RETURN v_number;
END
$$;
