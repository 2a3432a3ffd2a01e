-- One row: what administrators decide for everybody while imgapp runs. null is no limit.
CREATE TABLE installation (
    id integer PRIMARY KEY CONSTRAINT installation_id_check CHECK (id = 1),
    paused boolean NOT NULL DEFAULT false,
    paused_at timestamptz,
    max_in_flight integer CONSTRAINT installation_max_in_flight_check CHECK (max_in_flight > 0),
    requests_per_minute integer
        CONSTRAINT installation_requests_per_minute_check CHECK (requests_per_minute > 0),
    tokens_per_minute integer
        CONSTRAINT installation_tokens_per_minute_check CHECK (tokens_per_minute > 0),
    models text[] NOT NULL DEFAULT '{}'
        CONSTRAINT installation_models_check CHECK (cardinality(models) <= 50),
    prices jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT installation_prices_check
        CHECK (jsonb_typeof(prices) = 'object' AND length(prices::text) <= 50000),
    budget numeric CONSTRAINT installation_budget_check CHECK (budget >= 0),
    person_budget numeric CONSTRAINT installation_person_budget_check CHECK (person_budget >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO installation (id) VALUES (1);

-- What a person has said of all their pictures. There is no row before they say something.
CREATE TABLE preferences (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    language text CONSTRAINT preferences_language_check CHECK (length(language) BETWEEN 2 AND 35),
    context text CONSTRAINT preferences_context_check CHECK (length(context) <= 10000),
    glossary text CONSTRAINT preferences_glossary_check CHECK (length(glossary) <= 50000),
    vocabulary text[] NOT NULL DEFAULT '{}'
        CONSTRAINT preferences_vocabulary_check CHECK (cardinality(vocabulary) <= 2000),
    never_cloud boolean NOT NULL DEFAULT false,
    paused boolean NOT NULL DEFAULT false,
    paused_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- The breaker: how a model of a server fares, or the picture store ('store', ''). `server` is a
-- hash: addresses and keys may be secrets.
CREATE TABLE provider_state (
    server text NOT NULL CONSTRAINT provider_state_server_check CHECK (length(server) <= 100),
    model text NOT NULL CONSTRAINT provider_state_model_check CHECK (length(model) <= 300),
    failures integer NOT NULL DEFAULT 0,
    openings integer NOT NULL DEFAULT 0,
    opened_at timestamptz,
    open_until timestamptz,
    held_until timestamptz,
    probe_lease uuid,
    code text,
    message text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (server, model)
);

ALTER TABLE users
    ADD COLUMN budget numeric CONSTRAINT users_budget_check CHECK (budget >= 0),
    ADD COLUMN over_budget boolean NOT NULL DEFAULT false;
-- Noted by the sweep for those who wait, so that a claim need not ask of everybody.
CREATE INDEX users_over_budget ON users (id) WHERE over_budget;

ALTER TABLE images
    ADD COLUMN never_cloud boolean NOT NULL DEFAULT false,
    ADD COLUMN context text CONSTRAINT images_context_check CHECK (length(context) <= 10000),
    ADD COLUMN ask jsonb
        CONSTRAINT images_ask_check
        CHECK (jsonb_typeof(ask) = 'object' AND length(ask::text) <= 2000),
    ADD COLUMN lane text NOT NULL DEFAULT '';

-- The claim walks from lane to lane: what waits for one model must not be read through to find what
-- waits for another.
DROP INDEX images_due;
CREATE INDEX images_due ON images (priority, user_id, lane, due_at, id)
    WHERE analysis_status = 'pending' AND deleted_at IS NULL;
CREATE INDEX images_waiting ON images (user_id, lane, waiting_reason, id)
    WHERE analysis_status = 'pending' AND deleted_at IS NULL;

-- '' is asked of whichever model the settings name; '!' in front is never sent to a cloud.
CREATE FUNCTION imgapp_set_lane() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    NEW.lane := CASE WHEN NEW.never_cloud THEN '!' ELSE '' END || coalesce(NEW.ask ->> 'model', '');
    RETURN NEW;
END
$$;

CREATE TRIGGER images_lane BEFORE INSERT OR UPDATE OF never_cloud, ask, lane
    ON images FOR EACH ROW EXECUTE FUNCTION imgapp_set_lane();

DROP TRIGGER images_touched ON images;
CREATE TRIGGER images_touched BEFORE INSERT OR UPDATE OF
    filename, width, height, facts, uploaded_at, deleted_at,
    analysis_status, waiting_reason, error_code, error_message, analysis_id,
    alt_text, alt_text_by, description, description_by, tags, tags_by,
    visible_text, visible_text_by, decorative, decorative_by, language, language_by,
    never_cloud, context
    ON images FOR EACH ROW EXECUTE FUNCTION imgapp_touch_image();

CREATE FUNCTION imgapp_note_pause() RETURNS trigger
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

CREATE TRIGGER preferences_paused BEFORE INSERT OR UPDATE ON preferences
    FOR EACH ROW EXECUTE FUNCTION imgapp_note_pause();
CREATE TRIGGER installation_paused BEFORE INSERT OR UPDATE ON installation
    FOR EACH ROW EXECUTE FUNCTION imgapp_note_pause();

ALTER TABLE preferences ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON preferences
    USING (user_id = (SELECT NULLIF(current_setting('app.user_id', true), '')::uuid));
CREATE POLICY system ON preferences FOR SELECT TO imgapp_system USING (true);

GRANT SELECT (user_id, never_cloud, paused, paused_at) ON preferences TO imgapp_system;
GRANT SELECT, UPDATE ON installation TO imgapp_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON provider_state TO imgapp_system;
GRANT SELECT (budget, over_budget), UPDATE (budget, over_budget) ON users TO imgapp_system;
GRANT SELECT (ask, lane, waiting_reason), UPDATE (ask) ON images TO imgapp_system;

GRANT SELECT ON installation, provider_state TO :app;
GRANT SELECT, INSERT, DELETE,
    UPDATE (language, context, glossary, vocabulary, never_cloud, paused, paused_at, updated_at)
    ON preferences TO :app;
GRANT UPDATE (never_cloud, context, ask) ON images TO :app;
