// The steps of test/clients/scenario with Prisma and its adapter for pg.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { PrismaPg } from "@prisma/adapter-pg";
import { ADA, BOB, main } from "../main.mjs";

const { PrismaClient } = createRequire(import.meta.url)("./client");
const versions = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const connect = (options) =>
  new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL, options }) });
const db = connect();

const describe = (orders, tags, referrer) =>
  `${orders.map((each) => each.id)} ${tags.map((link) => link.tag.name)} ${referrer?.name ?? "-"}`;

async function takeOffAndPutOn(links, where) {
  await links.deleteMany({ where });
  await links.create({ data: where });
}

await main({
  version: () => `Prisma ${versions("@prisma/client")}, adapter-pg ${versions("@prisma/adapter-pg")}`,

  create: async () => {
    await db.$transaction(async (tx) => {
      const [red, blue] = await tx.tag.createManyAndReturn({ data: [{ name: "red" }, { name: "blue" }] });
      const to = (...tags) => ({ create: tags.map((tag) => ({ tag: { connect: { id: tag.id } } })) });
      const adas = { create: [{ total: 100, tags: to(red, blue) }, { total: 50, tags: to(red) }] };
      await tx.customer.create({ data: { email: ADA, name: "Ada", orders: adas, tags: to(red) } });
      const bobs = { create: [{ total: 30 }] };
      await tx.customer.create({ data: { email: BOB, name: "Bob", orders: bobs, tags: to(blue) } });
    });
  },

  delete_one: async () => {
    const row = await db.order.delete({ where: { id: 3 } });
    if (row.id !== 3n) throw new Error("another row came back");
  },

  delete_many: async () => (await db.order.deleteMany({ where: { total: { lt: 60 } } })).count,

  delete_tree: async () => {
    await db.customer.delete({ where: { email: ADA } });
  },

  recreate: async () => {
    await db.customer.delete({ where: { email: BOB } });
    await db.customer.create({ data: { email: BOB, name: "Robert" } });
  },

  upsert: async () => {
    for (const [email, name] of [
      [ADA, "Ada L."],
      [BOB, "Robert"],
    ]) {
      await db.customer.upsert({ where: { email }, create: { email, name }, update: { name } });
    }
  },

  eager: async () => {
    const ada = await db.customer.findUnique({ where: { id: 1 }, include: { orders: true } });
    const include = { tags: { include: { tag: true } }, referrer: true };
    const order = await db.order.findUnique({ where: { id: 1 }, include });
    return describe(ada.orders, order.tags, order.referrer);
  },

  lazy: async () => {
    const order = db.order.findUnique.bind(db.order, { where: { id: 1 } });
    const orders = await db.customer.findUnique({ where: { id: 1 } }).orders();
    return describe(orders, await order().tags({ include: { tag: true } }), await order().referrer());
  },

  // A look at a version is a condition.
  locking: async () => {
    const as = (id) => ({ id, version: 1 });
    const next = (total) => ({ total, version: { increment: 1 } });
    await db.order.delete({ where: as(1) });
    await db.order.update({ where: as(2), data: next(51) });
    const stale = (error) => {
      if (error.code === "P2025") return "stale";
      throw error;
    };
    const saved = await db.order.update({ where: as(1), data: next(101) }).then(() => "saved", stale);
    const removed = await db.order.delete({ where: as(2) }).then(() => "deleted", stale);
    return `${saved} ${removed}`;
  },

  savepoint: async () => {
    await db.$transaction(async (tx) => {
      await tx.$executeRaw`SAVEPOINT before`;
      await tx.order.delete({ where: { id: 1 } });
      await tx.$executeRaw`ROLLBACK TO SAVEPOINT before`;
      await tx.order.delete({ where: { id: 3 } });
    });
  },

  links: () => takeOffAndPutOn(db.orderTag, { order_id: 1, tag_id: 2 }),
  links_by_key: () => takeOffAndPutOn(db.customerTag, { customer_id: 1, tag_id: 1 }),

  restore: async () => {
    const [{ count }] = await db.$queryRaw`SELECT softdelete.restore('orders', ${3}) AS count`;
    return `${count} ${(await db.order.findUniqueOrThrow({ where: { id: 3 } })).id}`;
  },

  truncate: async (configured) => {
    const tests = connect(configured ? "-c softdelete.deletion=hard" : "");
    try {
      await tests.$executeRaw`TRUNCATE customer, tag CASCADE`;
    } finally {
      await tests.$disconnect();
    }
  },
});
