"""The steps of test/clients/scenario with Django and psycopg2."""

import io
import os
import subprocess
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

import psycopg2  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from shop.models import Customer, Order, Tag  # noqa: E402

ADA, BOB = "ada@example.com", "bob@example.com"


def version(_):
    driver = psycopg2.__version__.split()[0]
    return f"Django {django.get_version()}, psycopg2 {driver}"


def schema(_):
    call_command("makemigrations", "shop", verbosity=0)
    call_command("migrate", verbosity=0)


@transaction.atomic
def create(_):
    red, blue = Tag.objects.create(name="red"), Tag.objects.create(name="blue")
    ada = Customer.objects.create(email=ADA, name="Ada")
    bob = Customer.objects.create(email=BOB, name="Bob")
    first, second, _third = (
        customer.orders.create(total=total)
        for customer, total in ((ada, 100), (ada, 50), (bob, 30))
    )
    first.tags.add(red, blue)
    second.tags.add(red)
    ada.tags.add(red)
    bob.tags.add(blue)


def delete_one(_):
    Order.objects.get(pk=3).delete()


def delete_many(_):
    return Order.objects.filter(total__lt=60).delete()[1]["shop.Order"]


def delete_tree(_):
    Customer.objects.get(email=ADA).delete()


def recreate(_):
    Customer.objects.get(email=BOB).delete()
    Customer.objects.create(email=BOB, name="Robert")


def upsert(_):
    Customer.objects.update_or_create(email=ADA, defaults={"name": "Ada L."})
    Customer.objects.update_or_create(email=BOB, defaults={"name": "Robert"})


def get_or_create(_):
    made = (
        Customer.objects.get_or_create(email=email, defaults={"name": "New"})[1]
        for email in (BOB, BOB, ADA)
    )
    return " ".join("made" if new else "found" for new in made)


def describe(ada, order, referrer):
    orders = ",".join(str(each.pk) for each in ada.orders.all())
    tags = ",".join(tag.name for tag in order.tags.all())
    return f"{orders} {tags} {referrer or '-'}"


def eager(_):
    ada = Customer.objects.prefetch_related("orders").get(email=ADA)
    order = Order.objects.prefetch_related("tags", "referrer").get(pk=1)
    return describe(ada, order, order.referrer)


def lazy(_):
    ada, order = Customer.objects.get(email=ADA), Order.objects.get(pk=1)
    try:
        return describe(ada, order, order.referrer.name)
    except Customer.DoesNotExist:
        return describe(ada, order, None)


def locking(_):
    """Django has no versions of its own: a filter on one is the usual way."""

    def save(order):
        rows = Order.objects.filter(pk=order.pk, version=order.version)
        return rows.update(total=F("total") + 1, version=F("version") + 1)

    def delete(order):
        return Order.objects.filter(pk=order.pk, version=order.version).delete()[0]

    def seen(rows):
        return "stale" if rows == 0 else f"{rows} rows"

    first, second = Order.objects.get(pk=1), Order.objects.get(pk=2)
    Order.objects.get(pk=1).delete()
    save(Order.objects.get(pk=2))
    return f"{seen(save(first))} {seen(delete(second))}"


def savepoint(_):
    with transaction.atomic():
        mark = transaction.savepoint()
        Order.objects.get(pk=1).delete()
        transaction.savepoint_rollback(mark)
        Order.objects.get(pk=3).delete()


def links(_):
    order, blue = Order.objects.get(pk=1), Tag.objects.get(name="blue")
    order.tags.remove(blue)
    order.tags.add(blue)


def restore(_):
    with connection.cursor() as cursor:
        cursor.execute("SELECT softdelete.restore('orders', %s)", [3])
        count = cursor.fetchone()[0]
    return f"{count} {Order.objects.get(pk=3).pk}"


def dump(_):
    """inspectdb writes models; without views, as it does by itself."""
    out = io.StringIO()
    call_command("inspectdb", stdout=out)
    tables, unique, model = [], [], None
    for line in out.getvalue().splitlines():
        if line.startswith("class "):
            model = line
        if "db_table = " in line:
            tables.append(line.split("'")[1])
        if "unique=True" in line and "class Customer(" in model:
            unique.append(line.split()[0])
    return f"{' '.join(t for t in sorted(tables) if 'django' not in t)}|{' '.join(unique)}"


def migration(_):
    out = io.StringIO()
    call_command("makemigrations", "--dry-run", stdout=out)
    return "empty" if "No changes" in out.getvalue() else out.getvalue()


def truncate(configured):
    options = "-c softdelete.deletion=hard" if configured else ""
    subprocess.run(
        [sys.executable, "-m", "django", "flush", "--no-input"],
        env={**os.environ, "PGOPTIONS": options, "PYTHONPATH": "."},
        check=True,
        stdout=sys.stderr,
    )


def main():
    for line in sys.stdin:
        step, *words = line.split()
        try:
            function = globals().get(step)
            answer = f"ok {function(words) or ''}" if function else "none"
        except Exception as error:
            answer = f"failed: {str(error).splitlines()[0]}"
        print(f"{step}: {answer.strip()}", flush=True)
        connection.close()


main()
