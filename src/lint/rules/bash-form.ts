import { EVENT_BUILT_INS, SERVER_BUILT_INS } from '../../builds/request/built-ins.ts';
import type { FieldPath } from '../../builds/request/field-path.ts';
import type { BuildRequest } from '../../builds/request/request.ts';
import type { Rule } from '../rule.ts';

/** `${NAME` and what follows of a bash form, not escaped by a second dollar. */
const FORM = /(?<!\$)(?:\$\$)*(\$\{([A-Z_][A-Z0-9_]*)(?:[:#%/^,+=?-])[^}]*\}?)/g;

/**
 * Bash forms are read in values of substitutions only. Anywhere else `${_A:0:7}` stays as it is, and a shell that sees it
 * knows no _A.
 */
export const bashForm: Rule = {
  name: 'bash-form',
  *check({ configs }) {
    for (const { read } of configs) {
      if (read === undefined) continue;
      const { request, placeOf } = read.config;
      const known = new Set<string>([
        ...Object.keys(request.substitutions ?? {}),
        ...EVENT_BUILT_INS,
        ...SERVER_BUILT_INS,
      ]);
      for (const { text, path, own } of templates(request))
        for (const [, form = '', name = ''] of text.matchAll(FORM)) {
          if (!known.has(name) || own.has(name) || assigns(text, name)) continue;
          yield {
            severity: 'warning',
            message: `${form} is not expanded here, and a shell knows no ${name}: bash forms work in values of substitutions only`,
            place: placeOf(path, form),
            hint: `Below substitutions: write _VALUE: '${form}', set options: {dynamicSubstitutions: true}, and use $_VALUE here;\nor give the shell its own: env: ['${name}=$${name}'], and write $${form} here.`,
          };
        }
    }
  },
};

interface Template {
  text: string;
  path: FieldPath;
  /** Variables that the step's shell has. */
  own: ReadonlySet<string>;
}

function* templates({ steps, images, options }: BuildRequest): Generator<Template> {
  const names = (pairs: readonly string[] | undefined) => (pairs ?? []).map((pair) => pair.split('=', 1)[0] ?? '');
  const shared = [...names(options?.env), ...(options?.secretEnv ?? [])];
  for (const [index, step] of (steps ?? []).entries()) {
    if (step.automapSubstitutions ?? options?.automapSubstitutions) continue;
    const own = new Set([...shared, ...names(step.env), ...(step.secretEnv ?? [])]);
    for (const [i, text] of (step.args ?? []).entries()) yield { text, path: ['steps', index, 'args', i], own };
    for (const [i, text] of (step.env ?? []).entries()) yield { text, path: ['steps', index, 'env', i], own };
    if (step.name !== undefined) yield { text: step.name, path: ['steps', index, 'name'], own };
  }
  for (const [i, text] of (images ?? []).entries()) yield { text, path: ['images', i], own: new Set() };
}

/** The script itself gives the name a value. */
function assigns(text: string, name: string): boolean {
  return new RegExp(
    `(?:^|[\\s;])(?:export\\s+|local\\s+|readonly\\s+)?${name}=|\\bread\\b[^\\n]*\\b${name}\\b|\\bfor\\s+${name}\\b`,
    'm',
  ).test(text);
}
