/** The limits of the extension, each with its unit and its reason. */

/** Milliseconds. Reason: a list of hundreds of packages is verified file by file. */
export const ANSWER_MS_MAX = 60_000;

/** Bytes of one answer of `mpp`. Reason: a thousand entries of the record, with room. */
export const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** Milliseconds between the request to end and the end by force. Reason: `mpp` leaves its files whole when asked. */
export const LEAVE_MS_MAX = 2_000;

/** Rows of one list. Reason: a person looks at fewer; more is a fault or an attack. */
export const ROWS_MAX = 5_000;

/** Characters of one line of text in a list. Reason: names and sentences are shorter. */
export const LINE_CHARS_MAX = 400;

/** Characters of one text from `mpp`. Reason: the details of a question are the longest, and fit. */
export const TEXT_CHARS_MAX = 2_000_000;

/** Entries of the record that are read for the list of calls. Reason: a call has about six. */
export const ENTRIES_READ = 600;

/** Calls that are listed. Reason: what is older is found by the filter. */
export const CALLS_SHOWN = 100;

/** Read-only texts that stay in memory. Reason: as many as somebody has open. */
export const TEXTS_KEPT = 50;

/** Seconds between two looks at what waits, at the least. Reason: each look starts a process. */
export const SECONDS_LEAST = 2;

/** Hits of a search that are offered. Reason: `mpp search` shows as many of each registry. */
export const HITS_MAX = 100;
