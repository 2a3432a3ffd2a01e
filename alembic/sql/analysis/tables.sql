-- Analyses, what people and administrators ask of models, and runs of analyses again.

-- Immutable: a new analysis adds a row. No foreign key to the run: it is forgotten before.
CREATE TABLE image_analyses (
    id uuid PRIMARY KEY,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    lease_id uuid UNIQUE,
    description text,
    alt_text text,
    tags text[],
    visible_text text,
    decorative boolean,
    language text,
    processing_time double precision NOT NULL
        CONSTRAINT image_analyses_processing_time_check CHECK (processing_time >= 0),
    created_at timestamptz NOT NULL,
    completed_at timestamptz NOT NULL,
    model_version text NOT NULL,
    prompt_version text,
    detail text
        CONSTRAINT image_analyses_detail_check
        CHECK (detail IN ('brief', 'standard', 'detailed')),
    asked text CONSTRAINT image_analyses_asked_check CHECK (length(asked) = 64),
    reused_from uuid,
    run_id uuid,
    input_tokens integer,
    output_tokens integer,
    cost double precision
);
CREATE INDEX image_analyses_history ON image_analyses (image_id, created_at DESC);
CREATE INDEX image_analyses_by_model ON image_analyses (user_id, model_version, id);
CREATE INDEX ix_image_analyses_user_id ON image_analyses (user_id);
ALTER TABLE images ADD CONSTRAINT images_analysis_id_fkey
    FOREIGN KEY (analysis_id) REFERENCES image_analyses ON DELETE SET NULL;

-- What a person has said of all their pictures. There is no row before they say something.
CREATE TABLE preferences (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    language text CONSTRAINT preferences_language_check CHECK (length(language) BETWEEN 2 AND 35),
    context text CONSTRAINT preferences_context_check CHECK (length(context) <= 10000),
    glossary text CONSTRAINT preferences_glossary_check CHECK (length(glossary) <= 50000),
    -- By language, where the one for all does not do.
    glossaries jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT preferences_glossaries_check
        CHECK (jsonb_typeof(glossaries) = 'object' AND length(glossaries::text) <= 500000),
    -- What pictures are owed besides the first one.
    further_languages text[] NOT NULL DEFAULT '{}'
        CONSTRAINT preferences_further_languages_check
        CHECK (cardinality(further_languages) <= 20),
    -- What a person writes is approved in the same step.
    approve_own boolean NOT NULL DEFAULT false,
    -- Rules whose doubts are not shown.
    rules_off text[] NOT NULL DEFAULT '{}'
        CONSTRAINT preferences_rules_off_check CHECK (cardinality(rules_off) <= 100),
    -- Of a hundred pictures in Review: whose text is shown when it is asked for, and which a second
    -- person sees.
    review_blind_share integer NOT NULL DEFAULT 0
        CONSTRAINT preferences_review_blind_share_check
        CHECK (review_blind_share BETWEEN 0 AND 100),
    review_second_share integer NOT NULL DEFAULT 0
        CONSTRAINT preferences_review_second_share_check
        CHECK (review_second_share BETWEEN 0 AND 100),
    vocabulary text[] NOT NULL DEFAULT '{}'
        CONSTRAINT preferences_vocabulary_check CHECK (cardinality(vocabulary) <= 2000),
    never_cloud boolean NOT NULL DEFAULT false,
    paused boolean NOT NULL DEFAULT false,
    paused_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER preferences_paused BEFORE INSERT OR UPDATE ON preferences
    FOR EACH ROW EXECUTE FUNCTION imgapp_note_pause();

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

-- Pictures that are analysed again together. `chosen` is what was asked for, in words of the API.
CREATE TABLE runs (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    chosen jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT runs_chosen_check
        CHECK (jsonb_typeof(chosen) = 'object' AND length(chosen::text) <= 4000),
    model text CONSTRAINT runs_model_check CHECK (length(model) <= 200),
    language text CONSTRAINT runs_language_check CHECK (length(language) <= 35),
    made_from text CONSTRAINT runs_made_from_check CHECK (length(made_from) <= 35),
    use text CONSTRAINT runs_use_check CHECK (length(use) <= 500),
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

CREATE TRIGGER images_run AFTER UPDATE OF ask, deleted_at ON images FOR EACH ROW
    WHEN (
        OLD.ask ->> 'run_id' IS NOT NULL
        AND (OLD.ask, OLD.deleted_at) IS DISTINCT FROM (NEW.ask, NEW.deleted_at)
    )
    EXECUTE FUNCTION imgapp_note_run_item();

-- Foreign keys look past row-level security: what a row points to must be the person's own, too.
ALTER TABLE image_analyses ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON image_analyses
    USING (user_id = (SELECT :user_id))
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = image_analyses.image_id AND images.user_id = image_analyses.user_id
        )
    );

ALTER TABLE preferences ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON preferences USING (user_id = (SELECT :user_id));
CREATE POLICY system ON preferences FOR SELECT TO imgapp_system USING (true);

ALTER TABLE prompts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON prompts USING (user_id = (SELECT :user_id));

ALTER TABLE prompt_trials ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON prompt_trials
    USING (user_id = (SELECT :user_id))
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = prompt_trials.image_id AND images.user_id = prompt_trials.user_id
        )
    );

ALTER TABLE runs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON runs USING (user_id = (SELECT :user_id));
CREATE POLICY system ON runs TO imgapp_system USING (true);

ALTER TABLE run_items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON run_items
    USING (user_id = (SELECT :user_id))
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM runs WHERE runs.id = run_items.run_id AND runs.user_id = run_items.user_id
        )
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = run_items.image_id AND images.user_id = run_items.user_id
        )
    );
CREATE POLICY system ON run_items TO imgapp_system USING (true);

GRANT SELECT (user_id, never_cloud, paused, paused_at) ON preferences TO imgapp_system;
GRANT SELECT, INSERT, DELETE ON installation_prompts TO imgapp_system;
GRANT SELECT (id, user_id, finished_at, cancelled_at), DELETE ON runs TO imgapp_system;
GRANT SELECT (run_id, image_id, user_id, outcome), UPDATE (outcome, finished_at)
    ON run_items TO imgapp_system;

GRANT SELECT, INSERT ON image_analyses TO :app;
GRANT SELECT, INSERT, DELETE,
    UPDATE (
        language, context, glossary, glossaries, further_languages, approve_own, rules_off,
        review_blind_share, review_second_share, vocabulary, never_cloud, paused, paused_at, updated_at
    )
    ON preferences TO :app;
GRANT SELECT, INSERT, DELETE ON prompts TO :app;
GRANT SELECT ON installation_prompts TO :app;
GRANT SELECT, INSERT, DELETE,
    UPDATE (
        state, started_at, finished_at, answer, model_version, processing_time, input_tokens,
        output_tokens, cost, error_code, error_message
    ) ON prompt_trials TO :app;
GRANT SELECT, INSERT, UPDATE (cancelled_at, finished_at) ON runs TO :app;
GRANT SELECT, INSERT, UPDATE (outcome, finished_at, was) ON run_items TO :app;
