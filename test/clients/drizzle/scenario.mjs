// The steps of test/clients/scenario with Drizzle, drizzle-kit and pg.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { and, eq, lt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { ADA, BOB, difference, main } from "../main.mjs";
import { tables } from "./tables.mjs";

const versions = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
const schema = tables(false);
const { customer, orders, tag, order_tag, customer_tag } = schema;
const db = drizzle(pool, { schema });

// drizzle-kit shows the statements before it asks, which it cannot do here.
function push(flags, settings = "") {
  const env = { ...process.env, SETTINGS: settings, NO_COLOR: "1" };
  const run = spawnSync("node_modules/.bin/drizzle-kit", ["push", "--config=drizzle.config.mjs", ...flags], { env, encoding: "utf8" });
  if (run.stdout.includes("[i] No changes detected")) return [];
  const statements = run.stdout.split("\n").filter((line) => /^(ALTER|CREATE|DROP) /.test(line));
  if (run.status !== 0 && statements.length === 0) throw new Error(run.stderr);
  return statements;
}

async function takeOffAndPutOn(table, link) {
  await db.delete(table).where(and(...Object.entries(link).map(([column, value]) => eq(table[column], value))));
  await db.insert(table).values(link);
}

await main({
  version: () => `Drizzle ${versions("drizzle-orm")}, drizzle-kit ${versions("drizzle-kit")}, pg ${versions("pg")}`,

  schema: () => {
    push(["--force"]);
  },

  create: () =>
    db.transaction(async (tx) => {
      const [red, blue] = await tx.insert(tag).values([{ name: "red" }, { name: "blue" }]).returning();
      const people = [
        { email: ADA, name: "Ada" },
        { email: BOB, name: "Bob" },
      ];
      const [ada, bob] = await tx.insert(customer).values(people).returning();
      const [first, second] = await tx
        .insert(orders)
        .values([
          { customer_id: ada.id, total: "100" },
          { customer_id: ada.id, total: "50" },
          { customer_id: bob.id, total: "30" },
        ])
        .returning();
      await tx.insert(order_tag).values([
        { order_id: first.id, tag_id: red.id },
        { order_id: first.id, tag_id: blue.id },
        { order_id: second.id, tag_id: red.id },
      ]);
      await tx.insert(customer_tag).values([
        { customer_id: ada.id, tag_id: red.id },
        { customer_id: bob.id, tag_id: blue.id },
      ]);
    }),

  delete_one: async () => {
    await db.delete(orders).where(eq(orders.id, 3));
  },

  delete_many: async () => (await db.delete(orders).where(lt(orders.total, "60")).returning()).length,

  delete_tree: async () => {
    await db.delete(customer).where(eq(customer.email, ADA));
  },

  recreate: async () => {
    await db.delete(customer).where(eq(customer.email, BOB));
    await db.insert(customer).values({ email: BOB, name: "Robert" });
  },

  upsert: async () => {
    await db
      .insert(customer)
      .values([
        { email: ADA, name: "Ada L." },
        { email: BOB, name: "Robert" },
      ])
      .onConflictDoUpdate({ target: customer.email, set: { name: sql`excluded.name` } });
  },

  eager: async () => {
    const ada = await db.query.customer.findFirst({ where: eq(customer.id, 1), with: { orders: true } });
    const order = await db.query.orders.findFirst({
      where: eq(orders.id, 1),
      with: { links: { with: { tag: true } }, referrer: true },
    });
    const tags = order.links.map((link) => link.tag.name);
    return `${ada.orders.map((each) => each.id)} ${tags} ${order.referrer?.name ?? "-"}`;
  },

  // Drizzle follows no links; a look at a version is a condition.
  locking: async () => {
    const rows = await db.select().from(orders).orderBy(orders.id);
    const [first, second] = rows;
    const saved = (row) => and(eq(orders.id, row.id), eq(orders.version, row.version));
    const next = (total) => ({ total, version: sql`${orders.version} + 1` });
    await db.delete(orders).where(saved(first));
    await db.update(orders).set(next("51")).where(saved(second));
    const update = await db.update(orders).set(next("101")).where(saved(first));
    const gone = await db.delete(orders).where(saved(second));
    return [update, gone].map((result) => (result.rowCount === 0 ? "stale" : "done")).join(" ");
  },

  savepoint: () =>
    db.transaction(async (tx) => {
      await tx
        .transaction(async (inner) => {
          await inner.delete(orders).where(eq(orders.id, 1));
          inner.rollback();
        })
        .catch(() => {});
      await tx.delete(orders).where(eq(orders.id, 3));
    }),

  links: () => takeOffAndPutOn(order_tag, { order_id: 1, tag_id: 2 }),
  links_by_key: () => takeOffAndPutOn(customer_tag, { customer_id: 1, tag_id: 1 }),

  restore: async () => {
    const { rows } = await db.execute(sql`SELECT softdelete.restore('orders', ${3}) AS count`);
    const [order] = await db.select().from(orders).where(eq(orders.id, 3));
    return `${rows[0].count} ${order.id}`;
  },

  migration: async (configured) => {
    const registered = (await pool.query("SELECT to_regclass('active_customer')::text AS view")).rows[0].view !== null;
    const settings = registered ? "registered" : "yes";
    return difference(push(["--strict", "--verbose"], configured ? settings : ""));
  },

  truncate: async (configured) => {
    const options = configured ? "-c softdelete.deletion=hard" : "";
    const tests = new pg.Pool({ connectionString: process.env.DATABASE_URL, options });
    try {
      await drizzle(tests).execute(sql`TRUNCATE ${customer}, ${tag} CASCADE`);
    } finally {
      await tests.end();
    }
  },
});
