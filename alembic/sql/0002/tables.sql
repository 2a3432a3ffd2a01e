-- null quotas are the installation's own.
ALTER TABLE users
    ADD COLUMN quota_bytes bigint
        CONSTRAINT users_quota_bytes_check CHECK (quota_bytes >= 0),
    ADD COLUMN quota_images integer
        CONSTRAINT users_quota_images_check CHECK (quota_images >= 0),
    ADD COLUMN deleting_at timestamptz,
    ADD COLUMN last_seen_at timestamptz,
    ADD COLUMN password_changed_at timestamptz,
    ADD COLUMN password_is_temporary boolean NOT NULL DEFAULT false;
CREATE INDEX users_deleting ON users (deleting_at) WHERE deleting_at IS NOT NULL;

ALTER TABLE sessions
    ADD COLUMN auth_method text NOT NULL DEFAULT 'password'
        CONSTRAINT sessions_auth_method_check CHECK (auth_method IN ('password', 'oidc'));

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

-- Counted by triggers: summing up a hundred thousand pictures at each upload would be slow.
CREATE TABLE storage_usage (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    images integer NOT NULL,
    bytes bigint NOT NULL
);

-- No foreign key: what somebody did outlives them.
CREATE TABLE audit_events (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    user_id uuid,
    actor_email text,
    kind text NOT NULL CONSTRAINT audit_events_kind_check CHECK (kind ~ '^[a-z_]{1,60}$'),
    address text NOT NULL,
    user_agent text NOT NULL,
    details jsonb NOT NULL
);
CREATE INDEX audit_events_newest ON audit_events (at DESC, id DESC);
CREATE INDEX audit_events_by_kind ON audit_events (kind, at DESC, id DESC);
CREATE INDEX audit_events_by_person ON audit_events (user_id, at DESC);
