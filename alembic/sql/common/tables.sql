-- The schema's grants, idempotency keys and the audit trail.

GRANT USAGE ON SCHEMA public TO imgapp_system, :app;

CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status_code integer,
    response jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON idempotency_keys USING (user_id = (SELECT :user_id));

GRANT SELECT, INSERT, DELETE, UPDATE (fingerprint, status_code, response, created_at)
    ON idempotency_keys TO :app;

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

-- Nobody's rows: written and read through functions only.
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY system ON audit_events TO imgapp_system USING (true);

GRANT SELECT, INSERT, DELETE ON audit_events TO imgapp_system;
