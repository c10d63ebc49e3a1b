// The steps of test/clients/scenario with Objection, Knex and pg.
import { readFileSync } from "node:fs";
import knexFactory from "knex";
import objection from "objection";
import { ADA, BOB, main } from "../main.mjs";

const { Model } = objection;
const versions = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const knex = knexFactory({ client: "pg", connection: process.env.DATABASE_URL });
Model.knex(knex);

const relation = (kind, modelClass, from, to, through) => ({ relation: kind, modelClass, join: { from, through, to } });

class Tag extends Model {
  static tableName = "tag";
}
class Order extends Model {
  static tableName = "orders";
  static get relationMappings() {
    return {
      referrer: relation(Model.BelongsToOneRelation, Customer, "orders.referrer_id", "customer.id"),
      tags: relation(Model.ManyToManyRelation, Tag, "orders.id", "tag.id", {
        from: "order_tag.order_id",
        to: "order_tag.tag_id",
      }),
    };
  }
}
class Customer extends Model {
  static tableName = "customer";
  static get relationMappings() {
    return {
      orders: relation(Model.HasManyRelation, Order, "customer.id", "orders.customer_id"),
      tags: relation(Model.ManyToManyRelation, Tag, "customer.id", "tag.id", {
        from: "customer_tag.customer_id",
        to: "customer_tag.tag_id",
      }),
    };
  }
}

const names = (rows) => rows.map((row) => row.name).join(",");
const describe = (orders, tags, referrer) => `${orders.map((each) => each.id)} ${names(tags)} ${referrer?.name ?? "-"}`;

async function takeOffAndPutOn(owner, name) {
  const tag = await Tag.query().findOne({ name });
  await owner.$relatedQuery("tags").unrelate().where("tag.id", tag.id);
  await owner.$relatedQuery("tags").relate(tag.id);
}

await main({
  version: () => `Objection ${versions("objection")}, Knex ${versions("knex")}, pg ${versions("pg")}`,

  create: () =>
    Customer.transaction(async (trx) => {
      const red = { "#id": "red", name: "red" };
      const blue = { "#id": "blue", name: "blue" };
      const [first, second] = [
        { total: 100, tags: [red, blue] },
        { total: 50, tags: [{ "#ref": "red" }] },
      ];
      const ada = { email: ADA, name: "Ada", tags: [{ "#ref": "red" }], orders: [first, second] };
      const saved = await Customer.query(trx).insertGraph(ada, { allowRefs: true });
      const tag = saved.orders[0].tags.find((each) => each.name === "blue");
      const bob = { email: BOB, name: "Bob", tags: [{ "#dbRef": tag.id }], orders: [{ total: 30 }] };
      await Customer.query(trx).insertGraph(bob, { allowRefs: true });
    }),

  delete_one: async () => {
    await (await Order.query().findById(3)).$query().delete();
  },

  delete_many: () => Order.query().delete().where("total", "<", 60),

  delete_tree: async () => {
    await Customer.query().delete().where({ email: ADA });
  },

  recreate: async () => {
    await Customer.query().delete().where({ email: BOB });
    await Customer.query().insert({ email: BOB, name: "Robert" });
  },

  upsert: async () => {
    const rows = [
      { email: ADA, name: "Ada L." },
      { email: BOB, name: "Robert" },
    ];
    await Customer.query().insert(rows).onConflict("email").merge(["name"]);
  },

  eager: async () => {
    const ada = await Customer.query().findById(1).withGraphFetched("orders");
    const order = await Order.query().findById(1).withGraphJoined("[tags, referrer]");
    return describe(ada.orders, order.tags, order.referrer);
  },

  lazy: async () => {
    const [ada, order] = [await Customer.query().findById(1), await Order.query().findById(1)];
    const load = (row, relation) => row.$relatedQuery(relation);
    return describe(await load(ada, "orders"), await load(order, "tags"), await load(order, "referrer"));
  },

  // A look at a version is a condition.
  locking: async () => {
    const [first, second] = [await Order.query().findById(1), await Order.query().findById(2)];
    const as = (row) => Order.query().where({ id: row.id, version: row.version });
    const next = (total) => ({ total, version: Order.raw("version + 1") });
    await as(first).delete();
    await as(second).patch(next(51));
    const counts = [await as(first).patch(next(101)), await as(second).delete()];
    return counts.map((count) => (count === 0 ? "stale" : "done")).join(" ");
  },

  savepoint: () =>
    knex.transaction(async (trx) => {
      await trx
        .transaction(async (inner) => {
          await Order.query(inner).deleteById(1);
          throw new Error("back to the savepoint");
        })
        .catch(() => {});
      await Order.query(trx).deleteById(3);
    }),

  links: async () => takeOffAndPutOn(await Order.query().findById(1), "blue"),
  links_by_key: async () => takeOffAndPutOn(await Customer.query().findById(1), "red"),

  restore: async () => {
    const { rows } = await knex.raw("SELECT softdelete.restore('orders', ?) AS count", [3]);
    return `${rows[0].count} ${(await Order.query().findById(3)).id}`;
  },

  truncate: async (configured) => {
    const options = configured ? "-c softdelete.deletion=hard" : "";
    const connection = { connectionString: process.env.DATABASE_URL, options };
    const tests = knexFactory({ client: "pg", connection });
    try {
      await tests.raw("TRUNCATE ??, ?? CASCADE", ["customer", "tag"]);
    } finally {
      await tests.destroy();
    }
  },
});
