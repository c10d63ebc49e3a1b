"""The steps of test/clients/scenario with psycopg 3."""

import os
import sys

import psycopg
from psycopg.rows import namedtuple_row

ADA, BOB = "ada@example.com", "bob@example.com"


def connect(**options):
    url = os.environ["DATABASE_URL"]
    return psycopg.connect(url, autocommit=True, row_factory=namedtuple_row, **options)


db = connect()


def one(sql, *values):
    return db.execute(sql, values).fetchone()


def version(_):
    return f"psycopg {psycopg.__version__}"


def create(_):
    with db.transaction(), db.cursor() as cursor:
        cursor.executemany("INSERT INTO tag (name) VALUES (%s)", [("red",), ("blue",)])
        people = [(ADA, "Ada"), (BOB, "Bob")]
        cursor.executemany("INSERT INTO customer (email, name) VALUES (%s, %s)", people)
        with cursor.copy("COPY orders (customer_id, total) FROM STDIN") as copy:
            for row in ((1, 100), (1, 50), (2, 30)):
                copy.write_row(row)
        with cursor.copy("COPY order_tag (order_id, tag_id) FROM STDIN") as copy:
            for row in ((1, 1), (1, 2), (2, 1)):
                copy.write_row(row)
        cursor.execute("INSERT INTO customer_tag (customer_id, tag_id) VALUES (1, 1), (2, 2)")


def delete_one(_):
    assert one("DELETE FROM orders WHERE id = %s RETURNING id", 3).id == 3


def delete_many(_):
    return db.execute("DELETE FROM orders WHERE total < %s", [60]).rowcount


def delete_tree(_):
    db.execute("DELETE FROM customer WHERE email = %s", [ADA])


def recreate(_):
    with db.pipeline():
        db.execute("DELETE FROM customer WHERE email = %s", [BOB])
        db.execute("INSERT INTO customer (email, name) VALUES (%s, 'Robert')", [BOB])


def upsert(_):
    sql = """INSERT INTO customer (email, name) VALUES (%s, %s)
             ON CONFLICT (email) DO UPDATE SET name = excluded.name"""
    with db.cursor() as cursor:
        cursor.executemany(sql, [(ADA, "Ada L."), (BOB, "Robert")])


def eager(_):
    """By a cursor on the server and by statements that are prepared, also with a generic plan."""
    with db.transaction(), db.cursor("orders") as cursor:
        cursor.execute("SELECT o.id FROM customer c JOIN orders o ON o.customer_id = c.id WHERE c.id = 1")
        orders = ",".join(str(row.id) for row in cursor)
    for _time in range(12):
        tags = db.execute(
            "SELECT t.name FROM order_tag JOIN tag t ON t.id = tag_id WHERE order_id = %s",
            [1],
            prepare=True,
        ).fetchall()
        referrer = db.execute(
            "SELECT c.name FROM orders o LEFT JOIN customer c ON c.id = o.referrer_id WHERE o.id = %s",
            [1],
            prepare=True,
        ).fetchone()
    return f"{orders} {','.join(tag.name for tag in tags)} {referrer.name or '-'}"


def locking(_):
    change = "UPDATE orders SET total = %s, version = version + 1 WHERE id = %s AND version = %s"
    remove = "DELETE FROM orders WHERE id = %s AND version = %s"
    db.execute(remove, [1, 1])
    db.execute(change, [51, 2, 1])
    counts = db.execute(change, [101, 1, 1]).rowcount, db.execute(remove, [2, 1]).rowcount
    return " ".join("stale" if count == 0 else "done" for count in counts)


def savepoint(_):
    with db.transaction():
        with db.transaction() as inner:
            db.execute("DELETE FROM orders WHERE id = 1")
            raise psycopg.Rollback(inner)
        db.execute("DELETE FROM orders WHERE id = 3")


def links(_):
    db.execute("DELETE FROM order_tag WHERE order_id = 1 AND tag_id = 2")
    db.execute("INSERT INTO order_tag (order_id, tag_id) VALUES (1, 2)")


def links_by_key(_):
    db.execute("DELETE FROM customer_tag WHERE customer_id = 1 AND tag_id = 1")
    db.execute("INSERT INTO customer_tag (customer_id, tag_id) VALUES (1, 1)")


def restore(_):
    count = one("SELECT softdelete.restore('orders', %s) AS count", 3).count
    return f"{count} {one('SELECT * FROM orders WHERE id = %s', 3).id}"


def truncate(configured):
    options = {"options": "-c softdelete.deletion=hard"} if configured else {}
    with connect(**options) as tests:
        tests.execute("TRUNCATE customer, tag CASCADE")


def main():
    for line in sys.stdin:
        step, *words = line.split()
        try:
            function = globals().get(step)
            result = function(words) if function else None
            answer = f"ok {'' if result is None else result}" if function else "none"
        except Exception as error:
            answer = f"failed: {str(error).splitlines()[0]}"
        print(f"{step}: {answer.strip()}", flush=True)


main()
