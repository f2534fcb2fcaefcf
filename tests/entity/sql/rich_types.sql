CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');
CREATE DOMAIN percent AS smallint CHECK (VALUE BETWEEN 0 AND 100);

CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mood mood NOT NULL,
    price numeric(10, 2) NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}',
    tags text[] NOT NULL DEFAULT ARRAY[]::text[],
    sizes integer[],
    moods mood[],
    discount percent NOT NULL DEFAULT 0,
    weight real,
    released date,
    opens time,
    lasts interval,
    picture bytea,
    address inet,
    net cidr,
    code char(4)
);
