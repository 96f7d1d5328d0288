import { definedSecrets, usedSecrets } from '../../builds/request/secret-rules.ts';
import type { Rule } from '../rule.ts';

/** A secret that is fetched for no step. */
export const unusedSecret: Rule = {
  name: 'unused-secret',
  *check({ configs }) {
    for (const { read } of configs) {
      if (read === undefined) continue;
      const { request, placeOf } = read.config;
      const used = new Set(usedSecrets(request).map(({ name }) => name));
      for (const { name, path } of definedSecrets(request))
        if (path[0] === 'availableSecrets' && !used.has(name))
          yield {
            severity: 'warning',
            message: `secretEnv ${JSON.stringify(name)} is defined without being used`,
            place: placeOf(path),
            hint: `Add secretEnv: ['${name}'] to the step that needs it, where a shell reads it as $$${name}; or leave it out.`,
          };
    }
  },
};
