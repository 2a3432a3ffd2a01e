-- The installation's settings, as administrators change them.

CREATE OR REPLACE FUNCTION imgapp_note_pause() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    NEW.paused_at := CASE
        WHEN NOT NEW.paused THEN NULL
        WHEN TG_OP = 'UPDATE' AND OLD.paused THEN OLD.paused_at
        ELSE now()
    END;
    NEW.updated_at := clock_timestamp();
    RETURN NEW;
END
$$;

-- What an administrator decides for everybody; what is not among the members stays as it is.
CREATE OR REPLACE FUNCTION imgapp_change_installation(p_edit jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM public.imgapp_require_admin();
    UPDATE public.installation i
    SET (
        paused, max_in_flight, requests_per_minute, tokens_per_minute, models, prices, budget,
        person_budget
    ) = (
        SELECT e.paused, e.max_in_flight, e.requests_per_minute, e.tokens_per_minute, e.models,
            e.prices, e.budget, e.person_budget
        FROM jsonb_populate_record(i, p_edit) e
    );
END
$$;
