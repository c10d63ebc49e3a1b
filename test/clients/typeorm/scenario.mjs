// The steps of test/clients/scenario with TypeORM and pg.
import { readFileSync } from "node:fs";
import { DataSource, EntitySchema, LessThan, OptimisticLockVersionMismatchError } from "typeorm";
import { ADA, BOB, difference, main } from "../main.mjs";

const versions = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;

const id = { type: "bigint", primary: true, generated: "identity", generatedIdentity: "BY DEFAULT" };
const parent = (target, name, onDelete = "CASCADE") => ({
  type: "many-to-one",
  target,
  onDelete,
  nullable: onDelete !== "CASCADE",
  joinColumn: { name },
});

// With `settings` as doc/clients.md says: the new columns are mapped, with their comments, and out of sight.
function entities(settings) {
  const column = (type, comment) => ({ type, comment, nullable: true, select: false, insert: false, update: false });
  const ours = settings && {
    deleted_at: column(
      "timestamptz",
      "Soft-delete marker kept by softdelete. Deleted rows are kept until they are purged.",
    ),
    deleted_by: column("text", "Who deleted the row; added by softdelete."),
    deletion_id: column("bigint", "The deletion that took the row; added by softdelete."),
  };
  const unique = (name, ...columns) => ({ name, columns, unique: true });
  const indexes = (table) =>
    ["deleted_at", "deletion_id"]
      .filter(() => settings)
      .map((column) => ({ name: `${table}_${column}_idx`, columns: [column], synchronize: false }));
  return [
    new EntitySchema({
      name: "Customer",
      tableName: "customer",
      columns: { id, email: { type: "text" }, name: { type: "text" }, ...ours },
      relations: {
        orders: { type: "one-to-many", target: "Order", inverseSide: "customer", cascade: ["insert"] },
        tags: {
          type: "many-to-many",
          target: "Tag",
          joinTable: {
            name: "customer_tag",
            joinColumn: { name: "customer_id" },
            inverseJoinColumn: { name: "tag_id" },
          },
        },
      },
      indices: [unique("customer_email", "email"), ...indexes("customer")],
    }),
    new EntitySchema({
      name: "Order",
      tableName: "orders",
      columns: {
        id,
        total: { type: "numeric", precision: 10, scale: 2 },
        version: { type: "integer", version: true },
        ...ours,
      },
      relations: {
        customer: { ...parent("Customer", "customer_id"), inverseSide: "orders" },
        referrer: parent("Customer", "referrer_id", "SET NULL"),
        links: { type: "one-to-many", target: "OrderTag", inverseSide: "order", cascade: ["insert"] },
      },
      indices: indexes("orders"),
    }),
    new EntitySchema({
      name: "OrderTag",
      tableName: "order_tag",
      columns: { id, ...ours },
      relations: {
        order: { ...parent("Order", "order_id"), inverseSide: "links" },
        tag: parent("Tag", "tag_id"),
      },
      indices: [unique("order_tag_pair", "order", "tag"), ...indexes("order_tag")],
    }),
    new EntitySchema({
      name: "Tag",
      tableName: "tag",
      columns: { id, name: { type: "text" }, ...ours },
      indices: [unique("tag_name", "name"), ...indexes("tag")],
    }),
  ];
}

// The same table with TypeORM's own soft delete.
const paranoid = new EntitySchema({
  name: "Paranoid",
  tableName: "customer",
  columns: {
    id,
    email: { type: "text" },
    name: { type: "text" },
    deletedAt: { type: "timestamptz", name: "deleted_at", deleteDate: true },
  },
});

const connect = (options) =>
  new DataSource({ type: "postgres", url: process.env.DATABASE_URL, applicationName: "typeorm", ...options }).initialize();
const db = await connect({ entities: entities(false) });
const [customers, orders, tags, links] = ["Customer", "Order", "Tag", "OrderTag"].map((name) => db.getRepository(name));
const names = (rows) => rows.map((row) => row.name).join(",");

async function schemaLog(source) {
  const log = await source.driver.createSchemaBuilder().log();
  return log.upQueries.map((each) => each.query);
}

