-- Loaded before each test file, into the session's temporary schema.

-- Raises unless the condition is true.
CREATE FUNCTION pg_temp.holds(condition boolean, claim text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF condition IS NOT TRUE THEN
        RAISE EXCEPTION 'does not hold: %', claim;
    END IF;
END
$$;

-- Raises unless the statement fails with the SQLSTATE, with a message and a hint like the patterns.
CREATE FUNCTION pg_temp.fails(statement text, state text, message_like text, hint_like text DEFAULT '%')
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    message text;
    hint text;
BEGIN
    BEGIN
        EXECUTE statement;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
        IF SQLSTATE <> state OR message NOT LIKE message_like OR hint NOT LIKE hint_like THEN
            RAISE EXCEPTION E'% \nfailed otherwise than expected: % % (hint: %)', statement, SQLSTATE, message, hint;
        END IF;
        RETURN;
    END;
    RAISE EXCEPTION 'was not refused: %', statement;
END
$$;

-- Raises unless a row of the table with this value in this column, and those of `good` in others, is refused in such words.
CREATE FUNCTION pg_temp.refused(
    table_name text, good jsonb, column_name text, value text, message_like text, hint_like text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    key text;
    names text := '';
    literals text := '';
BEGIN
    good := good - column_name;
    FOR key IN SELECT jsonb_object_keys(good) LOOP
        names := names || format('%I, ', key);
        literals := literals || format('%L, ', good ->> key);
    END LOOP;
    PERFORM pg_temp.fails(
        format('INSERT INTO poolgate.%I (%s%I) VALUES (%s%L)', table_name, names, column_name, literals, value),
        '23514', message_like, hint_like);
END
$$;

-- The same of a tenant.
CREATE FUNCTION pg_temp.refused(column_name text, value text, message_like text, hint_like text) RETURNS void
LANGUAGE sql AS $$
    SELECT pg_temp.refused('tenants', '{"host": "acme.example.com", "region": "eu-west-1", "pool_id": "eu-west-1_PwMfVzLQg"}',
        column_name, value, message_like, hint_like)
$$;
