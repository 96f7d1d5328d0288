import { BadForm } from './bad-form.ts';
import { BashForms } from './bash-forms.ts';
import type { Complaint } from './complaint.ts';

export interface DynamicOptions {
  /** Names of values that are expanded: the user's own. */
  keys: readonly string[];
  /** Takes note of a name that the value of `key` uses; `optional` when it may be without a value. */
  named(name: string, key: string, optional: boolean): void;
  complain(complaint: Complaint): void;
}

/**
 * options.dynamicSubstitutions: values may name other ones and use bash's forms. They are replaced in `values`, each once,
 * in whatever order they need each other.
 */
export function expandDynamic(values: Map<string, string>, options: DynamicOptions): void {
  const done = new Set<string>();
  const trail: string[] = [];
  const forms = new BashForms((name, optional) => {
    options.named(name, trail.at(-1) ?? '', optional);
    if (options.keys.includes(name)) resolve(name);
    return values.get(name);
  });
  const resolve = (key: string) => {
    if (done.has(key)) return;
    if (trail.includes(key))
      throw new BadForm(`${[...trail.slice(trail.indexOf(key)), key].join(' -> ')} lead to themselves`);
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
      const path = ['substitutions', trail.at(-1) ?? key];
      options.complain({ path, message: `invalid value for 'build.substitutions': ${error.message}` });
      for (const failed of trail) done.add(failed);
      trail.length = 0;
    }
  }
}
