/** Where in a build a value stands: `['steps', 0, 'args', 3]`. */
export type FieldPath = readonly (string | number)[];

/** As the API writes it: `build.steps[0].args[3]`. */
export function formatPath(path: FieldPath): string {
  return path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
}
