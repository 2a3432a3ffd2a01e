-- Ownership of functions, after they were run: imgapp_system has those that look across people
-- (SECURITY DEFINER), the tables' owner the others; only the application may call either.

DO $$
DECLARE
    v_function record;
BEGIN
    FOR v_function IN
        SELECT p.oid::regprocedure AS signature,
            CASE WHEN p.prosecdef THEN 'imgapp_system' ELSE 'CURRENT_USER' END AS owner
        FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND starts_with(p.proname, 'imgapp_')
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO %s', v_function.signature, v_function.owner);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', v_function.signature);
        EXECUTE format(
            'GRANT EXECUTE ON FUNCTION %s TO :app, imgapp_system', v_function.signature
        );
    END LOOP;
END
$$;
