-- Loads a CSV file, an NDJSON file and a few rows written here into three collections,
-- then sends some of the rows again: known keys become updates. Run it as often as you like.

-- Column names with dots make nested documents; the file's own header names them.
BULK INSERT INTO customers
FROM 'customers.csv' FORMAT csv
    COLUMNS (customer_id TEXT, since DATE, credit DECIMAL DEFAULT 0)
WITH BULK_OPTIONS (batch_size = 1000, required_fields = ['customer_id', 'name'])
ON CONFLICT (customer_id) DO UPDATE SET
    plan = EXCLUDED.plan,
    credit = EXCLUDED.credit,
    loads = COALESCE(loads, 1) + 1;

-- A document a line; dates and decimals come as MongoDB's extended JSON.
BULK INSERT INTO orders
FROM 'orders.ndjson'
WITH BULK_OPTIONS (ordered = false, add_metadata = 'loaded')
ON CONFLICT (order_id) DO NOTHING;

-- Rows written in the script.
BULK INSERT INTO price_changes (sku, valid_from, price.amount, price.currency, reason)
VALUES
    ('SKU-101', DATE '2025-11-01', DECIMAL '19.90', 'EUR', JSON_OBJECT('by', 'pricing', 'tags', JSON_ARRAY('autumn', 'sale'))),
    ('SKU-102', DATE '2025-11-01', DECIMAL '4.75', 'EUR', NULL),
    ('SKU-117', DATE '2025-11-05', DECIMAL '249.00', 'EUR', JSON_OBJECT('by', 'supplier'))
ON CONFLICT (sku, valid_from) DO UPDATE SET price = EXCLUDED.price, changed_at = CURRENT_TIMESTAMP;

-- The same keys again: one row is new, two are known.
BULK UPSERT INTO price_changes (sku, valid_from, price.amount, price.currency)
VALUES
    ('SKU-101', DATE '2025-11-01', DECIMAL '18.90', 'EUR'),
    ('SKU-102', DATE '2025-11-01', DECIMAL '4.95', 'EUR'),
    ('SKU-130', DATE '2025-11-07', DECIMAL '12.00', 'EUR')
ON CONFLICT (sku, valid_from) DO UPDATE SET
    price = EXCLUDED.price,
    corrections = COALESCE(corrections, 0) + 1;
