import { expect, it } from 'vitest';
import { namesOfStep } from './step-names.ts';

it.each<[string | undefined, string[]]>([
  [undefined, ['step_2']],
  ['db', ['step_2', 'db']],
  ['my_db-1', ['step_2', 'my_db-1']],
  ['run the tests', ['step_2']],
  ['storage.googleapis.com', ['step_2']],
  ['metadata', ['step_2']],
  ['Localhost', ['step_2']],
  ['step_0', ['step_2']],
  ['-x', ['step_2']],
])('a step with the id %s is found by %j', (id, names) => {
  expect(namesOfStep(2, id)).toEqual(names);
});
