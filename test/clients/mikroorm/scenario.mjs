// The steps of test/clients/scenario with MikroORM and pg.
import { readFileSync } from "node:fs";
import { EntitySchema, LockMode, MikroORM, OptimisticLockError } from "@mikro-orm/postgresql";
import { ADA, BOB, difference, main } from "../main.mjs";

const versions = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;

const id = { type: "bigint", primary: true, autoincrement: true };
const parent = (entity, fieldName) => ({ kind: "m:1", entity, fieldName, deleteRule: "cascade" });

// With `settings` as doc/clients.md says: the new columns are mapped, with their comments, and out of sight; indexes of
// live or deleted rows are named as they are.
function entities(settings) {
  const column = (type, comment) => ({ type, comment, nullable: true, lazy: true, hidden: true });
  const ours = settings && {
    deleted_at: {
      ...column("datetime", "Soft-delete marker kept by softdelete. Deleted rows are kept until they are purged."),
      length: 6,
    },
    deleted_by: column("text", "Who deleted the row; added by softdelete."),
    deletion_id: column("bigint", "The deletion that took the row; added by softdelete."),
  };
  const partial = (name, table, kind, columns, condition) => ({
    name,
    expression: `CREATE ${kind} ${name} ON public.${table} USING btree (${columns}) WHERE (${condition})`,
  });
  const indexes = (table, constraint, ...unique) => {
    if (!settings) return unique.length ? { uniques: [{ properties: unique, name: constraint }] } : {};
    const columns = unique.map((each) => (["order", "tag"].includes(each) ? `${each}_id` : each)).join(", ");
    return {
      indexes: [
        partial(`${table}_deleted_at_idx`, table, "INDEX", "deleted_at", "deleted_at IS NOT NULL"),
        partial(`${table}_deletion_id_idx`, table, "INDEX", "deletion_id", "deletion_id IS NOT NULL"),
        ...(unique.length ? [partial(constraint, table, "UNIQUE INDEX", columns, "deleted_at IS NULL")] : []),
      ],
    };
  };

  const Tag = new EntitySchema({
    name: "Tag",
    tableName: "tag",
    ...indexes("tag", "tag_name_unique", "name"),
    properties: { id, name: { type: "text" }, ...ours },
  });
  const OrderTag = new EntitySchema({
    name: "OrderTag",
    tableName: "order_tag",
    ...indexes("order_tag", "order_tag_unique", "order", "tag"),
    properties: { id, order: parent("Order", "order_id"), tag: parent("Tag", "tag_id"), ...ours },
  });
  const Order = new EntitySchema({
    name: "Order",
    tableName: "orders",
    ...indexes("orders"),
    properties: {
      id,
      customer: { ...parent("Customer", "customer_id"), inversedBy: "orders" },
      referrer: { ...parent("Customer", "referrer_id"), nullable: true, deleteRule: "set null" },
      total: { type: "decimal", precision: 10, scale: 2 },
      version: { type: "integer", version: true },
      tags: { kind: "m:n", entity: "Tag", pivotEntity: "OrderTag" },
      ...ours,
    },
  });
  const Customer = new EntitySchema({
    name: "Customer",
    tableName: "customer",
    ...indexes("customer", "customer_email_unique", "email"),
    properties: {
      id,
      email: { type: "text" },
      name: { type: "text" },
      orders: { kind: "1:m", entity: "Order", mappedBy: "customer", orphanRemoval: true },
      tags: {
        kind: "m:n",
        entity: "Tag",
        pivotTable: "customer_tag",
        joinColumn: "customer_id",
        inverseJoinColumn: "tag_id",
      },
      ...ours,
    },
  });
  return [Tag, OrderTag, Order, Customer];
}

// The same table with a soft delete by MikroORM's own means, a filter.
const Paranoid = new EntitySchema({
  name: "Paranoid",
  tableName: "customer",
  filters: { live: { name: "live", cond: { deletedAt: null }, default: true } },
  properties: {
    id,
    email: { type: "text" },
    name: { type: "text" },
    deletedAt: { type: "datetime", fieldName: "deleted_at", nullable: true },
  },
});

const connect = (options) =>
  MikroORM.init({
    entities: entities(false),
    clientUrl: process.env.DATABASE_URL,
    discovery: { warnWhenNoEntities: false },
    ...options,
  });
const orm = await connect();
const names = (rows) => [...rows].map((row) => row.name).join(",");
const ids = (rows) => [...rows].map((row) => row.id).join(",");
const stale = (error) => {
  if (error instanceof OptimisticLockError) return "stale";
  throw error;
};

async function takeOffAndPutOn(owner, key, name) {
  const em = orm.em.fork();
  const thing = await em.findOneOrFail(owner, key, { populate: ["tags"] });
  const tag = await em.findOneOrFail("Tag", { name });
  thing.tags.remove(tag);
  await em.flush();
  thing.tags.add(tag);
  await em.flush();
}

