-- Searching for a common word costs as little as for a rare one. Names have an index of their own, so that nobody passes over all that hold a word elsewhere; beginnings up to sixteen letters are
-- kept ready. And what the order of a package depends on stands beside it, folded: filled by the program, which alone knows how words are folded.

DROP TABLE search_words;
CREATE VIRTUAL TABLE search_words USING fts5(
    name, words, content='search_rows', content_rowid='id', detail='none', columnsize=0, prefix='2 3 4 5 6 7 8 9 10 11 12 13 14 15 16', tokenize='ascii'
);
CREATE VIRTUAL TABLE search_names USING fts5(
    name, content='search_rows', content_rowid='id', detail='none', columnsize=0, prefix='2 3 4 5 6 7 8 9 10 11 12 13 14 15 16', tokenize='ascii'
);
INSERT INTO search_words (search_words) VALUES ('rebuild');
INSERT INTO search_names (search_names) VALUES ('rebuild');

CREATE TABLE search_ranks (
    id INTEGER PRIMARY KEY,        -- of search_rows
    package_id TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    digits BIGINT NOT NULL,        -- of its number of downloads
    last TEXT NOT NULL,            -- folded: the last part of the id
    title TEXT NOT NULL,           -- folded: id and title
    keywords TEXT NOT NULL,        -- folded
    summary TEXT NOT NULL          -- folded
);
