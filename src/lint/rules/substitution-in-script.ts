import type { Rule } from '../rule.ts';

const NAME = /(?<![\\$])\$\{?(_[A-Z0-9_]+)/g;

/** `script` is never expanded: a substitution reaches it as an environment variable, or not at all. */
export const substitutionInScript: Rule = {
  name: 'substitution-in-script',
  *check({ configs }) {
    for (const { read } of configs) {
      if (read === undefined) continue;
      const { request, placeOf } = read.config;
      const substitutions = new Set(Object.keys(request.substitutions ?? {}));
      for (const [index, { script, env, secretEnv, automapSubstitutions }] of (request.steps ?? []).entries()) {
        if (script === undefined || (automapSubstitutions ?? request.options?.automapSubstitutions)) continue;
        const pairs = [...(env ?? []), ...(request.options?.env ?? [])];
        const own = new Set([...pairs.map((pair) => pair.split('=', 1)[0]), ...(secretEnv ?? [])]);
        const names = new Set([...script.matchAll(NAME)].map(([, name = '']) => name));
        for (const name of names) {
          if (!substitutions.has(name) || own.has(name) || new RegExp(`(?:^|[\\s;])${name}=`, 'm').test(script))
            continue;
          yield {
            severity: 'warning',
            message: `$${name} is empty in this script: substitutions are not expanded in script`,
            place: placeOf(['steps', index, 'script'], `$${name}`),
            hint: `Add to the step: env: ['${name}=$${name}'], or automapSubstitutions: true.`,
          };
        }
      }
    }
  },
};
