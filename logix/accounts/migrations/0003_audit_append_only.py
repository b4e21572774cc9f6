"""The database itself refuses to change an audit event, and PostgreSQL to delete one: a mistake in
the program, or somebody who got as far as its SQL, leaves the log as it was.

Whoever owns the database can take the triggers away; that a chain was mended then shows when it is
verified, for its hashes need the pepper. SQLite's file belongs to whoever runs the hub, and Django
empties tables there row by row, so it guards against changes alone. A later migration that alters
this table makes the trigger anew: on SQLite Django builds such a table again, without it.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

_TABLE = "accounts_auditevent"
_SAYS = "The audit log is append-only."

_MAKE = {
    "postgresql": f"""
        CREATE FUNCTION {_TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_SAYS}' USING ERRCODE = 'integrity_constraint_violation'; END $$;
        CREATE TRIGGER {_TABLE}_append_only BEFORE UPDATE OR DELETE ON {_TABLE}
        FOR EACH ROW EXECUTE FUNCTION {_TABLE}_refuse()
    """,
    "sqlite": f"""
        CREATE TRIGGER {_TABLE}_append_only BEFORE UPDATE ON {_TABLE}
        BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END
    """,
}
_DROP = {
    "postgresql": f"DROP TRIGGER {_TABLE}_append_only ON {_TABLE}; DROP FUNCTION {_TABLE}_refuse()",
    "sqlite": f"DROP TRIGGER {_TABLE}_append_only",
}


def make(_apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(_MAKE[schema_editor.connection.vendor], params=None)


def drop(_apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(_DROP[schema_editor.connection.vendor], params=None)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_view_pii")]

    operations = [migrations.RunPython(make, drop)]
