import type { IncomingMessage } from 'node:http';
import { messageOf } from '../../lib/problem.ts';
import { readBody } from '../http/body.ts';
import { DockerError } from './errors.ts';

/** Of a body of JSON: a container's request with all its labels is far shorter. */
const BODY_LIMIT = 4 << 20;
/** Deeper than any body of docker's; what is kept of a request is written down again, which takes stack. */
const DEEPEST = 64;

/**
 * A JSON object as dockerd reads one: unknown fields are passed over, null is absent, the case of names doesn't matter, a
 * field of the wrong type is an error that names it.
 */
export class JsonObject {
  /** As it came. */
  readonly raw: Record<string, unknown>;
  readonly #path: string;
  readonly #folded = new Map<string, unknown>();

  constructor(raw: Record<string, unknown>, path = '') {
    this.raw = raw;
    this.#path = path;
    for (const [name, value] of Object.entries(raw)) this.#folded.set(name.toLowerCase(), value);
  }

  string(name: string): string | undefined {
    return this.#typed(name, 'a string', (value) => (typeof value === 'string' ? value : undefined));
  }

  boolean(name: string): boolean | undefined {
    return this.#typed(name, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
  }

  integer(name: string): number | undefined {
    return this.#typed(name, 'a whole number', (value) => (Number.isInteger(value) ? (value as number) : undefined));
  }

  strings(name: string): string[] | undefined {
    return this.#typed(name, 'a list of strings', (value) =>
      Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined,
    );
  }

  /** A list, or one string in its place: docker's StrSlice. */
  stringOrStrings(name: string): string[] | undefined {
    return typeof this.#get(name) === 'string' ? [this.string(name) as string] : this.strings(name);
  }

  stringMap(name: string): Record<string, string> | undefined {
    return this.#typed(name, 'an object of strings', (value) =>
      isObject(value) && Object.values(value).every((item) => typeof item === 'string')
        ? (value as Record<string, string>)
        : undefined,
    );
  }

  object(name: string): JsonObject | undefined {
    const value = this.#typed(name, 'an object', (given) => (isObject(given) ? given : undefined));
    return value && new JsonObject(value, this.#at(name));
  }

  objects(name: string): JsonObject[] | undefined {
    return this.#typed(name, 'a list of objects', (value) =>
      Array.isArray(value) && value.every(isObject)
        ? value.map((item, i) => new JsonObject(item, `${this.#at(name)}[${i}]`))
        : undefined,
    );
  }

  /** The names and values of an object whose names are data. */
  entries(name: string): [string, unknown][] {
    return Object.entries(this.object(name)?.raw ?? {});
  }

  /** A complaint about one of the fields. */
  wrong(name: string, what: string): DockerError {
    return new DockerError(400, `${this.#at(name)}: ${what}`);
  }

  #get(name: string): unknown {
    return this.#folded.get(name.toLowerCase());
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #typed<T>(name: string, wanted: string, read: (value: unknown) => T | undefined): T | undefined {
    const value = this.#get(name);
    if (value === undefined || value === null) return undefined;
    const typed = read(value);
    if (typed === undefined) throw this.wrong(name, `${wanted} is expected here, not ${shown(value)}`);
    return typed;
  }
}

/**
 * The body of a request. One that is absent is an empty object.
 * @throws DockerError 400; BodyTooLong
 */
export async function readJsonObject(request: IncomingMessage): Promise<JsonObject> {
  const text = (await readBody(request, BODY_LIMIT)).toString('utf8');
  if (text.trim() === '') return new JsonObject({});
  const type = request.headers['content-type'] ?? '';
  // a page in somebody's browser can send a form or a text anywhere, JSON only where it is allowed to
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new DockerError(400, `Content-Type specified (${type.slice(0, 100)}) must be 'application/json'`);
  if (depthOf(text) > DEEPEST) throw new DockerError(400, 'invalid JSON: nested too deep');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DockerError(400, `invalid JSON: ${messageOf(error).slice(0, 200)}`);
  }
  if (value === null) return new JsonObject({});
  if (!isObject(value)) throw new DockerError(400, `invalid JSON: an object is expected, not ${shown(value)}`);
  return new JsonObject(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return isObject(value) ? 'an object' : JSON.stringify(value).slice(0, 60);
}

/** Of brackets outside of strings, whether they match or not. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char === '\\') i++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '[' || char === '{') deepest = Math.max(deepest, ++depth);
    else if (char === ']' || char === '}') depth--;
  }
  return deepest;
}
