-- Usage by person, month and model, and calls of models that are under way.

-- What models took of a person, by month (UTC) and by the model that was asked. Answers and failures
-- are calls that were paid for; of those without a cost, the server reported no tokens or nobody
-- named a price.
CREATE TABLE usage_months (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    month date NOT NULL,
    model text NOT NULL CONSTRAINT usage_months_model_check CHECK (length(model) <= 300),
    answers integer NOT NULL,
    failures integer NOT NULL,
    unpriced integer NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost numeric NOT NULL,
    PRIMARY KEY (user_id, month, model)
);
CREATE INDEX usage_months_by_month ON usage_months (month, model);

-- The same of people who were removed, together: the money is spent all the same.
CREATE TABLE usage_removed (
    month date NOT NULL,
    model text NOT NULL,
    answers integer NOT NULL,
    failures integer NOT NULL,
    unpriced integer NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost numeric NOT NULL,
    PRIMARY KEY (month, model)
);

-- Calls under way, and what is set aside for them until they are paid. `id` is the lease, if there
-- is one. Whoever settles a call removes its row: none is paid twice.
CREATE TABLE model_calls (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    model text NOT NULL CONSTRAINT model_calls_model_check CHECK (length(model) <= 300),
    reserved numeric NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ix_model_calls_user_id ON model_calls (user_id);
CREATE INDEX model_calls_expires ON model_calls (expires_at);

ALTER TABLE usage_months ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON usage_months USING (user_id = (SELECT :user_id));
CREATE POLICY system ON usage_months TO imgapp_system USING (true);

ALTER TABLE model_calls ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON model_calls USING (user_id = (SELECT :user_id));
CREATE POLICY system ON model_calls TO imgapp_system USING (true);

GRANT SELECT, INSERT, UPDATE ON usage_months, usage_removed TO imgapp_system;
GRANT SELECT, INSERT, UPDATE, DELETE ON model_calls TO imgapp_system;
GRANT SELECT ON usage_months, model_calls TO :app;

CREATE TRIGGER usage_months_removed AFTER DELETE ON usage_months
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION imgapp_keep_usage();
CREATE TRIGGER installation_budgets AFTER UPDATE OF budget, person_budget, prices ON installation
    FOR EACH ROW EXECUTE FUNCTION imgapp_forget_over_budget();
