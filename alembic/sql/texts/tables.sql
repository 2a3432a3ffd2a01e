-- Texts by language: what stands, whether somebody approved it, and all that was ever said.

-- One row for each language in which something is said of a picture. The picture's own text, which
-- stands in its row, is copied here by the database (`is_own`): nobody else writes that.
CREATE TABLE image_texts (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    language text NOT NULL
        CONSTRAINT image_texts_language_check
        CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' AND length(language) <= 35),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    is_own boolean NOT NULL DEFAULT false,
    alt_text text,
    description text,
    tags text[],
    decorative boolean,
    -- Who wrote each of them: 'person', 'model' or 'file'.
    written_by jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT image_texts_written_by_check
        CHECK (jsonb_typeof(written_by) = 'object' AND length(written_by::text) <= 300),
    -- What a model wrote it in; null where none did. It outlives the analysis.
    analysis_id uuid,
    -- The language from whose text it was made; null is the picture itself.
    made_from text CONSTRAINT image_texts_made_from_check CHECK (length(made_from) <= 35),
    state text NOT NULL DEFAULT 'draft'
        CONSTRAINT image_texts_state_check CHECK (state IN ('draft', 'approved', 'returned')),
    state_at timestamptz NOT NULL DEFAULT now(),
    state_by uuid,
    -- Why it was returned.
    note text CONSTRAINT image_texts_note_check CHECK (length(note) <= 2000),
    -- The wording that was approved last, which stays while a newer one is a draft.
    approved jsonb,
    approved_at timestamptz,
    approved_by uuid,
    -- [{rule, excerpt}]; null until the rules have been asked.
    doubts jsonb CONSTRAINT image_texts_doubts_check CHECK (jsonb_typeof(doubts) = 'array'),
    changed_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS (
        CASE WHEN is_own THEN ''::tsvector
        ELSE imgapp_search_document(alt_text, description, tags, NULL, NULL, language) END
    ) STORED,
    PRIMARY KEY (image_id, language),
    CONSTRAINT image_texts_approved_check CHECK (state <> 'approved' OR approved IS NOT NULL)
);
CREATE UNIQUE INDEX image_texts_own ON image_texts (image_id) WHERE is_own;
CREATE INDEX image_texts_by_state ON image_texts (user_id, language, state, image_id);
CREATE INDEX image_texts_waiting ON image_texts (user_id, language, state_at)
    WHERE state <> 'approved';
CREATE INDEX image_texts_doubtful ON image_texts (user_id, language, image_id)
    WHERE doubts <> '[]';
CREATE INDEX image_texts_same ON image_texts (user_id, language, md5(alt_text))
    WHERE alt_text <> '';
CREATE INDEX image_texts_unchecked ON image_texts (changed_at) WHERE doubts IS NULL;

-- What was said, approved and returned, by whom: only added to. What a model wrote as a picture's own
-- text stands in its analysis.
CREATE TABLE text_changes (
    id uuid PRIMARY KEY DEFAULT imgapp_uuid7(),
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    language text NOT NULL,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    kind text NOT NULL
        CONSTRAINT text_changes_kind_check
        CHECK (kind IN ('written', 'approved', 'returned', 'reopened', 'removed')),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- null is a model or the file.
    actor_id uuid,
    words jsonb NOT NULL,
    written_by jsonb NOT NULL,
    analysis_id uuid,
    made_from text,
    note text
);
CREATE INDEX text_changes_of_text ON text_changes (image_id, language, at DESC, id DESC);
CREATE INDEX text_changes_of_person ON text_changes (user_id, at DESC, id DESC);

-- Who has which text in front of them in Review, and until when: nobody else gets it meanwhile.
CREATE TABLE review_leases (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    language text NOT NULL,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- A tab, or a program.
    reviewer uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (image_id, language)
);
CREATE INDEX review_leases_of_person ON review_leases (user_id, reviewer);

