-- Words of the public packages. The ids grow, so that the newest come first.

CREATE TABLE search_rows (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    package_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,            -- words of id, title and keywords
    words TEXT NOT NULL,           -- words of the summary and of what else the version brings
    name_index TSVECTOR NOT NULL,
    word_index TSVECTOR NOT NULL   -- of both
);
CREATE INDEX search_by_name ON search_rows USING gin (name_index) WITH (fastupdate = off);
CREATE INDEX search_by_word ON search_rows USING gin (word_index) WITH (fastupdate = off);
