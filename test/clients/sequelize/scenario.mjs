// The steps of test/clients/scenario with Sequelize and pg.
import { readFileSync } from "node:fs";
import { DataTypes, Model, Op, OptimisticLockError, Sequelize } from "sequelize";
import { ADA, BOB, SCHEMA, changes, main } from "../main.mjs";

const versions = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version;
const url = process.env.DATABASE_URL;
const sequelize = new Sequelize(url, { logging: false });

const key = { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true };
// A named unique index: for `unique: true`, sync({ alter: true }) adds one more constraint each time.
const unique = (name) => ({ indexes: [{ name: `unique_${name}`, unique: true, fields: [name] }] });
const plain = { sequelize, timestamps: false };
class Customer extends Model {}
class Order extends Model {}
class Tag extends Model {}
class OrderTag extends Model {}
class CustomerTag extends Model {}
const columns = {
  id: key,
  email: { type: DataTypes.TEXT, allowNull: false },
  name: { type: DataTypes.TEXT, allowNull: false },
};
Customer.init(columns, { ...plain, ...unique("email"), tableName: "customer" });
Order.init(
  { id: key, total: { type: DataTypes.DECIMAL(10, 2), allowNull: false } },
  { ...plain, tableName: "orders", version: true },
);
Tag.init(
  { id: key, name: { type: DataTypes.TEXT, allowNull: false } },
  { ...plain, ...unique("name"), tableName: "tag" },
);
OrderTag.init({ id: key }, { ...plain, tableName: "order_tag" });
CustomerTag.init({}, { ...plain, tableName: "customer_tag" });
Customer.hasMany(Order, { foreignKey: { name: "customer_id", allowNull: false }, as: "orders", onDelete: "CASCADE" });
Order.belongsTo(Customer, { foreignKey: "customer_id" });
Order.belongsTo(Customer, { foreignKey: "referrer_id", as: "referrer", onDelete: "SET NULL" });
Order.belongsToMany(Tag, { through: OrderTag, foreignKey: "order_id", otherKey: "tag_id", as: "tags" });
Tag.belongsToMany(Order, { through: OrderTag, foreignKey: "tag_id", otherKey: "order_id" });
Customer.belongsToMany(Tag, { through: CustomerTag, foreignKey: "customer_id", otherKey: "tag_id", as: "tags" });
Tag.belongsToMany(Customer, { through: CustomerTag, foreignKey: "tag_id", otherKey: "customer_id" });

// The same table with Sequelize's own soft delete.
const other = new Sequelize(url, { logging: false });
const Paranoid = other.define("paranoid", columns, {
  tableName: "customer",
  paranoid: true,
  createdAt: false,
  updatedAt: false,
  deletedAt: "deleted_at",
});

const names = (rows) => rows.map((row) => row.name).join(",");
const stale = (error) => {
  if (error instanceof OptimisticLockError) return "stale";
  throw error;
};

async function takeOffAndPutOn(owner, name) {
  const tag = await Tag.findOne({ where: { name } });
  await owner.removeTag(tag);
  await owner.addTag(tag);
}

async function seen() {
  const [rows] = await sequelize.query(SCHEMA);
  return rows.map((row) => row.part);
}

