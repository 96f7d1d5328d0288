import { DockerError } from './errors.ts';

/** What a list is narrowed to: for each name its values, of which one has to fit. */
export class Filters {
  readonly #values: Map<string, string[]>;

  private constructor(values: Map<string, string[]>) {
    this.#values = values;
  }

  /**
   * Reads `filters`, in both forms that docker's clients send: `{"label":{"a=b":true}}`, and `{"label":["a=b"]}` of old.
   * @param known the names that the list understands
   * @throws DockerError 400
   */
  static of(query: URLSearchParams, known: readonly string[]): Filters {
    const text = query.get('filters') ?? '';
    const values = new Map<string, string[]>();
    if (text === '') return new Filters(values);
    for (const [name, given] of Object.entries(parsed(text))) {
      if (!known.includes(name)) throw new DockerError(400, `invalid filter '${name.slice(0, 100)}'`);
      values.set(name, valuesOf(given));
    }
    return new Filters(values);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  get(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** Whether the filter is absent, or one of its values fits. */
  fits(name: string, test: (value: string) => boolean): boolean {
    const values = this.#values.get(name);
    return values === undefined || values.length === 0 || values.some(test);
  }

  /** `label=K` and `label=K=V`, all of which have to be there. */
  fitsLabels(labels: Readonly<Record<string, string>>): boolean {
    return this.get('label').every((label) => hasLabel(labels, label));
  }

  /** `label!=K`: none of which may be there. */
  lacksLabels(labels: Readonly<Record<string, string>>): boolean {
    return !this.get('label!').some((label) => hasLabel(labels, label));
  }

  /** A filter that is yes or no. @throws DockerError 400 */
  boolean(name: string): boolean | undefined {
    const values = this.get(name);
    if (values.length === 0) return undefined;
    const yes = values.some((value) => value === '1' || value === 'true');
    const no = values.some((value) => value === '0' || value === 'false');
    if (yes === no) throw new DockerError(400, `invalid filter '${name}=${values.join(' ').slice(0, 100)}'`);
    return yes;
  }
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  const name = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, name) && (equals < 0 || labels[name] === wanted.slice(equals + 1));
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // said below
  }
  throw new DockerError(400, 'invalid filter: not a JSON object of names and values');
}

function valuesOf(given: unknown): string[] {
  if (Array.isArray(given)) return given.filter((value) => typeof value === 'string');
  if (typeof given === 'object' && given !== null) return Object.keys(given).filter((key) => given[key as never]);
  throw new DockerError(400, 'invalid filter: not a JSON object of names and values');
}
