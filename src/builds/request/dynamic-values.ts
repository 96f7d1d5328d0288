import { BadForm } from './bad-form.ts';
import { BashForms } from './bash-forms.ts';
import type { Complaint } from './complaint.ts';

export interface DynamicOptions {
  /** Names of values that are expanded: the user's own. */
  keys: readonly string[];
  /** Takes note of a name that a value uses. One without a value is empty there, as in bash. */
  named(name: string): void;
  complain(complaint: Complaint): void;
  /** Values that lead to themselves are empty where they do, as names without a value are; else that is a complaint. */
  loose: boolean;
}

/**
 * options.dynamicSubstitutions: values may name other ones and use bash's forms. They are replaced in `values`, each once,
 * in whatever order they need each other.
 */
export function expandDynamic(values: Map<string, string>, options: DynamicOptions): void {
  const done = new Set<string>();
  const trail: string[] = [];
  const written = new Map(values);
  const forms = new BashForms((name) => {
    options.named(name);
    if (options.loose && trail.includes(name)) return undefined;
    if (options.keys.includes(name)) resolve(name);
    return values.get(name);
  });
  const resolve = (key: string) => {
    if (done.has(key)) return;
    if (trail.includes(key)) {
      const circle = [...trail.slice(trail.indexOf(key)), key];
      throw new BadForm('cycle in evaluating substitutions', `They lead to themselves: ${circle.join(' -> ')}.`, key);
    }
    trail.push(key);
    values.set(key, forms.expand(values.get(key) ?? ''));
    trail.pop();
    done.add(key);
  };
  for (const key of options.keys) {
    try {
      resolve(key);
    } catch (error) {
      if (!(error instanceof BadForm)) throw error;
      const at = error.key ?? trail.at(-1) ?? key;
      options.complain({
        path: ['substitutions', at],
        message: `invalid value for 'build.substitutions': [${at} -> ${written.get(at)}]: ${error.message}`,
        hint: error.hint,
      });
      for (const failed of trail) done.add(failed);
      trail.length = 0;
    }
  }
}
