-- Runs: analyses of many pictures again.

-- What became of a picture that a run had queued, whoever ends its request: an answer, a failure, a
-- worker that was killed too often, another request, the trash.
CREATE OR REPLACE FUNCTION imgapp_note_run_item() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.run_items r
    SET (outcome, finished_at) = (
        SELECT o.outcome, CASE WHEN o.outcome <> 'queued' THEN clock_timestamp() END
        FROM (
            SELECT CASE
                WHEN NEW.deleted_at IS NOT NULL THEN 'skipped'
                WHEN NEW.ask ->> 'run_id' = OLD.ask ->> 'run_id' THEN 'queued'
                WHEN NEW.analysis_status IN ('completed', 'failed') THEN NEW.analysis_status
                ELSE 'skipped'
            END AS outcome
        ) o
    )
    WHERE r.run_id = (OLD.ask ->> 'run_id')::uuid AND r.image_id = OLD.id
        AND r.user_id = OLD.user_id AND r.outcome IN ('queued', 'skipped');
    RETURN NULL;
END
$$;

-- Runs of which something is left to do, the oldest first.
CREATE OR REPLACE FUNCTION imgapp_open_runs(p_limit integer) RETURNS TABLE (run_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT r.id, r.user_id FROM public.runs r
    JOIN public.users u ON u.id = r.user_id AND u.disabled_at IS NULL AND u.deleting_at IS NULL
    WHERE r.finished_at IS NULL ORDER BY r.id LIMIT p_limit
$$;

-- Forgets runs that ended that long ago; returns how many.
CREATE OR REPLACE FUNCTION imgapp_purge_runs(p_age interval, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v_gone integer;
BEGIN
    DELETE FROM public.runs WHERE id IN (
        SELECT r.id FROM public.runs r WHERE r.finished_at < now() - p_age
        LIMIT p_limit
    );
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    RETURN v_gone;
END
$$;
