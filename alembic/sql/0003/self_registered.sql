-- Nobody has shown that the address of such an account is theirs: whoever typed it made it.
ALTER TABLE users ADD COLUMN self_registered boolean NOT NULL DEFAULT false;
GRANT UPDATE (self_registered) ON users TO :app, imgapp_system;

CREATE FUNCTION imgapp_mark_self_registered(p_id uuid) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$ UPDATE public.users u SET self_registered = true WHERE u.id = p_id $$;
