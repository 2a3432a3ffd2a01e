"""Vision models are connected in the page, and how many calls at once a server takes is learned."""

from __future__ import annotations

from imgapp.adapters.migrations import downgrade, execute  # noqa: F401

revision = "0102"
down_revision = "0101"


def upgrade() -> None:
    execute(
        """
        DROP FUNCTION IF EXISTS imgapp_claim_image(uuid, integer, text, text, boolean, boolean);
        DROP FUNCTION IF EXISTS imgapp_due_count(text, text, boolean);
        DROP FUNCTION IF EXISTS imgapp_note_waits(text, text, boolean, integer);
        DROP FUNCTION IF EXISTS imgapp_claimable_lanes(text, text, boolean, text[]);
        DROP FUNCTION IF EXISTS imgapp_lane_model(text, boolean, text, boolean);
        DROP FUNCTION IF EXISTS imgapp_circuits(text);
        DROP FUNCTION IF EXISTS imgapp_provider_failed(
            text, text, uuid, text, text, double precision, double precision
        );
        ALTER TABLE provider_state ADD COLUMN said text
            CONSTRAINT provider_state_said_check CHECK (length(said) <= 300);
        CREATE TABLE connected_models (
            name text PRIMARY KEY CONSTRAINT connected_models_name_check CHECK (
                length(name) BETWEEN 1 AND 200 AND name <> 'basic-1' AND left(name, 1) <> '!'
            ),
            kind text NOT NULL
                CONSTRAINT connected_models_kind_check CHECK (length(kind) BETWEEN 1 AND 20),
            base_url text NOT NULL
                CONSTRAINT connected_models_base_url_check CHECK (length(base_url) <= 2000),
            model text NOT NULL
                CONSTRAINT connected_models_model_check CHECK (length(model) BETWEEN 1 AND 200),
            sealed_key text
                CONSTRAINT connected_models_sealed_key_check CHECK (length(sealed_key) <= 5000),
            seconds integer
                CONSTRAINT connected_models_seconds_check CHECK (seconds BETWEEN 5 AND 3600),
            at_once integer
                CONSTRAINT connected_models_at_once_check CHECK (at_once BETWEEN 1 AND 256),
            local boolean NOT NULL,
            role text CONSTRAINT connected_models_role_check CHECK (role IN ('default', 'fallback'))
                CONSTRAINT connected_models_role_key UNIQUE,
            server text NOT NULL
                CONSTRAINT connected_models_server_check CHECK (length(server) <= 100),
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL
        );
        CREATE TABLE learned_concurrency (
            server text NOT NULL
                CONSTRAINT learned_concurrency_server_check CHECK (length(server) <= 100),
            model text NOT NULL
                CONSTRAINT learned_concurrency_model_check CHECK (length(model) <= 300),
            slots integer NOT NULL DEFAULT 1
                CONSTRAINT learned_concurrency_slots_check CHECK (slots BETWEEN 1 AND 256),
            rising boolean NOT NULL DEFAULT false,
            since timestamptz NOT NULL DEFAULT now(),
            answers integer NOT NULL DEFAULT 0,
            in_flight double precision NOT NULL DEFAULT 0,
            spent double precision NOT NULL DEFAULT 0,
            rate double precision,
            held_until timestamptz,
            holds integer NOT NULL DEFAULT 0,
            seconds double precision,
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (server, model)
        );
        GRANT SELECT, INSERT, UPDATE, DELETE ON connected_models, learned_concurrency
            TO imgapp_system;
        GRANT SELECT ON connected_models, learned_concurrency TO :app;
        """
    )
