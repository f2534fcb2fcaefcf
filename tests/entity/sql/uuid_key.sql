CREATE TABLE items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name varchar(80) NOT NULL,
    price numeric(12, 2) NOT NULL,
    sold_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
