CREATE TABLE "venues" (
    "id" SERIAL NOT NULL PRIMARY KEY,
    "name" VARCHAR(100) NOT NULL UNIQUE
);
CREATE TABLE "events" (
    "id" BIGSERIAL NOT NULL PRIMARY KEY,
    "slug" VARCHAR(60) NOT NULL UNIQUE,
    "title" VARCHAR(200) NOT NULL,
    "kind" VARCHAR(7) NOT NULL,
    "seats" INT,
    "free" BOOL NOT NULL,
    "details" JSONB NOT NULL,
    "starts_at" TIMESTAMPTZ NOT NULL,
    "created" TIMESTAMPTZ NOT NULL,
    "updated" TIMESTAMPTZ NOT NULL,
    "venue_id" INT NOT NULL REFERENCES "venues" ("id") ON DELETE RESTRICT
);
COMMENT ON COLUMN "events"."kind" IS 'concert: concert\nreading: reading\nother: other';
