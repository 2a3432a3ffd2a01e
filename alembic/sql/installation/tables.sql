-- The installation's settings: what administrators decide for everybody while imgapp runs.

-- One row. null is no limit.
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

-- Vision models of servers that administrators connected in the page; those of the environment are not
-- here. `name` is what is chosen and priced, `model` what the server calls it.
CREATE TABLE connected_models (
    name text PRIMARY KEY CONSTRAINT connected_models_name_check
        CHECK (length(name) BETWEEN 1 AND 200 AND name <> 'basic-1' AND left(name, 1) <> '!'),
    kind text NOT NULL CONSTRAINT connected_models_kind_check CHECK (length(kind) BETWEEN 1 AND 20),
    base_url text NOT NULL CONSTRAINT connected_models_base_url_check CHECK (length(base_url) <= 2000),
    model text NOT NULL CONSTRAINT connected_models_model_check CHECK (length(model) BETWEEN 1 AND 200),
    -- Encrypted: whoever reads the database, or a copy of it, has no key.
    sealed_key text CONSTRAINT connected_models_sealed_key_check CHECK (length(sealed_key) <= 5000),
    seconds integer CONSTRAINT connected_models_seconds_check CHECK (seconds BETWEEN 5 AND 3600),
    at_once integer CONSTRAINT connected_models_at_once_check CHECK (at_once BETWEEN 1 AND 256),
    local boolean NOT NULL,
    role text CONSTRAINT connected_models_role_check CHECK (role IN ('default', 'fallback'))
        CONSTRAINT connected_models_role_key UNIQUE,
    server text NOT NULL CONSTRAINT connected_models_server_check CHECK (length(server) <= 100),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Models of the catalogue that a worker fetches.
CREATE TABLE model_pulls (
    name text PRIMARY KEY CONSTRAINT model_pulls_name_check CHECK (length(name) <= 100),
    asked_by uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    asked_at timestamptz NOT NULL,
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL,
    checking boolean NOT NULL DEFAULT false,
    problem text CONSTRAINT model_pulls_problem_check CHECK (length(problem) <= 1000),
    lease_id uuid,
    lease_expires_at timestamptz
);
CREATE INDEX model_pulls_asked_by ON model_pulls (asked_by);

CREATE TRIGGER installation_paused BEFORE INSERT OR UPDATE ON installation
    FOR EACH ROW EXECUTE FUNCTION imgapp_note_pause();

GRANT SELECT, UPDATE ON installation TO imgapp_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON connected_models, model_pulls TO imgapp_system;
GRANT SELECT ON installation, connected_models, model_pulls TO :app;
