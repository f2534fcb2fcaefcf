CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference varchar(10) NOT NULL UNIQUE,
    placed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE order_lines (
    order_id bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    line integer NOT NULL,
    article text NOT NULL,
    amount smallint NOT NULL DEFAULT 1,
    PRIMARY KEY (order_id, line)
);
