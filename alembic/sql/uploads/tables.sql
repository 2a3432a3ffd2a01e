-- Uploads that go straight to the bucket: what was promised, and how far it is.

CREATE TABLE direct_uploads (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    filename text NOT NULL,
    size bigint NOT NULL CONSTRAINT direct_uploads_size_check CHECK (size > 0),
    sha256 text CONSTRAINT direct_uploads_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    content_type text,
    batch_id uuid,
    s3_bucket text NOT NULL,
    s3_key text NOT NULL,
    multipart_id text,
    part_size integer NOT NULL CONSTRAINT direct_uploads_part_size_check CHECK (part_size > 0),
    state text NOT NULL
        CONSTRAINT direct_uploads_state_check
        CHECK (state IN ('open', 'saving', 'completed', 'failed')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    attempts integer NOT NULL,
    lease_id uuid,
    lease_expires_at timestamptz,
    -- No foreign key: the picture may be removed while the answer is still remembered.
    image_id uuid,
    duplicate boolean NOT NULL,
    error_code text,
    error_detail text,

    -- A key in somebody else's folder would make their upload this person's picture.
    CONSTRAINT direct_uploads_s3_key_check CHECK (s3_key = 'incoming/' || user_id || '/' || id),
    CONSTRAINT direct_uploads_lease_check CHECK (
        (state = 'saving') = (lease_id IS NOT NULL AND lease_expires_at IS NOT NULL)
    )
);
CREATE INDEX ix_direct_uploads_user_id ON direct_uploads (user_id);
CREATE INDEX direct_uploads_expires ON direct_uploads (expires_at);
CREATE INDEX direct_uploads_leased ON direct_uploads (lease_expires_at) WHERE state = 'saving';

ALTER TABLE direct_uploads ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON direct_uploads USING (user_id = (SELECT :user_id));
CREATE POLICY system ON direct_uploads FOR SELECT TO imgapp_system USING (true);
GRANT SELECT, INSERT, DELETE,
    UPDATE (
        multipart_id, state, expires_at, attempts, lease_id, lease_expires_at, image_id, duplicate,
        error_code, error_detail
    ) ON direct_uploads TO :app;
GRANT SELECT (
        id, user_id, s3_bucket, s3_key, multipart_id, state, expires_at, lease_expires_at
    ) ON direct_uploads TO imgapp_system;
