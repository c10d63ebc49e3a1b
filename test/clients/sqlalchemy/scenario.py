"""The steps of test/clients/scenario with SQLAlchemy, psycopg2 and Alembic."""

import os
import sys

import alembic
import psycopg2
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from models import Base, Customer, Order, Tag
from sqlalchemy import UniqueConstraint, delete, inspect, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.exc import StaleDataError

ADA, BOB = "ada@example.com", "bob@example.com"

url = os.environ["DATABASE_URL"].replace("postgres:", "postgresql+psycopg2:")
engine = sqlalchemy.create_engine(url)


def version(_):
    driver = psycopg2.__version__.split()[0]
    return (
        f"SQLAlchemy {sqlalchemy.__version__}, Alembic {alembic.__version__}, "
        f"psycopg2 {driver}"
    )


def schema(_):
    Base.metadata.create_all(engine)


def by_email(session, email):
    return session.execute(select(Customer).filter_by(email=email)).scalar_one_or_none()


def create(_):
    with Session(engine) as session, session.begin():
        red, blue = Tag(name="red"), Tag(name="blue")
        session.add_all([red, blue])
        session.flush()
        ada = Customer(email=ADA, name="Ada", tags=[red])
        ada.orders = [Order(total=100, tags=[red, blue]), Order(total=50, tags=[red])]
        session.add(ada)
        session.flush()
        bob = Customer(email=BOB, name="Bob", tags=[blue], orders=[Order(total=30)])
        session.add(bob)


def delete_one(_):
    with Session(engine) as session, session.begin():
        session.delete(session.get(Order, 3))


def delete_many(_):
    with Session(engine) as session, session.begin():
        return session.execute(delete(Order).where(Order.total < 60)).rowcount


def delete_tree(_):
    with Session(engine) as session, session.begin():
        session.delete(by_email(session, ADA))


def recreate(_):
    with Session(engine) as session, session.begin():
        session.delete(by_email(session, BOB))
        session.flush()
        session.add(Customer(email=BOB, name="Robert"))


def upsert(_):
    with Session(engine) as session, session.begin():
        for email, name in ((ADA, "Ada L."), (BOB, "Robert")):
            statement = insert(Customer).values(email=email, name=name)
            session.execute(
                statement.on_conflict_do_update(
                    index_elements=["email"], set_={"name": statement.excluded.name}
                )
            )


def describe(ada, order):
    orders = ",".join(str(each.id) for each in ada.orders)
    tags = ",".join(tag.name for tag in order.tags)
    return f"{orders} {tags} {order.referrer.name if order.referrer else '-'}"


def eager(_):
    with Session(engine) as session:
        ada = session.get(Customer, 1, options=[selectinload(Customer.orders)])
        links = [joinedload(Order.tags), joinedload(Order.referrer)]
        return describe(ada, session.get(Order, 1, options=links, populate_existing=True))


def lazy(_):
    with Session(engine) as session:
        return describe(session.get(Customer, 1), session.get(Order, 1))


def locking(_):
    def outcome(session):
        try:
            session.commit()
            return "saved"
        except StaleDataError:
            return "stale"

    with Session(engine) as first, Session(engine) as second, Session(engine) as other:
        saved, deleted = first.get(Order, 1), second.get(Order, 2)
        saved.total += 1
        second.delete(deleted)
        other.delete(other.get(Order, 1))
        other.get(Order, 2).total += 1
        other.commit()
        return f"{outcome(first)} {outcome(second)}"


def savepoint(_):
    with Session(engine) as session, session.begin():
        mark = session.begin_nested()
        session.delete(session.get(Order, 1))
        session.flush()
        mark.rollback()
        session.delete(session.get(Order, 3))


def take_off_and_put_on(owner, key, name):
    with Session(engine) as session:
        thing = session.get(owner, key)
        tag = session.execute(select(Tag).filter_by(name=name)).scalar_one()
        thing.tags.remove(tag)
        session.commit()
        thing.tags.append(tag)
        session.commit()


def links(_):
    take_off_and_put_on(Order, 1, "blue")


def links_by_key(_):
    take_off_and_put_on(Customer, 1, "red")


def restore(_):
    with Session(engine) as session, session.begin():
        statement = text("SELECT softdelete.restore('orders', :key)")
        count = session.execute(statement, {"key": 3}).scalar_one()
        return f"{count} {session.get(Order, 3).id}"


def dump(_):
    inspector = inspect(engine)
    unique = [
        column
        for index in inspector.get_indexes("customer")
        if index["unique"]
        for column in index["column_names"]
    ]
    return f"{' '.join(sorted(inspector.get_table_names()))}|{' '.join(unique)}"


OURS = {"deleted_at", "deleted_by", "deletion_id"}


def make_include_object():
    """For env.py: leaves out what softdelete adds, and UNIQUE constraints that are unique indexes now."""
    inspector = inspect(engine)
    indexes = {
        (table, *index["column_names"])
        for table in inspector.get_table_names()
        for index in inspector.get_indexes(table)
        if index["unique"]
    }
    constraints = {
        (table.name, *constraint.columns.keys())
        for table in Base.metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    }

    def include_object(object_, name, type_, reflected, compare_to):
        if type_ == "column":
            return not (reflected and name in OURS)
        if type_ in ("index", "unique_constraint"):
            place = (object_.table.name, *object_.columns.keys())
            return not OURS & set(place) and place not in indexes & constraints
        return True

    return include_object


def migration(configured):
    options = {"include_object": make_include_object()} if configured else {}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        difference = compare_metadata(context, Base.metadata)
    return "; ".join(each[0] for each in difference) or "empty"


def truncate(configured):
    options = {"options": "-c softdelete.deletion=hard"} if configured else {}
    tests = sqlalchemy.create_engine(url, connect_args=options)
    with tests.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


def main():
    for line in sys.stdin:
        step, *words = line.split()
        try:
            function = globals().get(step)
            answer = f"ok {function(words) or ''}" if function else "none"
        except Exception as error:
            answer = f"failed: {str(error).splitlines()[0]}"
        print(f"{step}: {answer.strip()}", flush=True)


main()
