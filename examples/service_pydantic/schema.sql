CREATE TYPE booking_status AS ENUM ('requested', 'confirmed', 'cancelled');

CREATE TABLE rooms (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(60) NOT NULL UNIQUE
);

CREATE TABLE bookings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id bigint NOT NULL REFERENCES rooms,
    guest varchar(120) NOT NULL,
    arrives date NOT NULL,
    departs date NOT NULL,
    status booking_status NOT NULL DEFAULT 'requested',
    note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT bookings_at_least_a_night CHECK (departs > arrives)
);

CREATE INDEX bookings_of_a_room ON bookings (room_id, arrives);
