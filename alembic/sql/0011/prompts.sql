-- What a person asks of models, in versions, the newest of which holds. null: as everybody else.
CREATE TABLE prompts (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    number integer NOT NULL CONSTRAINT prompts_number_check CHECK (number > 0),
    template text
        CONSTRAINT prompts_template_check CHECK (length(template) BETWEEN 1 AND 12000),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, number)
);

-- What everybody asks who has said nothing of their own. null: what is built in. The author may be
-- gone by now.
CREATE TABLE installation_prompts (
    number integer PRIMARY KEY CONSTRAINT installation_prompts_number_check CHECK (number > 0),
    template text
        CONSTRAINT installation_prompts_template_check
        CHECK (length(template) BETWEEN 1 AND 12000),
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A prompt that is tried before it is saved: each row is a question about one picture, with the
-- prompt as it is ('now') or with the other one ('new').
CREATE TABLE prompt_trials (
    id uuid PRIMARY KEY,
    trial_id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    side text NOT NULL CONSTRAINT prompt_trials_side_check CHECK (side IN ('now', 'new')),
    template text NOT NULL
        CONSTRAINT prompt_trials_template_check CHECK (length(template) BETWEEN 1 AND 12000),
    prompt_version text NOT NULL,
    state text NOT NULL
        CONSTRAINT prompt_trials_state_check
        CHECK (state IN ('waiting', 'asking', 'answered', 'failed')),
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    answer jsonb CONSTRAINT prompt_trials_answer_check CHECK (length(answer::text) <= 200000),
    model_version text,
    processing_time double precision,
    input_tokens integer,
    output_tokens integer,
    cost numeric,
    error_code text,
    error_message text,
    CONSTRAINT prompt_trials_question_key UNIQUE (trial_id, image_id, side)
);
CREATE INDEX ix_prompt_trials_user_id ON prompt_trials (user_id);
CREATE INDEX ix_prompt_trials_image_id ON prompt_trials (image_id);

ALTER TABLE batches
    ADD COLUMN context text CONSTRAINT batches_context_check CHECK (length(context) <= 2000);

ALTER TABLE prompts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON prompts
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));

ALTER TABLE prompt_trials ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON prompt_trials
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid))
    -- Foreign keys look past row-level security: the picture must be the person's own, too.
    WITH CHECK (
        user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid)
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = prompt_trials.image_id AND images.user_id = prompt_trials.user_id
        )
    );

GRANT SELECT, INSERT, DELETE ON prompts TO :app;
GRANT SELECT ON installation_prompts TO :app;
GRANT SELECT, INSERT, DELETE ON installation_prompts TO imgapp_system;
GRANT SELECT, INSERT, DELETE,
    UPDATE (
        state, started_at, finished_at, answer, model_version, processing_time, input_tokens,
        output_tokens, cost, error_code, error_message
    ) ON prompt_trials TO :app;
GRANT UPDATE (name, context) ON batches TO :app;

-- Another version for everybody; null goes back to what is built in. The last 500 are kept.
CREATE FUNCTION imgapp_add_installation_prompt(p_template text) RETURNS integer
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
    WHERE u.id = NULLIF(current_setting('app.user_id', true), '')::uuid;
    DELETE FROM public.installation_prompts p WHERE p.number <= v_number - 500;
    RETURN v_number;
END
$$;
