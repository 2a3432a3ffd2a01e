-- The person that a transaction acts for; null is nobody, who sees no row. Inlined by the planner as
-- long as it has no settings of its own.

CREATE OR REPLACE FUNCTION imgapp_user_id() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT nullif(current_setting('app.user_id', true), '')::uuid $$;