-- Approved texts of which a second person is asked, and what came of it.
CREATE TABLE second_looks (
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    language text NOT NULL,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- As they were approved: of other words nobody is asked.
    words jsonb NOT NULL,
    -- The sessions, or access tokens, of both.
    first_by uuid NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    second_by uuid,
    looked_at timestamptz,
    -- Whether the second approved the same words.
    agreed boolean,
    PRIMARY KEY (image_id, language),
    CONSTRAINT second_looks_check CHECK ((looked_at IS NULL) = (agreed IS NULL))
);
CREATE INDEX second_looks_of_person ON second_looks (user_id, language, looked_at);

-- Foreign keys look past row-level security: what a row points to must be the person's own, too.
ALTER TABLE image_texts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON image_texts
    USING (user_id = (SELECT :user_id))
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = image_texts.image_id AND images.user_id = image_texts.user_id
        )
    );
CREATE POLICY system ON image_texts FOR SELECT TO imgapp_system USING (true);

ALTER TABLE text_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON text_changes
    USING (user_id = (SELECT :user_id))
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = text_changes.image_id AND images.user_id = text_changes.user_id
        )
    );

ALTER TABLE review_leases ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON review_leases
    USING (user_id = (SELECT :user_id))
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = review_leases.image_id AND images.user_id = review_leases.user_id
        )
    );
CREATE POLICY system ON review_leases FOR SELECT TO imgapp_system USING (true);

ALTER TABLE second_looks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON second_looks
    USING (user_id = (SELECT :user_id))
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = second_looks.image_id AND images.user_id = second_looks.user_id
        )
    );
CREATE POLICY system ON second_looks FOR SELECT TO imgapp_system USING (true);

GRANT SELECT (
        image_id, language, user_id, is_own, decorative, state, state_at, written_by, approved_at,
        approved_by, doubts, changed_at
    ) ON image_texts TO imgapp_system;
GRANT SELECT, INSERT, DELETE, UPDATE (
        language, is_own, alt_text, description, tags, decorative, written_by, analysis_id,
        made_from, state, state_at, state_by, note, approved, approved_at, approved_by, doubts,
        changed_at
    ) ON image_texts TO :app;
GRANT SELECT, INSERT ON text_changes TO :app;
GRANT SELECT (approved) ON image_texts TO imgapp_system;
GRANT SELECT ON review_leases, second_looks TO imgapp_system;
GRANT SELECT, INSERT, DELETE, UPDATE (reviewer, expires_at) ON review_leases TO :app;
GRANT SELECT, INSERT, DELETE,
    UPDATE (words, first_by, asked_at, second_by, looked_at, agreed) ON second_looks TO :app;

-- How many texts count as what, and what is to be added to that (tallies.sql).
CREATE TABLE text_tallies (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    language text NOT NULL,
    what text NOT NULL,
    key text NOT NULL,
    texts bigint NOT NULL,
    PRIMARY KEY (user_id, language, what, key)
);
-- No foreign key: nobody who writes texts should wait for one who edits the account.
CREATE TABLE text_tally_changes (
    user_id uuid NOT NULL,
    language text NOT NULL,
    what text NOT NULL,
    key text NOT NULL,
    change bigint NOT NULL
);
CREATE INDEX text_tally_changes_user ON text_tally_changes (user_id, language);
ALTER TABLE text_tallies ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON text_tallies USING (user_id = (SELECT :user_id));
CREATE POLICY system ON text_tallies TO imgapp_system USING (true);
ALTER TABLE text_tally_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON text_tally_changes USING (user_id = (SELECT :user_id));
CREATE POLICY system ON text_tally_changes TO imgapp_system USING (true);
GRANT SELECT ON text_tallies, text_tally_changes TO :app;
GRANT SELECT, INSERT, UPDATE (texts) ON text_tallies TO imgapp_system;
GRANT SELECT, INSERT, DELETE ON text_tally_changes TO imgapp_system;

