// The steps of test/clients/scenario with PostGraphile: queries and mutations in GraphQL, with the schema that it makes of
// the database. Each mutation is a transaction. What it cannot say in GraphQL is a function.
import { readFileSync } from "node:fs";
import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafast } from "postgraphile/grafast";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { jsonPgSmartTags } from "postgraphile/utils";
import { ADA, BOB, main } from "../main.mjs";

const version = JSON.parse(readFileSync("node_modules/postgraphile/package.json")).version;
const connectionString = process.env.DATABASE_URL;
const pool = new pg.Pool({ connectionString });
const TABLES = { Customer: "customer", CustomerTag: "customer_tag", Order: "orders", OrderTag: "order_tag", Tag: "tag" };

// The settings of doc/clients.md: what is unique, what is softdelete's, and relations whose index covers live rows only.
const hidden = { tags: { behavior: "-*" } };
const columns = { attribute: { deleted_at: hidden, deleted_by: hidden, deletion_id: hidden } };
const unique = { customer: "email", order_tag: "order_id,tag_id", tag: "name" };
const classes = Object.values(TABLES).flatMap((table) => [
  [table, { ...columns, ...(unique[table] ? { tags: { unique: unique[table] } } : {}) }],
  ...["active", "deleted", "all"].map((view) => [`${view}_${table}`, hidden]),
]);
const settings = {
  plugins: [jsonPgSmartTags({ version: 1, config: { class: Object.fromEntries(classes) } })],
  disablePlugins: ["PgIndexBehaviorsPlugin"],
};

// The schema as the database is now.
async function withSchema(configured, work) {
  const instance = postgraphile({
    extends: [PostGraphileAmberPreset, ...(configured ? [settings] : [])],
    pgServices: [makePgService({ connectionString, schemas: ["public"] })],
  });
  try {
    const { schema, resolvedPreset } = await instance.getSchemaResult();
    return await work(async (source, variableValues = {}) => {
      const result = await grafast({ schema, source, variableValues, resolvedPreset, requestContext: {} });
      if (result.errors) throw new Error(result.errors[0].message);
      return result.data;
    }, schema);
  } finally {
    await instance.release();
  }
}

const step = (work) => (configured) => withSchema(configured, work);

const customerId = async (query, email) =>
  (await query("query ($email: String!) { allCustomers(condition: { email: $email }) { nodes { id } } }", { email }))
    .allCustomers.nodes[0].id;

const insert = async (query, type, values) => {
  const field = type[0].toLowerCase() + type.slice(1);
  const data = await query(
    `mutation ($values: ${type}Input!) { create${type}(input: { ${field}: $values }) { ${field} { id } } }`,
    { values },
  );
  return JSON.parse(Buffer.from(data[`create${type}`][field].id, "base64"))[1];
};

await main({
  version: () => `PostGraphile ${version}`,

  schema: async () => {
    await pool.query(readFileSync("../fixture.sql", "utf8"));
    await pool.query(
      "CREATE FUNCTION restore_order(row_id bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT softdelete.restore('orders', row_id) $$",
    );
  },

  create: step(async (query) => {
    const ada = await insert(query, "Customer", { email: ADA, name: "Ada" });
    const bob = await insert(query, "Customer", { email: BOB, name: "Bob" });
    const [red, blue] = [await insert(query, "Tag", { name: "red" }), await insert(query, "Tag", { name: "blue" })];
    const first = await insert(query, "Order", { customerId: ada, total: "100" });
    const second = await insert(query, "Order", { customerId: ada, total: "50" });
    await insert(query, "Order", { customerId: bob, total: "30" });
    for (const [orderId, tagId] of [
      [first, red],
      [first, blue],
      [second, red],
    ]) {
      await insert(query, "OrderTag", { orderId, tagId });
    }
    await insert(query, "CustomerTag", { customerId: ada, tagId: red });
    await insert(query, "CustomerTag", { customerId: bob, tagId: blue });
  }),

  delete_one: step(async (query) => {
    const { orderByRowId } = await query('{ orderByRowId(rowId: "3") { id } }');
    const { deleteOrder } = await query(
      "mutation ($id: ID!) { deleteOrder(input: { id: $id }) { order { rowId total } } }",
      orderByRowId,
    );
    if (deleteOrder.order.rowId !== "3") throw new Error("another row came back");
  }),

  delete_tree: step(async (query) => {
    const id = await customerId(query, ADA);
    await query("mutation ($id: ID!) { deleteCustomer(input: { id: $id }) { deletedCustomerId } }", { id });
  }),

  recreate: step(async (query) => {
    const id = await customerId(query, BOB);
    await query("mutation ($id: ID!) { deleteCustomer(input: { id: $id }) { deletedCustomerId } }", { id });
    await insert(query, "Customer", { email: BOB, name: "Robert" });
  }),

  eager: step(async (query) => {
    const { customerByRowId: ada, orderByRowId: order } = await query(`{
      customerByRowId(rowId: "1") { ordersByCustomerId { nodes { rowId } } }
      orderByRowId(rowId: "1") {
        orderTagsByOrderId { nodes { tagByTagId { name } } }
        customerByReferrerId { name }
      }
    }`);
    const tags = order.orderTagsByOrderId.nodes.map((each) => each.tagByTagId.name);
    return `${ada.ordersByCustomerId.nodes.map((each) => each.rowId)} ${tags} ${order.customerByReferrerId?.name ?? "-"}`;
  }),

  links: step(async (query) => {
    const key = 'orderId: "1", tagId: "2"';
    await query(`mutation { deleteOrderTagByOrderIdAndTagId(input: { ${key} }) { deletedOrderTagId } }`);
    await query(`mutation { createOrderTag(input: { orderTag: { ${key} } }) { orderTag { rowId } } }`);
  }),

  links_by_key: step(async (query) => {
    const key = 'customerId: "1", tagId: "1"';
    await query(`mutation { deleteCustomerTagByCustomerIdAndTagId(input: { ${key} }) { deletedCustomerTagId } }`);
    await query(`mutation { createCustomerTag(input: { customerTag: { ${key} } }) { customerTag { id } } }`);
  }),

  restore: step(async (query) => {
    const { restoreOrder } = await query('mutation { restoreOrder(input: { rowId: "3" }) { result } }');
    const { orderByRowId } = await query('{ orderByRowId(rowId: "3") { rowId } }');
    return `${restoreOrder.result} ${orderByRowId.rowId}`;
  }),

  dump: step((_, schema) => {
    const created = Object.keys(schema.getMutationType().getFields()).filter((name) => name.startsWith("create"));
    const tables = created.map((name) => TABLES[name.slice("create".length)] ?? name.slice("create".length));
    const lookups = Object.keys(schema.getQueryType().getFields()).filter((name) => /^customerBy(?!RowId)/.test(name));
    const columns = lookups.map((name) => name.slice("customerBy".length).toLowerCase());
    return `${tables.sort().join(" ")}|${columns}`;
  }),
});
