-- Words of the public packages. The ids grow, so that the newest come first without sorting.

CREATE TABLE search_rows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    package_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,            -- words of id, title and keywords
    words TEXT NOT NULL            -- words of the summary and of what else the version brings
);
CREATE VIRTUAL TABLE search_words USING fts5(
    name, words, content='search_rows', content_rowid='id', detail='column', columnsize=0, prefix='2 3 4', tokenize='ascii'
);
