/**
 * What a token allows: resource (`repository:library/python`) -> actions (`pull`, `push`). Actions are a set: clients and
 * registries write them in any order.
 */
export type Scopes = ReadonlyMap<string, ReadonlySet<string>>;

export function repositoryScope(repository: string, ...actions: string[]): Scopes {
  return new Map([[`repository:${repository}`, new Set(actions)]]);
}

/** A `scope` parameter, which may hold several with blanks between. The action list follows the last colon. */
export function parseScopes(text: string): Scopes {
  const scopes = new Map<string, Set<string>>();
  for (const word of text.split(/\s+/)) {
    const colon = word.lastIndexOf(':');
    if (colon <= 0) continue;
    const actions = scopes.get(word.slice(0, colon)) ?? new Set();
    for (const action of word.slice(colon + 1).split(',')) if (action !== '') actions.add(action);
    scopes.set(word.slice(0, colon), actions);
  }
  return scopes;
}

export function joinScopes(...all: Scopes[]): Scopes {
  const joined = new Map<string, Set<string>>();
  for (const scopes of all)
    for (const [resource, actions] of scopes)
      joined.set(resource, new Set([...(joined.get(resource) ?? []), ...actions]));
  return joined;
}

/** Whether a token for `have` will do for `want`. */
export function coversScopes(have: Scopes, want: Scopes): boolean {
  return [...want].every(([resource, actions]) => {
    const granted = have.get(resource);
    return granted !== undefined && [...actions].every((action) => granted.has(action) || granted.has('*'));
  });
}

/** One text per resource, in a fixed order, so that equal sets are equal texts. */
export function formatScopes(scopes: Scopes): string[] {
  return [...scopes].map(([resource, actions]) => `${resource}:${[...actions].sort().join(',')}`).sort();
}
