"""What SQLite's query planner is told about our tables, so that it chooses well in a store of any size.

Every key of ours begins with the service, and most stores hold one service. A planner that knows nothing takes "all
rows of this service, in the order of their ids" for as good a way as "the rows of this person, then sorted", and reads
the whole table. PostgreSQL learns better by itself; SQLite is told here, at every migration, what ANALYZE would find in
a store with many cases. The figures are made up and fixed, so that no plan ever depends on the day on which somebody
measured (sqlite.org/lang_analyze.html, "Fixed Results Of ANALYZE").
"""

from collections.abc import Sequence

from sqlalchemy import Date, Engine, Table, Uuid, inspect

from portal.store.database import Base, UTCDateTime

ROWS = 1_000_000
"""As many rows as the large tables have in a store with a hundred thousand cases."""
SMALL = 300
"""As many as there are of whatever does not grow with the cases."""
FEW_ROWS = frozenset({"service", "staff", "duty", "invitation", "service_scale", "scale_text", "kiosk", "you_said"})

DIFFERENT: dict[str, int] = {
    "service_id": 1,
    "status": 6,
    "state": 4,
    "kind": 10,
    "channel": 5,
    "position": 3,
    "occasion": 4,
    "need": 20,
    "recipient": 2,
    "spoken_language": 40,
    "interpreter": 6,
    "done_at": 30,
    "closed_at": 10,
    "opened_at": 10,
    "ended_at": 5,
    "undone_at": 5,
    "reopened_at": 5,
    "supervised_at": 5,
    "supervision_at": 5,
    "assigned_to": SMALL,
    "owner_id": SMALL,
    "staff_id": SMALL,
    "actor_id": SMALL,
    "written_by": SMALL,
    "recorded_by": SMALL,
    "born": 25_000,
    "part": 50_000,
}
"""How many different values a column holds, by its name; an id or a key of its own holds nearly as many as there are
rows, and a moment or a day one in twenty. Of those that have not come yet very many rows have none."""


def tell_planner(engine: Engine) -> None:
    """Write the figures; nothing on a database that learns by itself. They count from the next connection on."""
    if engine.dialect.name != "sqlite":
        return
    with engine.begin() as connection:
        # Makes the table of figures; what it finds is then replaced.
        connection.exec_driver_sql("ANALYZE")
        connection.exec_driver_sql("DELETE FROM sqlite_stat1")
        known = set(inspect(connection).get_table_names())
        for table in Base.metadata.sorted_tables:
            if table.name not in known:
                continue
            for index in connection.exec_driver_sql(f'PRAGMA index_list("{table.name}")').all():
                columns = connection.exec_driver_sql(f'PRAGMA index_info("{index.name}")').all()
                figures = _figures(table, [column.name for column in columns], unique=bool(index.unique))
                connection.exec_driver_sql(
                    "INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", (table.name, index.name, figures)
                )


def _figures(table: Table, columns: Sequence[str], *, unique: bool) -> str:
    """The rows of the table, and how many of them share the first column, the first two, and so on."""
    rows = SMALL if table.name in FEW_ROWS else ROWS
    figures, left = [rows], rows
    for number, name in enumerate(columns, 1):
        left = 1 if unique and number == len(columns) else max(1, left // _different(table, name, rows))
        figures.append(left)
    return " ".join(str(one) for one in figures)


def _different(table: Table, name: str, rows: int) -> int:
    if name in DIFFERENT:
        return min(DIFFERENT[name], rows)
    kind = table.columns[name].type if name in table.columns else None
    if isinstance(kind, Uuid):
        return max(1, rows // 5)
    return max(1, rows // (20 if isinstance(kind, (UTCDateTime, Date)) else 2))
