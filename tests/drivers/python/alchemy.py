"""
alchemy.py - SQLAlchemy over PyMySQL: its pool, its transactions, and the tables that it describes for itself.
"""
import sys
import warnings

import checks
from checks import HOST, PASSWORD, PORT, SCHEMA, USER, check, equal

import sqlalchemy as sa
from sqlalchemy.orm import Session, declarative_base

Base = declarative_base()


class Item(Base):
    __tablename__ = "items"
    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String(100), unique=True)
    amount = sa.Column(sa.Integer)


def engine(**more):
    url = sa.engine.URL.create("mysql+pymysql", USER, PASSWORD, HOST, PORT, SCHEMA, {"charset": "utf8mb4"})
    return sa.create_engine(url.set(**more), future=True, pool_size=2, pool_pre_ping=True,
                            connect_args={"max_allowed_packet": 64 * checks.MEGABYTE})


def code_of(run):
    try:
        run()
    except sa.exc.DBAPIError as error:
        return error.orig.args[0]
    return 0


def connects(pool):
    with pool.connect() as db:
        equal(SCHEMA, db.execute(sa.text("SELECT DATABASE()")).scalar())
    equal(1045, code_of(engine(password="wrong").connect))
    equal(1049, code_of(engine(database="driver_gone").connect))


def reflects(pool):
    inspector = sa.inspect(pool)
    equal({"kinds", "items", "numbers", "blobs", "loaded"}, set(inspector.get_table_names()))
    warnings.simplefilter("ignore", sa.exc.SAWarning)  # of types that it does not know
    table = sa.Table("kinds", sa.MetaData(), autoload_with=pool)
    equal(["id"] + [kind[0] for kind in checks.kinds() if kind[1] != "INET6"],
          [column.name for column in table.columns if column.name != "address"])
    equal(["id"], inspector.get_pk_constraint("items")["constrained_columns"])


def kinds(pool):
    with pool.connect() as db:
        db.execute(sa.text("SET time_zone = '+00:00'"))
        checks.check_kinds([row[1:] for row in db.execute(sa.text("SELECT * FROM kinds ORDER BY id"))])


def objects(pool):
    """The unit of work: ids come back, changes go out, a duplicate rolls back to its savepoint."""
    with Session(pool, future=True, expire_on_commit=False) as session, session.begin():
        items = [Item(name=f"object {n} 😀", amount=n) for n in range(50)]
        session.add_all(items)
        session.flush()
        equal(50, len({item.id for item in items}))
        items[0].amount = 1000
        nested = session.begin_nested()
        session.add(Item(name="object 1 😀"))
        equal(1062, code_of(session.flush))
        nested.rollback()
    with Session(pool, future=True) as session:
        equal(1000 + sum(range(1, 50)), session.scalar(sa.select(sa.func.sum(Item.amount)).where(Item.name.like("object%"))))
        equal(1000, session.get(Item, items[0].id).amount)


def rolls_back(pool):
    with Session(pool, future=True) as session:
        session.add(Item(name="to be undone"))
        session.flush()
        session.rollback()
        equal(None, session.scalar(sa.select(Item).where(Item.name == "to be undone")))


def blobs(pool, megabytes):
    content = checks.blob(megabytes)
    with pool.begin() as db:
        db.execute(sa.text("REPLACE INTO blobs VALUES (:id, :content)"), {"id": megabytes, "content": content})
    with pool.connect() as db:
        equal(content, db.execute(sa.text("SELECT content FROM blobs WHERE id = :id"), {"id": megabytes}).scalar())


def survives_kill(pool):
    """What the pool's ping is for."""
    with pool.connect() as db:
        victim = db.execute(sa.text("SELECT CONNECTION_ID()")).scalar()
    with engine().connect() as other:
        other.execute(sa.text(f"KILL {victim}"))
    with pool.connect() as db:
        equal(1, db.execute(sa.text("SELECT 1")).scalar())


def server_side(pool):
    with pool.connect().execution_options(stream_results=True) as db:
        equal(list(range(1, 5001)), [row.n for row in db.execute(sa.text("SELECT n, filler FROM numbers ORDER BY n"))])


def reader(level):
    with engine().connect().execution_options(isolation_level=level) as db:
        return db.execute(sa.text("SELECT @@server_id")).scalar()


def main():
    if "--version" in sys.argv:
        print(sa.__version__)
        return
    pool = engine()
    check("connect", lambda: connects(pool))
    check("describes tables", lambda: reflects(pool))
    check("kinds text", lambda: kinds(pool))
    check("objects and savepoints", lambda: objects(pool))
    check("rolls back", lambda: rolls_back(pool))
    for megabytes in 1, 17, 40:
        check(f"blob text {megabytes} MB", lambda: blobs(pool, megabytes))
    check("unbuffered", lambda: server_side(pool))
    check("survives kill", lambda: survives_kill(pool))
    check("reads text", lambda: checks.reads_on_readers(lambda: reader("AUTOCOMMIT")))
    checks.finish()


main()
