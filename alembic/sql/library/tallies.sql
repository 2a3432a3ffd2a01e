-- Tallies: how many pictures a person has in each state, kept at each change (materialised counts). A
-- change is a row of its own, which nobody waits for, and the worker adds the rows up every two
-- seconds: of whatever is counted, `image_tallies` and `image_tally_changes` together are right at any
-- time.

-- What pictures wait for, or why they failed.
CREATE OR REPLACE FUNCTION imgapp_tally_reason(p_status text, p_waiting_reason text, p_error_code text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT CASE p_status
        WHEN 'pending' THEN coalesce(p_waiting_reason, '')
        WHEN 'failed' THEN coalesce(p_error_code, 'unknown')
        ELSE ''
    END
$$;

-- A picture is in another state, went to the trash or came back.
CREATE OR REPLACE FUNCTION imgapp_tally() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO public.image_tally_changes (user_id, status, reason, no_alt_text, change)
    SELECT s.* FROM (VALUES
        (OLD.user_id, OLD.analysis_status, public.imgapp_tally_reason(
            OLD.analysis_status, OLD.waiting_reason, OLD.error_code
        ), OLD.no_alt_text, CASE WHEN OLD.deleted_at IS NULL THEN -1 END),
        (NEW.user_id, NEW.analysis_status, public.imgapp_tally_reason(
            NEW.analysis_status, NEW.waiting_reason, NEW.error_code
        ), NEW.no_alt_text, CASE WHEN NEW.deleted_at IS NULL THEN 1 END)
    ) s (user_id, status, reason, no_alt_text, change)
    WHERE s.change IS NOT NULL;
    RETURN NULL;
END
$$;

-- Adds up changes; returns how many.
CREATE OR REPLACE FUNCTION imgapp_add_up_tallies(p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_done integer;
BEGIN
    -- One worker at a time.
    IF NOT pg_try_advisory_xact_lock(hashtext('imgapp_tallies')) THEN
        RETURN 0;
    END IF;
    WITH taken AS (
        DELETE FROM public.image_tally_changes c
        WHERE c.ctid = ANY (ARRAY(SELECT t.ctid FROM public.image_tally_changes t LIMIT p_limit))
        RETURNING c.*
    ), added AS (
        INSERT INTO public.image_tallies AS t (user_id, status, reason, no_alt_text, images)
        SELECT s.user_id, s.status, s.reason, s.no_alt_text, sum(s.change) FROM taken s
        -- Of people who are there.
        JOIN public.users u ON u.id = s.user_id
        GROUP BY s.user_id, s.status, s.reason, s.no_alt_text HAVING sum(s.change) <> 0
        ON CONFLICT (user_id, status, reason, no_alt_text)
        DO UPDATE SET images = t.images + excluded.images
    )
    SELECT count(*) INTO v_done FROM taken;
    RETURN v_done;
END
$$;
