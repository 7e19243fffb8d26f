-- What the order of a package depends on stands beside it, folded: filled by the program, which alone knows how words are folded.

CREATE TABLE search_ranks (
    id BIGINT PRIMARY KEY,         -- of search_rows
    package_id TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    digits BIGINT NOT NULL,        -- of its number of downloads
    last TEXT NOT NULL,            -- folded: the last part of the id
    title TEXT NOT NULL,           -- folded: id and title
    keywords TEXT NOT NULL,        -- folded
    summary TEXT NOT NULL          -- folded
);
