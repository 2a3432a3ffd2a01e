"""The schema as a catalog of definitions, and the differences of two schemas.

The order of columns is no part of it: a column that a migration adds is the last of its table, and
nothing reads or writes columns by their position.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

Catalog = dict[str, str]

_GRANTS = """(
    SELECT string_agg(
        format('%%s %%s%%s', CASE a.grantee WHEN 0 THEN 'public' ELSE a.grantee::regrole::text END,
            a.privilege_type, CASE WHEN a.is_grantable THEN ' on' END), ', '
        ORDER BY a.grantee::regrole::text, a.privilege_type
    ) FROM aclexplode(%s) a
)"""
_RELATION = _GRANTS % "coalesce(c.relacl, acldefault('r', c.relowner))"
_COLUMN = _GRANTS % "a.attacl"
_FUNCTION = _GRANTS % "coalesce(p.proacl, acldefault('f', p.proowner))"
_SCHEMA = _GRANTS % "coalesce(n.nspacl, acldefault('n', n.nspowner))"
_TYPE = _GRANTS % "coalesce(t.typacl, acldefault('T', t.typowner))"
_OURS = "'public'::regnamespace"

_QUERY = f"""
SELECT 'schema ' || n.nspname AS name, concat_ws(E'\\n', {_SCHEMA}, obj_description(n.oid)) AS said
    FROM pg_namespace n WHERE n.nspname !~ '^(pg_|information_schema)'
UNION ALL
SELECT CASE c.relkind WHEN 'r' THEN 'table ' WHEN 'S' THEN 'sequence ' WHEN 'i' THEN 'index '
        WHEN 'c' THEN 'type ' ELSE 'view ' END || c.relname,
    concat_ws(E'\\n', c.relkind, c.relowner::regrole, c.relpersistence, c.reloptions::text,
        c.relrowsecurity, c.relforcerowsecurity, {_RELATION}, obj_description(c.oid, 'pg_class'),
        CASE WHEN c.relkind = 'i' THEN pg_get_indexdef(c.oid) END,
        CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
        (SELECT concat_ws(' ', i.indisvalid, i.indisclustered) FROM pg_index i
            WHERE i.indexrelid = c.oid),
        (SELECT concat_ws(' ', s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle)
            FROM pg_sequence s WHERE s.seqrelid = c.oid))
    FROM pg_class c WHERE c.relnamespace = {_OURS} AND c.relname !~ '^alembic_version'
UNION ALL
SELECT 'column ' || c.relname || '.' || a.attname,
    concat_ws(E'\\n', format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation,
        a.attnotnull, a.attgenerated, a.attidentity, a.attstorage, {_COLUMN},
        pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = {_OURS} AND c.relkind IN ('r', 'v', 'm', 'c', 'p')
        AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'alembic_version'
UNION ALL
SELECT 'constraint ' || o.conname || ' on '
        || coalesce(NULLIF(o.conrelid, 0)::regclass::text, 'type'),
    concat_ws(E'\\n', pg_get_constraintdef(o.oid), o.convalidated,
        obj_description(o.oid, 'pg_constraint'))
    FROM pg_constraint o WHERE o.connamespace = {_OURS} AND o.contype NOT IN ('n', 't')
        AND o.conname !~ '^alembic_version'
UNION ALL
SELECT 'function ' || p.oid::regprocedure,
    concat_ws(E'\\n', CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) END,
        p.proowner::regrole, {_FUNCTION}, obj_description(p.oid, 'pg_proc'))
    FROM pg_proc p WHERE p.pronamespace = {_OURS}
UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass,
    concat_ws(E'\\n', pg_get_triggerdef(t.oid), t.tgenabled, obj_description(t.oid, 'pg_trigger'))
    FROM pg_trigger t WHERE NOT t.tgisinternal
UNION ALL
SELECT 'policy ' || p.policyname || ' on ' || p.tablename,
    concat_ws(E'\\n', p.permissive, p.roles, p.cmd, p.qual, '/', p.with_check)
    FROM pg_policies p WHERE p.schemaname = 'public'
UNION ALL
SELECT 'type ' || t.typname,
    concat_ws(E'\\n', t.typtype, t.typowner::regrole, t.typbasetype::regtype, t.typnotnull,
        t.typdefault, {_TYPE}, obj_description(t.oid, 'pg_type'),
        (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e
            WHERE e.enumtypid = t.oid),
        (SELECT string_agg(pg_get_constraintdef(o.oid), ', ' ORDER BY o.conname)
            FROM pg_constraint o WHERE o.contypid = t.oid))
    FROM pg_type t WHERE t.typnamespace = {_OURS} AND t.typtype IN ('e', 'd', 'r')
UNION ALL
SELECT 'rule ' || r.rulename || ' on ' || r.tablename, r.definition FROM pg_rules r
    WHERE r.schemaname = 'public'
UNION ALL
SELECT 'statistics ' || s.stxname, pg_get_statisticsobjdef(s.oid) FROM pg_statistic_ext s
UNION ALL
SELECT 'extension ' || e.extname, e.extversion FROM pg_extension e
UNION ALL
SELECT 'default grants of ' || d.defaclrole::regrole || d.defaclobjtype::text, d.defaclacl::text
    FROM pg_default_acl d
"""


def catalog(connection: Connection) -> Catalog:
    """The definition of everything in the schema, by kind and name."""
    rows = connection.exec_driver_sql(_QUERY, execution_options={"no_parameters": True}).all()
    found = {row.name: row.said for row in rows}
    assert len(found) == len(rows)
    return found


def differences(one: Catalog, other: Catalog) -> list[str]:
    """What is not the same in both, or in one only, by kind and name."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def tables(connection: Connection) -> list[str]:
    """The tables, without Alembic's own."""
    names = sa.inspect(connection).get_table_names()
    return sorted(name for name in names if name != "alembic_version")
