import { Problem } from '../../lib/problem.ts';

/** What a delivery brought, by the names under which bindings find it: `body`, and `push` or `pull_request` of a repository. */
export type Payload = Readonly<Record<string, unknown>>;

/** `$(body.ref)`, `$(body.commits[0].id)`, `$(body['odd name'])`. */
const BINDING = /\$\(([^()]*)\)/g;
const STEP = /\.([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]/y;

/** @throws Problem `invalid` for a binding that can't be read */
export function checkBindings(value: string, where: string): void {
  for (const [whole, path = ''] of value.matchAll(BINDING)) pathOf(path, whole, where);
}

/**
 * A substitution's value with what the payload has in place of its bindings: texts as they are, anything else as JSON, and
 * nothing for what isn't there.
 * @param literal how a value from outside is written, so that it means itself where the result is read again
 */
export function bindPayload(
  value: string,
  payload: Payload,
  literal: (text: string) => string = (text) => text,
): string {
  return value.replace(BINDING, (whole, path: string) =>
    literal(textOf(look(payload, pathOf(path, whole, 'substitutions')))),
  );
}

/** Values of substitutions are expanded once more (dynamicSubstitutions): a dollar from outside must stay one. */
export function escapeDollars(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function pathOf(path: string, whole: string, where: string): (string | number)[] {
  const root = /^[A-Za-z_]\w*/.exec(path)?.[0];
  const steps: (string | number)[] = [];
  if (root !== undefined) {
    steps.push(root);
    STEP.lastIndex = root.length;
    for (let at = root.length; at < path.length; at = STEP.lastIndex) {
      const found = STEP.exec(path);
      if (found === null) break;
      steps.push(found[2] === undefined ? (found[1] ?? found[3] ?? found[4] ?? '') : Number(found[2]));
      if (STEP.lastIndex === path.length) return steps;
    }
    if (root.length === path.length) return steps;
  }
  throw new Problem('invalid', `${where}: ${whole} is no payload binding`, {
    hint: 'Write $(body.ref), $(body.commits[0].id) or $(body["a-b"]["c d"]).',
  });
}

function look(payload: Payload, path: (string | number)[]): unknown {
  let value: unknown = payload;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value);
  } catch (error) {
    // JSON.parse reads what is nested more deeply than the stack is high, and JSON.stringify does not write it
    throw new Problem('invalid', 'the payload is nested too deeply for a substitution', { cause: error });
  }
}
