CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL
        CONSTRAINT users_email_check
        CHECK (email = btrim(email) AND length(email) BETWEEN 3 AND 254 AND email LIKE '%_@_%'),
    password_hash text,
    is_admin boolean NOT NULL,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL,
    last_claimed_at timestamptz
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    token_hash text NOT NULL UNIQUE
        CONSTRAINT sessions_token_hash_check CHECK (token_hash ~ '^[0-9a-f]{64}$'),
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

CREATE TABLE images (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    filename text NOT NULL,
    s3_key text NOT NULL,
    s3_bucket text NOT NULL,
    mime_type text NOT NULL,
    file_size bigint NOT NULL CONSTRAINT images_file_size_check CHECK (file_size > 0),
    sha256 text NOT NULL CONSTRAINT images_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    width integer NOT NULL CONSTRAINT images_width_check CHECK (width > 0),
    height integer NOT NULL CONSTRAINT images_height_check CHECK (height > 0),
    facts jsonb NOT NULL,
    uploaded_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,

    analysis_status text NOT NULL
        CONSTRAINT images_analysis_status_check
        CHECK (analysis_status IN ('pending', 'in_progress', 'completed', 'failed')),
    waiting_reason text
        CONSTRAINT images_waiting_reason_check
        CHECK (waiting_reason IN ('budget', 'paused', 'provider_down')),
    priority integer NOT NULL,
    queued_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    started_at timestamptz,
    completed_at timestamptz,
    lease_id uuid,
    lease_expires_at timestamptz,
    attempts integer NOT NULL CONSTRAINT images_attempts_check CHECK (attempts >= 0),
    lost_attempts integer NOT NULL CONSTRAINT images_lost_attempts_check CHECK (lost_attempts >= 0),
    error_code text,
    error_message text,

    analysis_id uuid,
    alt_text text,
    alt_text_by text CONSTRAINT images_alt_text_by_check CHECK (alt_text_by IN ('person', 'model')),
    description text,
    description_by text
        CONSTRAINT images_description_by_check CHECK (description_by IN ('person', 'model')),
    tags text[],
    tags_by text CONSTRAINT images_tags_by_check CHECK (tags_by IN ('person', 'model')),
    visible_text text,
    visible_text_by text
        CONSTRAINT images_visible_text_by_check CHECK (visible_text_by IN ('person', 'model')),
    decorative boolean,
    decorative_by text
        CONSTRAINT images_decorative_by_check CHECK (decorative_by IN ('person', 'model')),
    language text,
    language_by text CONSTRAINT images_language_by_check CHECK (language_by IN ('person', 'model')),

    CONSTRAINT images_user_id_sha256_key UNIQUE (user_id, sha256),
    -- A key in somebody else's folder would make their file readable.
    CONSTRAINT images_s3_key_check
        CHECK (starts_with(s3_key, 'users/' || user_id || '/images/' || id || '/')),
    -- What the sweeper could not find would be in progress for ever.
    CONSTRAINT images_lease_check CHECK (
        analysis_status <> 'in_progress' OR (lease_id IS NOT NULL AND lease_expires_at IS NOT NULL)
    )
);
CREATE INDEX images_gallery ON images (user_id, uploaded_at DESC, id DESC);
CREATE INDEX images_due ON images (priority, user_id, due_at, id)
    WHERE analysis_status = 'pending' AND deleted_at IS NULL;
CREATE INDEX images_leased ON images (lease_expires_at) WHERE analysis_status = 'in_progress';
CREATE INDEX images_trash ON images (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX images_tags ON images USING gin (tags) WITH (fastupdate = off);
CREATE INDEX images_analysis ON images (analysis_id) WHERE analysis_id IS NOT NULL;

CREATE TABLE image_analyses (
    id uuid PRIMARY KEY,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    lease_id uuid UNIQUE,
    description text,
    alt_text text,
    tags text[],
    visible_text text,
    decorative boolean,
    language text,
    processing_time double precision NOT NULL
        CONSTRAINT image_analyses_processing_time_check CHECK (processing_time >= 0),
    created_at timestamptz NOT NULL,
    completed_at timestamptz NOT NULL,
    model_version text NOT NULL,
    prompt_version text,
    input_tokens integer,
    output_tokens integer,
    cost double precision
);
CREATE INDEX image_analyses_history ON image_analyses (image_id, created_at DESC);
CREATE INDEX ix_image_analyses_user_id ON image_analyses (user_id);
ALTER TABLE images ADD CONSTRAINT images_analysis_id_fkey
    FOREIGN KEY (analysis_id) REFERENCES image_analyses ON DELETE SET NULL;

CREATE TABLE idempotency_keys (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    key text NOT NULL,
    fingerprint text NOT NULL,
    status_code integer,
    response jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
