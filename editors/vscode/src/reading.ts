/** JSON of `mpp`, read into typed values at the edge. What has another form than expected is refused, not guessed at. */

import { ROWS_MAX, TEXT_CHARS_MAX } from "./limits";

export class BadAnswer extends Error {
  constructor(where: string, words: string) {
    super(`mpp answered in a form that this extension does not know: ${where} ${words}`);
    this.name = "BadAnswer";
  }
}

/** One JSON object, and where it stands in the answer. */
export class Fields {
  private readonly found: ReadonlyMap<string, unknown>;

  constructor(
    found: unknown,
    private readonly where: string,
  ) {
    if (typeof found !== "object" || found === null || Array.isArray(found)) throw new BadAnswer(where, "is no object");
    this.found = new Map(Object.entries(found));
  }

  text(name: string, most: number = TEXT_CHARS_MAX): string {
    const found = this.found.get(name);
    if (typeof found !== "string" || found.length > most) throw new BadAnswer(this.at(name), "is no text");
    return found;
  }

  number(name: string): number {
    const found = this.found.get(name);
    if (typeof found !== "number" || !Number.isFinite(found)) throw new BadAnswer(this.at(name), "is no number");
    return found;
  }

  flag(name: string): boolean {
    const found = this.found.get(name);
    if (typeof found !== "boolean") throw new BadAnswer(this.at(name), "is neither true nor false");
    return found;
  }

  object(name: string): Fields {
    return new Fields(this.found.get(name), this.at(name));
  }

  /** Nothing where it is missing or null. */
  maybe<T>(name: string, read: (fields: Fields) => T): T | undefined {
    const found = this.found.get(name);
    return found === undefined || found === null ? undefined : read(new Fields(found, this.at(name)));
  }

  objects<T>(name: string, read: (fields: Fields) => T): readonly T[] {
    return this.list(name).map((one, index) => read(new Fields(one, `${this.at(name)}[${index}]`)));
  }

  texts(name: string): readonly string[] {
    return this.list(name).map((one) => {
      if (typeof one !== "string") throw new BadAnswer(this.at(name), "has something else than texts");
      return one;
    });
  }

  has(name: string): boolean {
    const found = this.found.get(name);
    return found !== undefined && found !== null;
  }

  private list(name: string): readonly unknown[] {
    const found = this.found.get(name);
    if (!Array.isArray(found) || found.length > ROWS_MAX) throw new BadAnswer(this.at(name), "is no list");
    return found;
  }

  private at(name: string): string {
    return this.where === "" ? name : `${this.where}.${name}`;
  }
}

export function readObject(text: string): Fields {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw new BadAnswer("the answer", "is no JSON");
  }
  return new Fields(found, "");
}
