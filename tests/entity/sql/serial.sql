CREATE TABLE notes (
    id serial PRIMARY KEY,
    body text NOT NULL,
    rank integer NOT NULL DEFAULT 7,
    seen boolean
);