await main({
  version: () => `MikroORM ${versions("@mikro-orm/core")}, pg ${versions("pg")}`,

  schema: () => orm.schema.createSchema(),

  create: () =>
    orm.em.fork().transactional(async (em) => {
      const [red, blue] = ["red", "blue"].map((name) => em.create("Tag", { name }));
      await em.flush();
      const customer = (email, name, totals, tags) =>
        em.create("Customer", { email, name, tags, orders: totals.map((total) => ({ total })) });
      const ada = customer(ADA, "Ada", [100, 50], [red]);
      await em.flush();
      customer(BOB, "Bob", [30], [blue]);
      const [first, second] = ada.orders;
      first.tags.add(red, blue);
      second.tags.add(red);
    }),

  delete_one: async () => {
    const em = orm.em.fork();
    await em.remove(await em.findOneOrFail("Order", 3)).flush();
  },

  delete_many: () => orm.em.fork().nativeDelete("Order", { total: { $lt: 60 } }),

  delete_tree: async () => {
    const em = orm.em.fork();
    const ada = await em.findOneOrFail("Customer", { email: ADA }, { populate: ["orders"] });
    await em.remove(ada).flush();
  },

  recreate: async () => {
    const em = orm.em.fork();
    await em.remove(await em.findOneOrFail("Customer", { email: BOB })).flush();
    await em.persist(em.create("Customer", { email: BOB, name: "Robert" })).flush();
  },

  upsert: async () => {
    const rows = [
      { email: ADA, name: "Ada L." },
      { email: BOB, name: "Robert" },
    ];
    await orm.em.fork().upsertMany("Customer", rows, { onConflictFields: ["email"] });
  },

  eager: async () => {
    const em = orm.em.fork();
    const ada = await em.findOneOrFail("Customer", 1, { populate: ["orders"] });
    const order = await orm.em.fork().findOneOrFail("Order", 1, { populate: ["tags", "referrer"] });
    return `${ids(ada.orders)} ${names(order.tags)} ${order.referrer?.name ?? "-"}`;
  },

  lazy: async () => {
    const em = orm.em.fork();
    const [ada, order] = [await em.findOneOrFail("Customer", 1), await em.findOneOrFail("Order", 1)];
    await ada.orders.init();
    await order.tags.init();
    const referrer = await em.findOne("Customer", order.referrer.id);
    return `${ids(ada.orders)} ${names(order.tags)} ${referrer?.name ?? "-"}`;
  },

  locking: async () => {
    const [mine, other] = [orm.em.fork(), orm.em.fork()];
    const first = await mine.findOneOrFail("Order", 1);
    const second = await mine.fork().findOneOrFail("Order", 2);
    await other.remove(await other.findOneOrFail("Order", 1)).flush();
    (await other.findOneOrFail("Order", 2)).total = 51;
    await other.flush();
    first.total = 101;
    const saved = await mine.flush().then(() => "saved", stale);
    const removed = await orm.em
      .fork()
      .transactional(async (em) => {
        const lock = { lockMode: LockMode.OPTIMISTIC, lockVersion: second.version };
        await em.remove(await em.findOneOrFail("Order", 2, lock)).flush();
      })
      .then(() => "deleted", stale);
    return `${saved} ${removed}`;
  },

  savepoint: () =>
    orm.em.fork().transactional(async (em) => {
      await em
        .transactional(async (inner) => {
          await inner.remove(await inner.findOneOrFail("Order", 1)).flush();
          throw new Error("back to the savepoint");
        })
        .catch(() => {});
      await em.nativeDelete("Order", 3);
    }),

  links: () => takeOffAndPutOn("Order", 1, "blue"),
  links_by_key: () => takeOffAndPutOn("Customer", 1, "red"),

  restore: async () => {
    const [row] = await orm.em.execute("SELECT softdelete.restore('orders', ?) AS count", [3]);
    return `${row.count} ${(await orm.em.fork().findOneOrFail("Order", 3)).id}`;
  },

  own_soft_delete: async () => {
    const source = await connect({ entities: [Paranoid] });
    const list = async (options) => names(await source.em.fork().find("Paranoid", {}, { orderBy: { id: 1 }, ...options }));
    const write = async (deletedAt) => {
      const em = source.em.fork();
      (await em.findOneOrFail("Paranoid", { email: BOB }, { filters: { live: false } })).deletedAt = deletedAt;
      await em.flush();
    };
    try {
      await write(new Date());
      const [live, all] = [await list(), await list({ filters: { live: false } })];
      await write(null);
      return `${live}|${all}|${await list()}`;
    } finally {
      await source.close();
    }
  },

  migration: async (configured) => {
    const schemaGenerator = configured ? { ignoreSchema: ["softdelete", "softdelete_internal"] } : {};
    const registered = (await orm.em.execute("SELECT to_regclass('active_customer') IS NOT NULL AS yes"))[0].yes;
    const source = await connect({ entities: entities(configured && registered), schemaGenerator });
    const sql = await source.schema.getUpdateSchemaSQL({ wrap: false });
    await source.close();
    return difference(sql.split(";\n").map((each) => each.trim()).filter(Boolean));
  },

  // clearDatabase() is for superusers: it sets session_replication_role.
  truncate: async (configured) => {
    const driverOptions = configured ? { connection: { options: "-c softdelete.deletion=hard" } } : {};
    const tests = await connect({ driverOptions, user: "postgres" });
    try {
      await tests.schema.clearDatabase();
    } finally {
      await tests.close();
    }
  },
});
