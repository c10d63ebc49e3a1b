import { tables } from "./tables.mjs";

export const { customer, orders, tag, order_tag, customer_tag } = tables(process.env.SETTINGS === "registered");
