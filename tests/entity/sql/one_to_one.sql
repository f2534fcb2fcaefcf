CREATE TABLE users (id bigserial PRIMARY KEY, name text NOT NULL);
CREATE TABLE profiles (user_id bigint PRIMARY KEY REFERENCES users, bio text NOT NULL, public boolean NOT NULL DEFAULT true);
