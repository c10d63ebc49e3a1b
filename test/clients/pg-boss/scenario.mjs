// The steps of test/clients/scenario as jobs of pg-boss: each is sent in one transaction, and worked off and completed in
// another, over pg. Its own tables are not registered.
import { readFileSync } from "node:fs";
import pg from "pg";
import { PgBoss } from "pg-boss";
import { ADA, BOB, main } from "../main.mjs";

const versions = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, supervise: false, schedule: false });
boss.on("error", console.error);
const QUEUE = "steps";

async function inTransaction(work) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const answer = await work(client, { executeSql: (text, values) => client.query(text, values) });
    await client.query("COMMIT");
    return answer;
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}

const job = (work) => async (configured) => {
  await inTransaction((_, db) => boss.send(QUEUE, {}, { db }));
  const [next] = await boss.fetch(QUEUE);
  try {
    const answer = await inTransaction(async (client, db) => {
      const result = await work((text, values) => client.query(text, values), configured);
      await boss.complete(QUEUE, next.id, {}, { db });
      return result;
    });
    const [done] = await boss.findJobs(QUEUE, { id: next.id });
    if (done.state !== "completed") throw new Error(`the job is ${done.state}`);
    return answer;
  } finally {
    await boss.deleteJob(QUEUE, next.id);
    const { rows } = await pool.query("SELECT count(*) AS left FROM pgboss.job WHERE id = $1", [next.id]);
    if (rows[0].left !== "0") console.error("the job is still there");
  }
};

const takeOffAndPutOn = (table, column, pair) =>
  job(async (query) => {
    await query(`DELETE FROM ${table} WHERE ${column} = $1 AND tag_id = $2`, pair);
    await query(`INSERT INTO ${table} (${column}, tag_id) VALUES ($1, $2)`, pair);
  });

await main({
  version: () => `pg-boss ${versions("pg-boss")}, pg ${versions("pg")}`,

  schema: async () => {
    await boss.start();
    await boss.createQueue(QUEUE);
    await pool.query(readFileSync("../fixture.sql", "utf8"));
  },

  create: job(async (query) => {
    const insert = async (text, values) => (await query(`INSERT INTO ${text} RETURNING id`, values)).rows[0].id;
    const ada = await insert("customer (email, name) VALUES ($1, 'Ada')", [ADA]);
    const bob = await insert("customer (email, name) VALUES ($1, 'Bob')", [BOB]);
    const red = await insert("tag (name) VALUES ('red')");
    const blue = await insert("tag (name) VALUES ('blue')");
    const first = await insert("orders (customer_id, total) VALUES ($1, 100)", [ada]);
    const second = await insert("orders (customer_id, total) VALUES ($1, 50)", [ada]);
    await insert("orders (customer_id, total) VALUES ($1, 30)", [bob]);
    await query("INSERT INTO order_tag (order_id, tag_id) VALUES ($1, $3), ($1, $4), ($2, $3)", [first, second, red, blue]);
    await query("INSERT INTO customer_tag VALUES ($1, $3), ($2, $4)", [ada, bob, red, blue]);
  }),

  delete_one: job(async (query) => {
    const { rows } = await query("SELECT id FROM orders WHERE id = $1", [3]);
    await query("DELETE FROM orders WHERE id = $1", [rows[0].id]);
  }),

  delete_many: job(async (query) => (await query("DELETE FROM orders WHERE total < $1", [60])).rowCount),

  delete_tree: job(async (query) => {
    await query("DELETE FROM customer WHERE email = $1", [ADA]);
  }),

  recreate: job(async (query) => {
    await query("DELETE FROM customer WHERE email = $1", [BOB]);
    await query("INSERT INTO customer (email, name) VALUES ($1, 'Robert')", [BOB]);
  }),

  savepoint: job(async (query) => {
    await query("SAVEPOINT before");
    await query("DELETE FROM orders WHERE id = 1");
    await query("ROLLBACK TO before");
    await query("DELETE FROM orders WHERE id = 3");
  }),

  links: takeOffAndPutOn("order_tag", "order_id", [1, 2]),
  links_by_key: takeOffAndPutOn("customer_tag", "customer_id", [1, 1]),

  restore: job(async (query) => {
    const restored = await query("SELECT softdelete.restore('orders', $1) AS count", [3]);
    const orders = await query("SELECT id FROM orders WHERE id = 3");
    return `${restored.rows[0].count} ${orders.rows[0].id}`;
  }),

  // What differs between its own tables and what it expects.
  migration: async () => {
    const { ok, ...drift } = await boss.detectSchemaDrift();
    return ok ? "empty" : JSON.stringify(drift);
  },

  truncate: job(async (query, configured) => {
    if (configured) await query("SET LOCAL softdelete.deletion = 'hard'");
    await query("TRUNCATE customer, tag CASCADE");
  }),
});
