-- Pictures: files, places in the queue, and the current text with who wrote it.

CREATE TABLE images (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    filename text NOT NULL,
    name_key text COLLATE "C" GENERATED ALWAYS AS (imgapp_name_key(filename)) STORED,
    s3_key text NOT NULL,
    s3_bucket text NOT NULL,
    mime_type text NOT NULL,
    file_size bigint NOT NULL CONSTRAINT images_file_size_check CHECK (file_size > 0),
    sha256 text NOT NULL CONSTRAINT images_sha256_check CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    width integer NOT NULL CONSTRAINT images_width_check CHECK (width > 0),
    height integer NOT NULL CONSTRAINT images_height_check CHECK (height > 0),
    -- The proportions in one byte: log2 of width by height from -2 to 2 on a scale from 0 to 255. The
    -- timeline of a hundred thousand pictures is read from the index alone.
    shape bytea GENERATED ALWAYS AS (
        set_byte('\x00'::bytea, 0, round(
            (least(greatest(ln(width::double precision / height) / ln(2::double precision), -2), 2) + 2)
            / 4 * 255
        )::integer)
    ) STORED,
    placeholder text CONSTRAINT images_placeholder_check CHECK (length(placeholder) <= 200),
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
    never_cloud boolean NOT NULL DEFAULT false,
    context text CONSTRAINT images_context_check CHECK (length(context) <= 10000),
    ask jsonb
        CONSTRAINT images_ask_check
        CHECK (jsonb_typeof(ask) = 'object' AND length(ask::text) <= 2000),
    lane text NOT NULL DEFAULT '',
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
    -- What the person decided of each text: taken from which model's analysis, or kept against which.
    choices jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT images_choices_check
        CHECK (jsonb_typeof(choices) = 'object' AND length(choices::text) <= 4000),
    -- The functions see whether there is an alt text, and not the text.
    no_alt_text boolean GENERATED ALWAYS AS (
        coalesce(alt_text, '') = '' AND decorative IS NOT TRUE
    ) STORED,
    -- What is found by its texts in further languages (texts/states.sql).
    further_search tsvector NOT NULL DEFAULT '',
    search tsvector GENERATED ALWAYS AS (
        imgapp_search_document(alt_text, description, tags, visible_text, filename, language)
        || further_search
    ) STORED,

    CONSTRAINT images_user_id_sha256_key UNIQUE (user_id, sha256),
    -- A key in somebody else's folder would make their file readable.
    CONSTRAINT images_s3_key_check
        CHECK (starts_with(s3_key, 'users/' || user_id || '/images/' || id || '/')),
    -- What the sweeper could not find would be in progress for ever.
    CONSTRAINT images_lease_check CHECK (
        analysis_status <> 'in_progress' OR (lease_id IS NOT NULL AND lease_expires_at IS NOT NULL)
    )
);

-- Lists. A full trash is not read through for a page of the others.
CREATE INDEX images_gallery ON images (user_id, uploaded_at DESC, id DESC) INCLUDE (shape)
    WHERE deleted_at IS NULL;
CREATE INDEX images_by_name ON images (user_id, name_key, id) WHERE deleted_at IS NULL;
CREATE INDEX images_by_size ON images (user_id, file_size DESC, id DESC) INCLUDE (shape)
    WHERE deleted_at IS NULL;
-- For the list of one status; and for how many there are of one, whoever has them.
CREATE INDEX images_by_status ON images (analysis_status, user_id, uploaded_at DESC, id DESC)
    WHERE deleted_at IS NULL;
-- Usually few, or none, among very many.
CREATE INDEX images_without_alt_text ON images (user_id, uploaded_at DESC, id DESC)
    INCLUDE (shape) WHERE deleted_at IS NULL AND no_alt_text;
CREATE INDEX images_edited ON images (user_id, uploaded_at DESC, id DESC)
    INCLUDE (shape) WHERE deleted_at IS NULL
    AND 'person' IN (alt_text_by, description_by, tags_by, visible_text_by, decorative_by);
