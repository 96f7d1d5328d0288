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
  shape: RegExp;
  handler: H;
}

export class Router<H> {
  readonly #routes: Route<H>[] = [];

  /** Routes are tried in the order in which they were added. `GET` serves `HEAD` too, unless that has its own. */
  on(method: string, pattern: string, handler: H): this {
    this.#routes.push({ method, shape: shapeOf(pattern), handler });
    return this;
  }

  /** @param path without the query; undefined when no route has it, or it isn't properly percent-encoded */
  find(method: string, path: string): Match<H> | WrongMethod | undefined {
    const fitting = this.#routes.flatMap((route) => {
      const found = route.shape.exec(path);
      return found === null ? [] : [{ route, groups: found.groups ?? {} }];
    });
    const chosen =
      fitting.find(({ route }) => route.method === method) ??
      (method === 'HEAD' ? fitting.find(({ route }) => route.method === 'GET') : undefined);
    if (chosen === undefined) {
      const methods = new Set(fitting.map(({ route }) => route.method));
      return methods.size === 0 ? undefined : { allow: [...methods] };
    }
    const params = decodeAll(chosen.groups);
    return params === undefined ? undefined : { handler: chosen.route.handler, params };
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

function decodeAll(groups: Record<string, string>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    return undefined;
  }
}
