CREATE TABLE invoices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    net numeric(12, 2) NOT NULL,
    rate numeric(4, 3) NOT NULL DEFAULT 0.190,
    gross numeric(14, 2) GENERATED ALWAYS AS (net * (1 + rate)) STORED
);