-- Pictures arrive one by one; a search should not pay for a list of those not yet in the index.
CREATE INDEX images_search ON images USING gin (search) WITH (fastupdate = off);
CREATE INDEX images_tags ON images USING gin (tags) WITH (fastupdate = off);
CREATE INDEX images_trash ON images (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX images_changes ON images (user_id, updated_at, id);
CREATE INDEX images_analysis ON images (analysis_id) WHERE analysis_id IS NOT NULL;

-- The queue. The claim walks from lane to lane: what waits for one model must not be read through to
-- find what waits for another.
CREATE INDEX images_due ON images (priority, user_id, lane, due_at, id)
    WHERE analysis_status = 'pending' AND deleted_at IS NULL;
CREATE INDEX images_waiting ON images (user_id, lane, waiting_reason, id)
    WHERE analysis_status = 'pending' AND deleted_at IS NULL;
CREATE INDEX images_leased ON images (lease_expires_at) WHERE analysis_status = 'in_progress';
CREATE INDEX images_finished ON images (user_id, completed_at)
    WHERE completed_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX images_failed ON images (user_id, error_code, completed_at DESC, id DESC)
    WHERE analysis_status = 'failed' AND deleted_at IS NULL;

ALTER TABLE images ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON images USING (user_id = (SELECT :user_id));
CREATE POLICY system ON images TO imgapp_system USING (true);

GRANT SELECT (
        id, user_id, filename, name_key, s3_key, s3_bucket, mime_type, file_size, width, height,
        shape, uploaded_at, deleted_at, analysis_status, waiting_reason, ask, lane, priority, queued_at,
        due_at, started_at, completed_at, lease_id, lease_expires_at, lost_attempts, error_code,
        alt_text_by, description_by, tags, tags_by, visible_text_by, decorative, decorative_by,
        no_alt_text, search
    ),
    UPDATE (
        analysis_status, waiting_reason, ask, priority, queued_at, due_at, started_at, completed_at,
        lease_id, lease_expires_at, attempts, lost_attempts, error_code, error_message
    ),
    DELETE ON images TO imgapp_system;
GRANT SELECT, INSERT, DELETE,
    UPDATE (
        filename, s3_bucket, width, height, facts, uploaded_at, updated_at, deleted_at,
        analysis_status, waiting_reason, never_cloud, context, ask, priority, queued_at, due_at,
        started_at, completed_at, lease_id, lease_expires_at, attempts, lost_attempts, error_code,
        error_message, analysis_id, alt_text, alt_text_by, description, description_by, tags,
        tags_by, visible_text, visible_text_by, decorative, decorative_by, language, language_by,
        choices, further_search
    ) ON images TO :app;

CREATE TRIGGER images_lane BEFORE INSERT OR UPDATE OF never_cloud, ask, lane
    ON images FOR EACH ROW EXECUTE FUNCTION imgapp_set_lane();

-- How many pictures outside the trash there are from one key of the list to the next.
CREATE TABLE image_blocks (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    first_at timestamptz NOT NULL,
    first_id uuid NOT NULL,
    images integer NOT NULL,
    PRIMARY KEY (user_id, first_at, first_id)
) WITH (fillfactor = 50);

-- How many pictures outside the trash are in which state, and what is to be added to that.
CREATE TABLE image_tallies (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    status text NOT NULL,
    reason text NOT NULL,
    no_alt_text boolean NOT NULL,
    images bigint NOT NULL,
    PRIMARY KEY (user_id, status, reason, no_alt_text)
);
-- No foreign key: nobody who analyses pictures of a person should wait for one who edits their account.
CREATE TABLE image_tally_changes (
    user_id uuid NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    no_alt_text boolean NOT NULL,
    change bigint NOT NULL
);
CREATE INDEX image_tally_changes_user ON image_tally_changes (user_id);

ALTER TABLE image_blocks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON image_blocks USING (user_id = (SELECT :user_id));
CREATE POLICY system ON image_blocks TO imgapp_system USING (true);

ALTER TABLE image_tallies ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON image_tallies USING (user_id = (SELECT :user_id));
CREATE POLICY system ON image_tallies TO imgapp_system USING (true);

ALTER TABLE image_tally_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON image_tally_changes USING (user_id = (SELECT :user_id));
CREATE POLICY system ON image_tally_changes TO imgapp_system USING (true);

GRANT SELECT ON image_blocks, image_tallies, image_tally_changes TO :app;
GRANT SELECT, INSERT, UPDATE (images), DELETE ON image_blocks TO imgapp_system;
GRANT SELECT, INSERT, UPDATE (images) ON image_tallies TO imgapp_system;
GRANT SELECT, INSERT, DELETE ON image_tally_changes TO imgapp_system;

CREATE TRIGGER images_tallied
    AFTER UPDATE OF analysis_status, waiting_reason, error_code, alt_text, decorative, deleted_at
    ON images FOR EACH ROW
    WHEN (
        (OLD.analysis_status, OLD.waiting_reason, OLD.error_code, OLD.no_alt_text,
            OLD.deleted_at IS NULL)
        IS DISTINCT FROM
        (NEW.analysis_status, NEW.waiting_reason, NEW.error_code, NEW.no_alt_text,
            NEW.deleted_at IS NULL)
    )
    EXECUTE FUNCTION imgapp_tally();
