// The steps of test/clients/scenario with Kysely and pg.
import { readFileSync } from "node:fs";
import { Kysely, PostgresDialect, sql } from "kysely";
import { jsonArrayFrom, jsonObjectFrom } from "kysely/helpers/postgres";
import pg from "pg";
import { ADA, BOB, main } from "../main.mjs";

const versions = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const connect = (options) =>
  new Kysely({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: process.env.DATABASE_URL, options }) }),
  });
const db = connect();
const stale = (result) => (Number(result.numDeletedRows ?? result.numUpdatedRows) === 0 ? "stale" : "done");

async function takeOffAndPutOn(table, link) {
  await db
    .deleteFrom(table)
    .where((eb) => eb.and(link))
    .execute();
  await db.insertInto(table).values(link).execute();
}

await main({
  version: () => `Kysely ${versions("kysely")}, pg ${versions("pg")}`,

  create: () =>
    db.transaction().execute(async (trx) => {
      const insert = (table, rows) => trx.insertInto(table).values(rows).returningAll().execute();
      const [red, blue] = await insert("tag", [{ name: "red" }, { name: "blue" }]);
      const [ada, bob] = await insert("customer", [
        { email: ADA, name: "Ada" },
        { email: BOB, name: "Bob" },
      ]);
      const [first, second] = await insert("orders", [
        { customer_id: ada.id, total: 100 },
        { customer_id: ada.id, total: 50 },
        { customer_id: bob.id, total: 30 },
      ]);
      await insert("order_tag", [
        { order_id: first.id, tag_id: red.id },
        { order_id: first.id, tag_id: blue.id },
        { order_id: second.id, tag_id: red.id },
      ]);
      await insert("customer_tag", [
        { customer_id: ada.id, tag_id: red.id },
        { customer_id: bob.id, tag_id: blue.id },
      ]);
    }),

  delete_one: async () => {
    const row = await db.deleteFrom("orders").where("id", "=", 3).returningAll().executeTakeFirstOrThrow();
    if (row.id !== "3") throw new Error("another row came back");
  },

  delete_many: async () =>
    (await db.deleteFrom("orders").where("total", "<", 60).executeTakeFirstOrThrow()).numDeletedRows,

  delete_tree: async () => {
    await db.deleteFrom("customer").where("email", "=", ADA).execute();
  },

  recreate: async () => {
    await db.deleteFrom("customer").where("email", "=", BOB).execute();
    await db.insertInto("customer").values({ email: BOB, name: "Robert" }).execute();
  },

  upsert: async () => {
    await db
      .insertInto("customer")
      .values([
        { email: ADA, name: "Ada L." },
        { email: BOB, name: "Robert" },
      ])
      .onConflict((on) => on.column("email").doUpdateSet({ name: (eb) => eb.ref("excluded.name") }))
      .execute();
  },

  eager: async () => {
    const ada = await db
      .selectFrom("customer as c")
      .select((eb) => [
        jsonArrayFrom(eb.selectFrom("orders as o").select("o.id").whereRef("o.customer_id", "=", "c.id")).as("orders"),
      ])
      .where("c.id", "=", 1)
      .executeTakeFirstOrThrow();
    const order = await db
      .selectFrom("orders as o")
      .select((eb) => [
        jsonArrayFrom(
          eb
            .selectFrom("tag as t")
            .innerJoin("order_tag as ot", "ot.tag_id", "t.id")
            .select("t.name")
            .whereRef("ot.order_id", "=", "o.id"),
        ).as("tags"),
        jsonObjectFrom(eb.selectFrom("customer as r").select("r.name").whereRef("r.id", "=", "o.referrer_id")).as(
          "referrer",
        ),
      ])
      .where("o.id", "=", 1)
      .executeTakeFirstOrThrow();
    return `${ada.orders.map((each) => each.id)} ${order.tags.map((each) => each.name)} ${order.referrer?.name ?? "-"}`;
  },

  // A look at a version is a condition.
  locking: async () => {
    const [first, second] = await db.selectFrom("orders").selectAll().orderBy("id").limit(2).execute();
    const as = (query, row) => query.where("id", "=", row.id).where("version", "=", row.version);
    const update = (row, total) =>
      as(db.updateTable("orders").set({ total, version: sql`version + 1` }), row).executeTakeFirst();
    const remove = (row) => as(db.deleteFrom("orders"), row).executeTakeFirst();
    await remove(first);
    await update(second, 51);
    return `${stale(await update(first, 101))} ${stale(await remove(second))}`;
  },

  savepoint: async () => {
    const trx = await db.startTransaction().execute();
    const inner = await trx.savepoint("before").execute();
    await inner.deleteFrom("orders").where("id", "=", 1).execute();
    await inner.rollbackToSavepoint("before").execute();
    await trx.deleteFrom("orders").where("id", "=", 3).execute();
    await trx.commit().execute();
  },

  links: () => takeOffAndPutOn("order_tag", { order_id: 1, tag_id: 2 }),
  links_by_key: () => takeOffAndPutOn("customer_tag", { customer_id: 1, tag_id: 1 }),

  restore: async () => {
    const { rows } = await sql`SELECT softdelete.restore('orders', ${3}) AS count`.execute(db);
    const order = await db.selectFrom("orders").select("id").where("id", "=", 3).executeTakeFirstOrThrow();
    return `${rows[0].count} ${order.id}`;
  },

  truncate: async (configured) => {
    const tests = connect(configured ? "-c softdelete.deletion=hard" : "");
    try {
      await sql`TRUNCATE customer, tag CASCADE`.execute(tests);
    } finally {
      await tests.destroy();
    }
  },
});