-- What is said of a picture where it is used, if that is something else than everywhere.
CREATE TABLE image_uses (
    id uuid PRIMARY KEY,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- Of a place, or its address.
    name text NOT NULL CONSTRAINT image_uses_name_check CHECK (length(name) BETWEEN 1 AND 500),
    role text NOT NULL
        CONSTRAINT image_uses_role_check
        CHECK (role IN ('informative', 'functional', 'decorative', 'complex')),
    context text CONSTRAINT image_uses_context_check CHECK (length(context) <= 10000),
    language text NOT NULL
        CONSTRAINT image_uses_language_check
        CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$' AND length(language) <= 35),
    alt_text text,
    description text,
    written_by jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT image_uses_written_by_check
        CHECK (jsonb_typeof(written_by) = 'object' AND length(written_by::text) <= 300),
    analysis_id uuid,
    state text NOT NULL DEFAULT 'draft'
        CONSTRAINT image_uses_state_check CHECK (state IN ('draft', 'approved', 'returned')),
    state_at timestamptz NOT NULL DEFAULT now(),
    state_by uuid,
    note text CONSTRAINT image_uses_note_check CHECK (length(note) <= 2000),
    -- The wording that was approved last.
    approved jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT image_uses_name_key UNIQUE (image_id, name, language)
);
ALTER TABLE image_uses ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON image_uses
    USING (user_id = (SELECT :user_id))
    WITH CHECK (
        user_id = (SELECT :user_id)
        AND EXISTS (
            SELECT FROM images
            WHERE images.id = image_uses.image_id AND images.user_id = image_uses.user_id
        )
    );
GRANT SELECT, INSERT, DELETE, UPDATE (
        name, role, context, alt_text, description, written_by, analysis_id, state, state_at,
        state_by, note, approved, changed_at
    ) ON image_uses TO :app;

CREATE TRIGGER image_texts_state BEFORE INSERT OR UPDATE ON image_texts
    FOR EACH ROW EXECUTE FUNCTION imgapp_set_text_state();
CREATE TRIGGER image_texts_changed AFTER INSERT OR UPDATE OR DELETE ON image_texts
    FOR EACH ROW EXECUTE FUNCTION imgapp_note_text();

CREATE TRIGGER images_own_text_new AFTER INSERT ON images FOR EACH ROW
    WHEN (
        NEW.alt_text IS NOT NULL OR NEW.description IS NOT NULL OR NEW.tags IS NOT NULL
        OR NEW.decorative IS NOT NULL
    )
    EXECUTE FUNCTION imgapp_copy_own_text();
CREATE TRIGGER images_own_text AFTER UPDATE OF
        alt_text, alt_text_by, description, description_by, tags, tags_by, decorative,
        decorative_by, language
    ON images FOR EACH ROW
    WHEN (
        (OLD.alt_text, OLD.alt_text_by, OLD.description, OLD.description_by, OLD.tags, OLD.tags_by,
            OLD.decorative, OLD.decorative_by, OLD.language)
        IS DISTINCT FROM
        (NEW.alt_text, NEW.alt_text_by, NEW.description, NEW.description_by, NEW.tags, NEW.tags_by,
            NEW.decorative, NEW.decorative_by, NEW.language)
    )
    EXECUTE FUNCTION imgapp_copy_own_text();

CREATE TRIGGER images_text_sources AFTER UPDATE OF context, visible_text ON images FOR EACH ROW
    WHEN ((OLD.context, OLD.visible_text) IS DISTINCT FROM (NEW.context, NEW.visible_text))
    EXECUTE FUNCTION imgapp_check_texts_again();

CREATE TRIGGER image_texts_tallied_new AFTER INSERT ON image_texts
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION imgapp_tally_texts();
CREATE TRIGGER image_texts_tallied AFTER UPDATE ON image_texts
    REFERENCING OLD TABLE AS gone NEW TABLE AS came
    FOR EACH STATEMENT EXECUTE FUNCTION imgapp_tally_texts();
CREATE TRIGGER image_texts_tallied_gone AFTER DELETE ON image_texts
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION imgapp_tally_texts();
CREATE TRIGGER images_texts_tallied AFTER UPDATE OF deleted_at ON images FOR EACH ROW
    WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL))
    EXECUTE FUNCTION imgapp_tally_texts_of();
CREATE TRIGGER images_texts_gone BEFORE DELETE ON images FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL) EXECUTE FUNCTION imgapp_tally_texts_of();
CREATE TRIGGER text_changes_tallied AFTER INSERT ON text_changes
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION imgapp_tally_days();

CREATE TRIGGER image_uses_state BEFORE INSERT OR UPDATE ON image_uses
    FOR EACH ROW EXECUTE FUNCTION imgapp_set_use_state();
