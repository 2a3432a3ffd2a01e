-- The circuit breaker's state, how many calls at once servers take, and since when people have had
-- pictures waiting.

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
    -- In the words of the server, shortened and without keys: for administrators.
    said text CONSTRAINT provider_state_said_check CHECK (length(said) <= 300),
    PRIMARY KEY (server, model)
);

-- How many calls at once a model of a server of one's own takes: `slots`, tried by doubling.
CREATE TABLE learned_concurrency (
    server text NOT NULL CONSTRAINT learned_concurrency_server_check CHECK (length(server) <= 100),
    model text NOT NULL CONSTRAINT learned_concurrency_model_check CHECK (length(model) <= 300),
    slots integer NOT NULL DEFAULT 1
        CONSTRAINT learned_concurrency_slots_check CHECK (slots BETWEEN 1 AND 256),
    -- Whether `slots` was just doubled, and has to prove itself.
    rising boolean NOT NULL DEFAULT false,
    -- Since when there are as many, and what the answers since then were: how many, how many calls were
    -- under way with each, and how many seconds they took.
    since timestamptz NOT NULL DEFAULT now(),
    answers integer NOT NULL DEFAULT 0,
    in_flight double precision NOT NULL DEFAULT 0,
    spent double precision NOT NULL DEFAULT 0,
    -- Answers a second before `slots` was doubled.
    rate double precision,
    -- Until then no more are tried, as more were of no use; how often in a row that was so.
    held_until timestamptz,
    holds integer NOT NULL DEFAULT 0,
    -- Seconds that a call takes, the last ones counting most.
    seconds double precision,
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

GRANT SELECT, INSERT, UPDATE, DELETE ON provider_state, learned_concurrency TO imgapp_system;
GRANT SELECT, INSERT, DELETE ON progress TO imgapp_system;
GRANT SELECT ON provider_state, learned_concurrency, progress TO :app;
