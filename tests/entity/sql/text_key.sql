CREATE TABLE countries (
    code varchar(20) PRIMARY KEY,
    name text NOT NULL,
    people bigint
);
