-- Pictures that are analysed again together. `chosen` is what was asked for, in words of the API.
CREATE TABLE runs (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    chosen jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT runs_chosen_check
        CHECK (jsonb_typeof(chosen) = 'object' AND length(chosen::text) <= 4000),
    model text CONSTRAINT runs_model_check CHECK (length(model) <= 200),
    language text CONSTRAINT runs_language_check CHECK (length(language) <= 35),
    detail text CONSTRAINT runs_detail_check CHECK (detail IN ('brief', 'standard', 'detailed')),
    reuse boolean NOT NULL,
    total integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    cancelled_at timestamptz,
    finished_at timestamptz
);
CREATE INDEX runs_newest ON runs (user_id, created_at DESC, id DESC);
CREATE INDEX runs_open ON runs (id) WHERE finished_at IS NULL;

-- `was` is how the picture stood before it was queued, for when the run is cancelled.
CREATE TABLE run_items (
    run_id uuid NOT NULL REFERENCES runs ON DELETE CASCADE,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    outcome text NOT NULL
        CONSTRAINT run_items_outcome_check
        CHECK (
            outcome IN (
                'waiting', 'queued', 'completed', 'reused', 'failed', 'skipped', 'cancelled'
            )
        ),
    finished_at timestamptz,
    was jsonb CONSTRAINT run_items_was_check CHECK (length(was::text) <= 20000),
    PRIMARY KEY (run_id, image_id)
);
CREATE INDEX run_items_by_outcome ON run_items (run_id, outcome, image_id);
CREATE INDEX run_items_image ON run_items (image_id);
CREATE INDEX run_items_person ON run_items (user_id);

ALTER TABLE image_analyses
    ADD COLUMN detail text
        CONSTRAINT image_analyses_detail_check
        CHECK (detail IN ('brief', 'standard', 'detailed')),
    ADD COLUMN asked text CONSTRAINT image_analyses_asked_check CHECK (length(asked) = 64),
    ADD COLUMN reused_from uuid,
    ADD COLUMN run_id uuid;
CREATE INDEX image_analyses_by_model ON image_analyses (user_id, model_version, id);

-- What the person decided of each text: taken from which model's analysis, or kept against which.
ALTER TABLE images ADD COLUMN choices jsonb NOT NULL DEFAULT '{}'
    CONSTRAINT images_choices_check
    CHECK (jsonb_typeof(choices) = 'object' AND length(choices::text) <= 4000);
CREATE TRIGGER images_chosen BEFORE UPDATE OF choices ON images
    FOR EACH ROW EXECUTE FUNCTION imgapp_touch_image();

ALTER TABLE runs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON runs
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY system ON runs TO imgapp_system USING (true);

ALTER TABLE run_items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON run_items
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid))
    -- Foreign keys look past row-level security: run and picture must be the person's own, too.
    WITH CHECK (
        user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid)
        AND EXISTS (
            SELECT FROM runs WHERE runs.id = run_items.run_id AND runs.user_id = run_items.user_id
        )
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = run_items.image_id AND images.user_id = run_items.user_id
        )
    );
CREATE POLICY system ON run_items TO imgapp_system USING (true);

GRANT SELECT (id, user_id, finished_at, cancelled_at), DELETE ON runs TO imgapp_system;
GRANT SELECT (run_id, image_id, user_id, outcome), UPDATE (outcome, finished_at)
    ON run_items TO imgapp_system;

GRANT SELECT, INSERT, UPDATE (cancelled_at, finished_at) ON runs TO :app;
GRANT SELECT, INSERT, UPDATE (outcome, finished_at, was) ON run_items TO :app;
GRANT UPDATE (choices) ON images TO :app;

-- What became of a picture that a run had queued, whoever ends its request: an answer, a failure, a
-- worker that was killed too often, another request, the trash.
CREATE FUNCTION imgapp_note_run_item() RETURNS trigger
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

CREATE TRIGGER images_run AFTER UPDATE OF ask, deleted_at ON images FOR EACH ROW
    WHEN (
        OLD.ask ->> 'run_id' IS NOT NULL
        AND (OLD.ask, OLD.deleted_at) IS DISTINCT FROM (NEW.ask, NEW.deleted_at)
    )
    EXECUTE FUNCTION imgapp_note_run_item();

-- Programs are told of answers, reused ones as well, and not of a picture whose run was cancelled:
-- it is again what it was.
DROP TRIGGER images_deliveries ON images;
CREATE TRIGGER images_deliveries AFTER UPDATE OF analysis_status, analysis_id ON images FOR EACH ROW
    WHEN (
        NEW.analysis_status IN ('completed', 'failed') AND NEW.deleted_at IS NULL
        AND (
            OLD.analysis_id IS DISTINCT FROM NEW.analysis_id AND NEW.analysis_id IS NOT NULL
            OR OLD.analysis_status IS DISTINCT FROM NEW.analysis_status
            AND NOT (OLD.analysis_status = 'pending' AND OLD.ask IS NOT NULL)
        )
    )
    EXECUTE FUNCTION imgapp_note_deliveries();

-- Runs of which something is left to do, the oldest first.
CREATE FUNCTION imgapp_open_runs(p_limit integer) RETURNS TABLE (run_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT r.id, r.user_id FROM public.runs r
    JOIN public.users u ON u.id = r.user_id AND u.disabled_at IS NULL AND u.deleting_at IS NULL
    WHERE r.finished_at IS NULL ORDER BY r.id LIMIT p_limit
$$;

-- Forgets runs that ended that long ago; returns how many.
CREATE FUNCTION imgapp_purge_runs(p_age interval, p_limit integer) RETURNS integer
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
