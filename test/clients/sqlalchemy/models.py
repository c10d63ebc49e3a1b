from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Integer,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()

order_tag = Table(
    "order_tag",
    Base.metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("order_id", ForeignKey("orders.id", ondelete="CASCADE"), nullable=False),
    Column("tag_id", ForeignKey("tag.id", ondelete="CASCADE"), nullable=False, index=True),
    UniqueConstraint("order_id", "tag_id"),
)

customer_tag = Table(
    "customer_tag",
    Base.metadata,
    Column("customer_id", ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Tag(Base):
    __tablename__ = "tag"

    id = Column(BigInteger, Identity(), primary_key=True)
    name = Column(Text, nullable=False, unique=True)


class Customer(Base):
    __tablename__ = "customer"

    id = Column(BigInteger, Identity(), primary_key=True)
    email = Column(Text, nullable=False, unique=True)
    name = Column(Text, nullable=False)
    orders = relationship(
        "Order",
        foreign_keys="Order.customer_id",
        back_populates="customer",
        cascade="all, delete-orphan",
        order_by="Order.id",
    )
    tags = relationship(Tag, secondary=customer_tag)


class Order(Base):
    __tablename__ = "orders"

    id = Column(BigInteger, Identity(), primary_key=True)
    customer_id = Column(
        ForeignKey("customer.id", ondelete="CASCADE"), nullable=False, index=True
    )
    referrer_id = Column(ForeignKey("customer.id", ondelete="SET NULL"), index=True)
    total = Column(Numeric(10, 2), nullable=False)
    version = Column(Integer, nullable=False)
    customer = relationship(
        Customer, foreign_keys=customer_id, back_populates="orders"
    )
    referrer = relationship(Customer, foreign_keys=referrer_id)
    tags = relationship(Tag, secondary=order_tag)

    __mapper_args__ = {"version_id_col": version}
