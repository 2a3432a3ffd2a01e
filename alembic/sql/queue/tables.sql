-- The circuit breaker's state, and since when people have had pictures waiting.

-- How a model of a server fares, or the picture store ('store', ''). `server` is a hash: addresses and
-- keys may be secrets.
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

-- So that "3 of 40 done" has its 40. There is a row as long as something waits.
CREATE TABLE progress (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    since timestamptz NOT NULL
);

ALTER TABLE progress ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON progress USING (user_id = (SELECT :user_id));
CREATE POLICY system ON progress TO imgapp_system USING (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON provider_state TO imgapp_system;
GRANT SELECT, INSERT, DELETE ON progress TO imgapp_system;
GRANT SELECT ON provider_state, progress TO :app;