await main({
  version: () => `Sequelize ${versions("sequelize")}, pg ${versions("pg")}`,

  schema: async () => {
    await sequelize.sync();
  },

  create: () =>
    sequelize.transaction(async (transaction) => {
      const [red, blue] = await Tag.bulkCreate([{ name: "red" }, { name: "blue" }], { transaction });
      const ada = await Customer.create(
        { email: ADA, name: "Ada", orders: [{ total: 100 }, { total: 50 }] },
        { include: "orders", transaction },
      );
      const bob = await Customer.create(
        { email: BOB, name: "Bob", orders: [{ total: 30 }] },
        { include: "orders", transaction },
      );
      await ada.orders[0].setTags([red, blue], { transaction });
      await ada.orders[1].setTags([red], { transaction });
      await ada.setTags([red], { transaction });
      await bob.setTags([blue], { transaction });
    }),

  delete_one: async () => {
    await (await Order.findByPk(3)).destroy();
  },

  delete_many: () => Order.destroy({ where: { total: { [Op.lt]: 60 } } }),

  delete_tree: async () => {
    await (await Customer.findOne({ where: { email: ADA } })).destroy();
  },

  recreate: async () => {
    await (await Customer.findOne({ where: { email: BOB } })).destroy();
    await Customer.create({ email: BOB, name: "Robert" });
  },

  upsert: async () => {
    await Customer.upsert({ email: ADA, name: "Ada L." }, { conflictFields: ["email"] });
    await Customer.upsert({ email: BOB, name: "Robert" }, { conflictFields: ["email"] });
  },

  get_or_create: async () => {
    const made = [];
    for (const email of [BOB, BOB, ADA]) {
      made.push((await Customer.findOrCreate({ where: { email }, defaults: { name: "New" } }))[1]);
    }
    return made.map((each) => (each ? "made" : "found")).join(" ");
  },

  eager: async () => {
    const ada = await Customer.findByPk(1, { include: "orders" });
    const order = await Order.findByPk(1, { include: ["tags", "referrer"] });
    return `${ada.orders.map((each) => each.id)} ${names(order.tags)} ${order.referrer?.name ?? "-"}`;
  },

  lazy: async () => {
    const ada = await Customer.findByPk(1);
    const order = await Order.findByPk(1);
    const referrer = await order.getReferrer();
    return `${(await ada.getOrders()).map((each) => each.id)} ${names(await order.getTags())} ${referrer?.name ?? "-"}`;
  },

  // destroy() does not look at the version: its WHERE does.
  locking: async () => {
    const [first, second] = [await Order.findByPk(1), await Order.findByPk(2)];
    await (await Order.findByPk(1)).destroy();
    await (await Order.findByPk(2)).update({ total: 51 });
    const saved = await first.update({ total: 101 }).then(() => "saved", stale);
    const count = await Order.destroy({ where: { id: 2, version: second.version } });
    return `${saved} ${count === 0 ? "stale" : "deleted"}`;
  },

  savepoint: () =>
    sequelize.transaction(async (transaction) => {
      const inner = await sequelize.transaction({ transaction });
      await Order.destroy({ where: { id: 1 }, transaction: inner });
      await inner.rollback();
      await Order.destroy({ where: { id: 3 }, transaction });
    }),

  links: async () => takeOffAndPutOn(await Order.findByPk(1), "blue"),
  links_by_key: async () => takeOffAndPutOn(await Customer.findByPk(1), "red"),

  restore: async () => {
    const [[row]] = await sequelize.query("SELECT softdelete.restore('orders', $1) AS count", { bind: [3] });
    return `${row.count} ${(await Order.findByPk(3)).id}`;
  },

  own_soft_delete: async () => {
    const order = [["id", "ASC"]];
    const bob = await Paranoid.findOne({ where: { email: BOB } });
    await bob.destroy();
    const live = names(await Paranoid.findAll({ order }));
    const all = names(await Paranoid.findAll({ order, paranoid: false }));
    await bob.restore();
    return `${live}|${all}|${names(await Paranoid.findAll({ order }))}`;
  },

  dump: async () => {
    const query = sequelize.getQueryInterface();
    const tables = (await query.showAllTables()).map((table) => table.tableName ?? table).sort();
    const indexes = (await query.showIndex("customer")).filter((index) => index.unique && !index.primary);
    return `${tables.join(" ")}|${indexes.flatMap((index) => index.fields.map((field) => field.attribute))}`;
  },

  // Sequelize generates no migrations; sync() with `alter` changes the tables.
  migration: async (configured) => {
    const before = await seen();
    await sequelize.sync({ alter: configured ? { drop: false } : true });
    return changes(before, await seen());
  },

  truncate: async (configured) => {
    const dialectOptions = configured ? { options: "-c softdelete.deletion=hard" } : {};
    const tests = new Sequelize(url, { logging: false, dialectOptions });
    await tests.getQueryInterface().bulkDelete("customer", {}, { truncate: true, cascade: true });
    await tests.close();
  },
});
