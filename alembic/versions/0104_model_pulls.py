"""Administrators have models of the catalogue fetched in the page."""

from __future__ import annotations

from imgapp.adapters.migrations import downgrade, execute  # noqa: F401

revision = "0104"
down_revision = "0103"


def upgrade() -> None:
    execute(
        """
        CREATE TABLE model_pulls (
            name text PRIMARY KEY CONSTRAINT model_pulls_name_check CHECK (length(name) <= 100),
            asked_by uuid NOT NULL REFERENCES users ON DELETE CASCADE,
            asked_at timestamptz NOT NULL,
            done bigint NOT NULL DEFAULT 0,
            total bigint NOT NULL,
            checking boolean NOT NULL DEFAULT false,
            problem text CONSTRAINT model_pulls_problem_check CHECK (length(problem) <= 1000),
            lease_id uuid,
            lease_expires_at timestamptz
        );
        CREATE INDEX model_pulls_asked_by ON model_pulls (asked_by);
        GRANT SELECT, INSERT, UPDATE, DELETE ON model_pulls TO imgapp_system;
        GRANT SELECT ON model_pulls TO :app;
        """
    )
