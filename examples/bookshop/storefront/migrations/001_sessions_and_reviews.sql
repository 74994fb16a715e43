CREATE TABLE sessions (
    id            TEXT PRIMARY KEY,
    access_token  TEXT NOT NULL,
    email         TEXT NOT NULL,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE reviews (
    id          SERIAL PRIMARY KEY,
    book_id     INTEGER NOT NULL,
    email       TEXT NOT NULL,
    stars       INTEGER NOT NULL CHECK (stars BETWEEN 1 AND 5),
    body        TEXT NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX reviews_book_id ON reviews (book_id);
