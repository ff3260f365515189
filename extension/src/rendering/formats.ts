/** The body of `application/vnd.mlnb.v1+json` in notebooks: a reader for each format there was. */

export const MIME_TYPE = 'application/vnd.mlnb.v1+json';

/** A record as a notebook stores it, in the present form. */
export interface IStored {
  /** The record's name in Python. */
  readonly type: string;
  readonly record: unknown;
  /** Places where something was left out, and how many there were. */
  readonly cut: { readonly [place: string]: number };
}

type Body = { readonly [name: string]: unknown };

const READERS = new Map<unknown, (body: Body) => IStored>([
  // It had no number, and nothing was left out.
  [1, ({ type, record }) => ({ type: String(type), record, cut: {} })],
  [
    2,
    ({ type, record, cut }) => ({
      type: String(type),
      record,
      cut: isObject(cut) ? (cut as IStored['cut']) : {}
    })
  ]
]);

/** Returns null for what no reader here knows: a newer format, or no result at all. */
export function read(body: unknown): IStored | null {
  if (!isObject(body) || !isObject(body.record)) {
    return null;
  }
  const reader = READERS.get(body.format ?? 1);
  return reader ? reader(body) : null;
}

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
