// The steps of test/clients/scenario with postgres.js.
import { readFileSync } from "node:fs";
import postgres from "postgres";
import { ADA, BOB, main } from "../main.mjs";

const versions = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const sql = postgres(process.env.DATABASE_URL, { onnotice: () => {} });

await main({
  version: () => `postgres.js ${versions("postgres")}`,

  create: () =>
    sql.begin(async (tx) => {
      const insert = (table, rows) => tx`INSERT INTO ${tx(table)} ${tx(rows)} RETURNING *`;
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
    const [row] = await sql`DELETE FROM orders WHERE id = ${3} RETURNING *`;
    if (row.id !== "3") throw new Error("another row came back");
  },

  delete_many: async () => (await sql`DELETE FROM orders WHERE total < ${60}`).count,

  delete_tree: async () => {
    await sql`DELETE FROM customer WHERE email = ${ADA}`;
  },

  recreate: async () => {
    await sql`DELETE FROM customer WHERE email = ${BOB}`;
    await sql`INSERT INTO customer ${sql({ email: BOB, name: "Robert" })}`;
  },

  upsert: async () => {
    const rows = [
      { email: ADA, name: "Ada L." },
      { email: BOB, name: "Robert" },
    ];
    await sql`INSERT INTO customer ${sql(rows)} ON CONFLICT (email) DO UPDATE SET name = excluded.name`;
  },

  // By a cursor and by simple queries, several in one message.
  eager: async () => {
    const found = [];
    for await (const rows of sql`SELECT o.id FROM customer c JOIN orders o ON o.customer_id = c.id
        WHERE c.id = ${1} ORDER BY o.id`.cursor(1)) {
      found.push(...rows.map((row) => row.id));
    }
    const [tags, [referrer]] = await sql`
      SELECT t.name FROM order_tag ot JOIN tag t ON t.id = ot.tag_id WHERE ot.order_id = 1;
      SELECT c.name FROM orders o LEFT JOIN customer c ON c.id = o.referrer_id WHERE o.id = 1`.simple();
    return `${found} ${tags.map((tag) => tag.name)} ${referrer.name ?? "-"}`;
  },

  // A look at a version is a condition.
  locking: async () => {
    const [first, second] = await sql`SELECT id, version FROM orders ORDER BY id`;
    const update = (row, total) =>
      sql`UPDATE orders SET total = ${total}, version = version + 1 WHERE id = ${row.id} AND version = ${row.version}`;
    const remove = (row) => sql`DELETE FROM orders WHERE id = ${row.id} AND version = ${row.version}`;
    await remove(first);
    await update(second, 51);
    const results = [await update(first, 101), await remove(second)];
    return results.map((result) => (result.count === 0 ? "stale" : "done")).join(" ");
  },

  savepoint: () =>
    sql.begin(async (tx) => {
      await tx
        .savepoint(async (inner) => {
          await inner`DELETE FROM orders WHERE id = 1`;
          throw new Error("back to the savepoint");
        })
        .catch(() => {});
      await tx`DELETE FROM orders WHERE id = 3`;
    }),

  links: async () => {
    await sql`DELETE FROM order_tag WHERE order_id = 1 AND tag_id = 2`;
    await sql`INSERT INTO order_tag ${sql({ order_id: 1, tag_id: 2 })}`;
  },

  links_by_key: async () => {
    await sql`DELETE FROM customer_tag WHERE customer_id = 1 AND tag_id = 1`;
    await sql`INSERT INTO customer_tag ${sql({ customer_id: 1, tag_id: 1 })}`;
  },

  restore: async () => {
    const [{ restored }] = await sql`SELECT softdelete.restore('orders', ${3}) AS restored`;
    const [order] = await sql`SELECT * FROM orders WHERE id = ${3}`;
    return `${restored} ${order.id}`;
  },

  truncate: async (configured) => {
    const connection = configured ? { options: "-c softdelete.deletion=hard" } : {};
    const tests = postgres(process.env.DATABASE_URL, { connection, onnotice: () => {} });
    try {
      await tests`TRUNCATE customer, tag CASCADE`;
    } finally {
      await tests.end();
    }
  },
});
