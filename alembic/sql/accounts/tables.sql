-- People, their sessions, access tokens and identities of single sign-on.
--
-- A person's rows are theirs alone, for every role, the owner of the tables included. In every policy
-- the person (:user_id) stands in a scalar subselect, so that the setting is read once a statement and
-- not once a row.

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL
        CONSTRAINT users_email_check
        CHECK (email = btrim(email) AND length(email) BETWEEN 3 AND 254 AND email LIKE '%_@_%'),
    -- Nobody has shown that the address of such an account is theirs: whoever typed it made it.
    self_registered boolean NOT NULL DEFAULT false,
    password_hash text,
    password_changed_at timestamptz,
    password_is_temporary boolean NOT NULL DEFAULT false,
    is_admin boolean NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz,
    last_claimed_at timestamptz,
    disabled_at timestamptz,
    deleting_at timestamptz,
    -- null quotas and budgets are the installation's own.
    quota_bytes bigint CONSTRAINT users_quota_bytes_check CHECK (quota_bytes >= 0),
    quota_images integer CONSTRAINT users_quota_images_check CHECK (quota_images >= 0),
    budget numeric CONSTRAINT users_budget_check CHECK (budget >= 0),
    -- Noted by the sweep for those who wait, so that a claim need not ask of everybody.
    over_budget boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));
CREATE INDEX users_deleting ON users (deleting_at) WHERE deleting_at IS NOT NULL;
CREATE INDEX users_over_budget ON users (id) WHERE over_budget;

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    token_hash text NOT NULL UNIQUE
        CONSTRAINT sessions_token_hash_check CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    auth_method text NOT NULL DEFAULT 'password'
        CONSTRAINT sessions_auth_method_check CHECK (auth_method IN ('password', 'oidc')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    user_agent text NOT NULL,
    address text NOT NULL
);
CREATE INDEX ix_sessions_user_id ON sessions (user_id);

CREATE TABLE tokens (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    token_hash text NOT NULL UNIQUE
        CONSTRAINT tokens_token_hash_check CHECK (token_hash ~ '^[0-9a-f]{64}$'),
    hint text NOT NULL,
    scopes text[] NOT NULL CONSTRAINT tokens_scopes_check CHECK (scopes <@ ARRAY['read', 'write']),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX ix_tokens_user_id ON tokens (user_id);

CREATE TABLE identities (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    issuer text NOT NULL CONSTRAINT identities_issuer_check CHECK (length(issuer) BETWEEN 1 AND 2000),
    subject text NOT NULL
        CONSTRAINT identities_subject_check CHECK (length(subject) BETWEEN 1 AND 1000),
    email text,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    CONSTRAINT identities_issuer_subject_key UNIQUE (issuer, subject)
);
CREATE INDEX ix_identities_user_id ON identities (user_id);

-- The role of the definer functions looks across people, at the columns that they need.
ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON users USING (id = (SELECT :user_id));
CREATE POLICY system ON users TO imgapp_system USING (true);

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON sessions USING (user_id = (SELECT :user_id));
CREATE POLICY system ON sessions FOR SELECT TO imgapp_system USING (true);
CREATE POLICY system_ends ON sessions FOR DELETE TO imgapp_system USING (true);

ALTER TABLE tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON tokens USING (user_id = (SELECT :user_id));
CREATE POLICY system ON tokens TO imgapp_system USING (true);

ALTER TABLE identities ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON identities USING (user_id = (SELECT :user_id));
CREATE POLICY system ON identities TO imgapp_system USING (true);

GRANT SELECT (
        id, email, password_hash, is_admin, created_at, last_seen_at, last_claimed_at, disabled_at,
        deleting_at, quota_bytes, quota_images, budget, over_budget
    ),
    INSERT (id, email, password_hash, is_admin, created_at),
    UPDATE (
        self_registered, password_hash, password_changed_at, password_is_temporary, is_admin,
        last_seen_at, last_claimed_at, disabled_at, deleting_at, quota_bytes, quota_images, budget,
        over_budget
    ),
    DELETE ON users TO imgapp_system;
GRANT SELECT (id, user_id, token_hash, expires_at), DELETE ON sessions TO imgapp_system;
GRANT SELECT (id, user_id, token_hash, scopes, expires_at, last_used_at), UPDATE (last_used_at),
    DELETE ON tokens TO imgapp_system;
GRANT SELECT (id, user_id, issuer, subject, email), DELETE ON identities TO imgapp_system;

-- The application: what its services do, and nothing else. People are made by a function.
GRANT SELECT,
    UPDATE (
        self_registered, password_hash, password_changed_at, password_is_temporary, last_seen_at
    ) ON users TO :app;
GRANT SELECT, INSERT, DELETE, UPDATE (expires_at, last_seen_at) ON sessions TO :app;
GRANT SELECT, INSERT, DELETE ON tokens TO :app;
GRANT SELECT, INSERT, DELETE, UPDATE (email, last_used_at) ON identities TO :app;
