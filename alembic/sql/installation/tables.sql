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

CREATE TRIGGER installation_paused BEFORE INSERT OR UPDATE ON installation
    FOR EACH ROW EXECUTE FUNCTION imgapp_note_pause();

GRANT SELECT, UPDATE ON installation TO imgapp_system;
GRANT SELECT ON installation TO :app;
