-- Registers every table, as an application would whose framework cascades by itself.
SELECT count(*)
FROM unnest('{customer, orders, tag, order_tag, customer_tag}'::regclass[]) AS name,
     softdelete.register(name);
