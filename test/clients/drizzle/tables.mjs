// The tables, with the new columns mapped where the settings of doc/clients.md are used.
import { relations } from "drizzle-orm";
import { bigint, index, integer, numeric, pgTable, primaryKey, text, timestamp, uniqueIndex } from "drizzle-orm/pg-core";
import { isNotNull, isNull } from "drizzle-orm";

export function tables(settings) {
  const id = () => bigint({ mode: "number" }).primaryKey().generatedByDefaultAsIdentity();
  const to = (target, onDelete = "cascade") => bigint({ mode: "number" }).references(() => target().id, { onDelete });
  const ours = () =>
    settings
      ? {
          deleted_at: timestamp({ withTimezone: true }),
          deleted_by: text(),
          deletion_id: bigint({ mode: "number" }),
        }
      : {};
  // softdelete's indexes; unique ones are of live rows.
  const indexes = (name, table) =>
    settings
      ? [
          index(`${name}_deleted_at_idx`).on(table.deleted_at).where(isNotNull(table.deleted_at)),
          index(`${name}_deletion_id_idx`).on(table.deletion_id).where(isNotNull(table.deletion_id)),
        ]
      : [];
  const unique = (name, table, ...columns) => {
    const made = uniqueIndex(name).on(...columns);
    return settings ? made.where(isNull(table.deleted_at)) : made;
  };

  const customer = pgTable("customer", { id: id(), email: text().notNull(), name: text().notNull(), ...ours() }, (t) => [
    unique("customer_email", t, t.email),
    ...indexes("customer", t),
  ]);
  const orders = pgTable(
    "orders",
    {
      id: id(),
      customer_id: to(() => customer).notNull(),
      referrer_id: to(() => customer, "set null"),
      total: numeric({ precision: 10, scale: 2 }).notNull(),
      version: integer().notNull().default(1),
      ...ours(),
    },
    (t) => indexes("orders", t),
  );
  const tag = pgTable("tag", { id: id(), name: text().notNull(), ...ours() }, (t) => [
    unique("tag_name", t, t.name),
    ...indexes("tag", t),
  ]);
  const order_tag = pgTable(
    "order_tag",
    { id: id(), order_id: to(() => orders).notNull(), tag_id: to(() => tag).notNull(), ...ours() },
    (t) => [unique("order_tag_pair", t, t.order_id, t.tag_id), ...indexes("order_tag", t)],
  );
  const customer_tag = pgTable(
    "customer_tag",
    { customer_id: to(() => customer).notNull(), tag_id: to(() => tag).notNull() },
    (t) => [primaryKey({ columns: [t.customer_id, t.tag_id] })],
  );
  return {
    customer,
    orders,
    tag,
    order_tag,
    customer_tag,
    customerRelations: relations(customer, ({ many }) => ({ orders: many(orders, { relationName: "orders" }) })),
    ordersRelations: relations(orders, ({ one, many }) => ({
      customer: one(customer, { fields: [orders.customer_id], references: [customer.id], relationName: "orders" }),
      referrer: one(customer, { fields: [orders.referrer_id], references: [customer.id] }),
      links: many(order_tag),
    })),
    linkRelations: relations(order_tag, ({ one }) => ({
      order: one(orders, { fields: [order_tag.order_id], references: [orders.id] }),
      tag: one(tag, { fields: [order_tag.tag_id], references: [tag.id] }),
    })),
  };
}
