CREATE SCHEMA shop;
CREATE EXTENSION IF NOT EXISTS citext SCHEMA shop;
CREATE TYPE shop.size AS ENUM ('s', 'm');
CREATE DOMAIN shop.email AS varchar(60) NOT NULL CHECK (VALUE ~ '^[^@]+@[^@]+$');

CREATE TABLE shop.customers (
    id uuid PRIMARY KEY,
    email shop.email UNIQUE,
    size shop.size NOT NULL DEFAULT 'm',
    nick shop.citext NOT NULL
);
