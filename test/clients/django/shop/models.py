from django.db import models


class Tag(models.Model):
    name = models.TextField(unique=True)

    class Meta:
        db_table = "tag"


class Customer(models.Model):
    email = models.TextField(unique=True)
    name = models.TextField()
    tags = models.ManyToManyField(Tag, db_table="customer_tag")

    class Meta:
        db_table = "customer"


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    # A link that outlives the customer, as with ON DELETE SET NULL. With SET_NULL Django would take the link away.
    referrer = models.ForeignKey(
        Customer, models.DO_NOTHING, null=True, db_constraint=False, related_name="+"
    )
    total = models.DecimalField(max_digits=10, decimal_places=2)
    version = models.IntegerField(default=1)
    tags = models.ManyToManyField(Tag, db_table="order_tag")

    class Meta:
        db_table = "orders"
