-- What each step finds: nothing before `create`, else two customers with three orders.
SET softdelete.deletion = 'hard';
TRUNCATE customer, orders, tag, order_tag, customer_tag RESTART IDENTITY CASCADE;
SELECT :'step' <> 'create' AS filled \gset
\if :filled
INSERT INTO customer (email, name) VALUES ('ada@example.com', 'Ada'), ('bob@example.com', 'Bob');
INSERT INTO orders (customer_id, referrer_id, total, version) VALUES (1, 2, 100, 1), (1, NULL, 50, 1), (2, NULL, 30, 1);
INSERT INTO tag (name) VALUES ('red'), ('blue');
INSERT INTO order_tag (order_id, tag_id) VALUES (1, 1), (1, 2), (2, 1);
INSERT INTO customer_tag (customer_id, tag_id) VALUES (1, 1), (2, 2);
\endif