await main({
  version: () => `TypeORM ${versions("typeorm")}, pg ${versions("pg")}`,

  schema: () => db.synchronize(),

  create: () =>
    db.transaction(async (manager) => {
      const [red, blue] = await manager.save("Tag", [{ name: "red" }, { name: "blue" }]);
      const first = { total: 100, links: [{ tag: red }, { tag: blue }] };
      const second = { total: 50, links: [{ tag: red }] };
      await manager.save("Customer", { email: ADA, name: "Ada", orders: [first, second], tags: [red] });
      await manager.save("Customer", { email: BOB, name: "Bob", orders: [{ total: 30 }], tags: [blue] });
    }),

  delete_one: async () => {
    await orders.remove(await orders.findOneBy({ id: 3 }));
  },

  delete_many: async () => (await orders.delete({ total: LessThan(60) })).affected,

  delete_tree: async () => {
    await customers.remove(await customers.findOneBy({ email: ADA }));
  },

  recreate: async () => {
    await customers.remove(await customers.findOneBy({ email: BOB }));
    await customers.save({ email: BOB, name: "Robert" });
  },

  upsert: async () => {
    await customers.upsert(
      [
        { email: ADA, name: "Ada L." },
        { email: BOB, name: "Robert" },
      ],
      ["email"],
    );
  },

  eager: async () => {
    const ada = await customers.findOne({ where: { id: 1 }, relations: { orders: true } });
    const order = await orders.findOne({ where: { id: 1 }, relations: { links: { tag: true }, referrer: true } });
    return `${ada.orders.map((each) => each.id)} ${names(order.links.map((link) => link.tag))} ${order.referrer?.name ?? "-"}`;
  },

  lazy: async () => {
    const [ada, order] = [await customers.findOneBy({ id: 1 }), await orders.findOneBy({ id: 1 })];
    const load = (from, relation, of) => db.createQueryBuilder().relation(from, relation).of(of);
    const found = await load("Customer", "orders", ada).loadMany();
    const tagged = await links.find({ where: { order: { id: order.id } }, relations: { tag: true } });
    const referrer = await load("Order", "referrer", order).loadOne();
    return `${found.map((each) => each.id)} ${names(tagged.map((link) => link.tag))} ${referrer?.name ?? "-"}`;
  },

  // TypeORM compares versions where it is told to, as it loads.
  locking: async () => {
    const [first, second] = [await orders.findOneBy({ id: 1 }), await orders.findOneBy({ id: 2 })];
    await orders.remove(await orders.findOneBy({ id: 1 }));
    await orders.save({ ...second, total: 51 });
    const check = async (order) => {
      const lock = { mode: "optimistic", version: order.version };
      try {
        return (await orders.findOne({ where: { id: order.id }, lock })) ? "fresh" : "stale";
      } catch (error) {
        if (error instanceof OptimisticLockVersionMismatchError) return "stale";
        throw error;
      }
    };
    return `${await check(first)} ${await check(second)}`;
  },

  savepoint: () =>
    db.transaction(async (manager) => {
      await manager
        .transaction(async (inner) => {
          await inner.delete("Order", { id: 1 });
          throw new Error("back to the savepoint");
        })
        .catch(() => {});
      await manager.delete("Order", { id: 3 });
    }),

  links: async () => {
    const blue = await tags.findOneBy({ name: "blue" });
    await links.delete({ order: { id: 1 }, tag: { id: blue.id } });
    await links.save({ order: { id: 1 }, tag: blue });
  },

  links_by_key: async () => {
    const ada = await customers.findOne({ where: { id: 1 }, relations: { tags: true } });
    const red = ada.tags;
    await customers.save({ ...ada, tags: [] });
    await customers.save({ ...ada, tags: red });
  },

  restore: async () => {
    const [row] = await db.query("SELECT softdelete.restore('orders', $1) AS count", [3]);
    return `${row.count} ${(await orders.findOneBy({ id: 3 })).id}`;
  },

  own_soft_delete: async () => {
    const source = await connect({ entities: [paranoid] });
    const rows = source.getRepository("Paranoid");
    const list = async (options) => names(await rows.find({ order: { id: "ASC" }, ...options }));
    try {
      await rows.softDelete({ email: BOB });
      const [live, all] = [await list(), await list({ withDeleted: true })];
      await rows.restore({ email: BOB });
      return `${live}|${all}|${await list()}`;
    } finally {
      await source.destroy();
    }
  },

  migration: async (configured) => {
    const source = await connect({ entities: entities(configured) });
    const statements = await schemaLog(source);
    await source.destroy();
    return difference(statements);
  },

  truncate: async (configured) => {
    const extra = configured ? { options: "-c softdelete.deletion=hard" } : {};
    const tests = await connect({ entities: entities(false), extra });
    try {
      await tests.getRepository("Customer").clear({ cascade: true });
    } finally {
      await tests.destroy();
    }
  },
});
