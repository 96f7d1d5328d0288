/**
 * The router of the doors over plain node:http: few routes, each a pattern with names in braces. `{x}` is one segment,
 * `{x+}` one or more and as many as possible, so that names which contain a keyword themselves are read from the right:
 * `/v2/{name+}/manifests/{reference}` finds repository `a/manifests/b` in `/v2/a/manifests/b/manifests/latest`.
 */
export interface Match<H> {
  handler: H;
  /** Percent-decoded. */
  params: Record<string, string>;
}

/** A path that is known, but not with this method; the methods are what `Allow` should say. */
export interface WrongMethod {
  allow: string[];
}

interface Route<H> {
  method: string;
  /** A part that every path of its shape has: most routes are ruled out by it. */
  literal: string;
  shape: RegExp;
  handler: H;
}

export class Router<H> {
  readonly #routes: Route<H>[] = [];

  /** Routes are tried in the order in which they were added. `GET` serves `HEAD` too, unless that has its own. */
  on(method: string, pattern: string, handler: H): this {
    this.#routes.push({ method, literal: literalOf(pattern), shape: shapeOf(pattern), handler });
    return this;
  }

  /** @param path without the query; undefined when no route has it, or it isn't properly percent-encoded */
  find(method: string, path: string): Match<H> | WrongMethod | undefined {
    const found = this.#match(method, path) ?? (method === 'HEAD' ? this.#match('GET', path) : undefined);
    if (found === undefined) {
      const methods = new Set(this.#routes.filter(({ shape }) => shape.test(path)).map((route) => route.method));
      return methods.size === 0 ? undefined : { allow: [...methods] };
    }
    const params = decodeAll(found.groups);
    return params === undefined ? undefined : { handler: found.handler, params };
  }

  #match(method: string, path: string): { handler: H; groups: Record<string, string> } | undefined {
    for (const route of this.#routes) {
      if (route.method !== method || !path.includes(route.literal)) continue;
      const found = route.shape.exec(path);
      if (found !== null) return { handler: route.handler, groups: found.groups ?? {} };
    }
    return undefined;
  }
}

function shapeOf(pattern: string): RegExp {
  const source = pattern
    .split(/(\{\w+\+?\})/)
    .map((part) => {
      const name = /^\{(\w+)(\+?)\}$/.exec(part);
      if (name === null) return part.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
      return name[2] === '+' ? `(?<${name[1]}>.+)` : `(?<${name[1]}>[^/]+)`;
    })
    .join('');
  return new RegExp(`^${source}$`);
}

/** The longest part of a pattern outside of its braces. */
function literalOf(pattern: string): string {
  const parts = pattern.split(/\{\w+\+?\}/);
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), '');
}

function decodeAll(groups: Record<string, string>): Record<string, string> | undefined {
  const decoded: Record<string, string> = {};
  try {
    for (const name in groups) decoded[name] = decodeURIComponent(groups[name] ?? '');
    return decoded;
  } catch {
    return undefined;
  }
}
