-- Prints the columns of a table or view of the schema as Markdown, for sql/README.md (ops/generate-documents):
--   psql -XAtq -v name=tenants -f sql/columns.sql "$DATABASE_URL"
-- What a column means is its comment in the database (sql/migrations/0008_comments.sql).
SELECT E'| column | type, default | meaning |\n| --- | --- | --- |';
SELECT format('| `%s` | %s%s%s | %s |',
    a.attname,
    replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz'),
    CASE WHEN a.attnum = ANY (i.indkey) THEN ', primary key' END,
    CASE WHEN a.attidentity <> '' THEN ', given'
        WHEN pg_get_expr(d.adbin, d.adrelid) ~ '^(true|false|[0-9]+|now\(\)|''[^'']*''::[a-z]+(\[\])?)$'
            THEN format(', `%s`', regexp_replace(pg_get_expr(d.adbin, d.adrelid), '^''(.*)''::.*$', '\1'))
        WHEN NOT a.attnotnull AND c.relkind = 'r' THEN ', null'
    END,
    replace(rtrim(col_description(c.oid, a.attnum), '.'), '|', '\|'))
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relnamespace = 'poolgate'::regnamespace AND c.relname = :'name'
ORDER BY CASE a.attname WHEN 'created_at' THEN 2 WHEN 'updated_at' THEN 3 WHEN 'changed' THEN 4 ELSE 1 END, a.attnum;
