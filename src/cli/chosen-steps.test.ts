import { expect, it } from 'vitest';
import { chosenSteps } from './chosen-steps.ts';

const STEPS = [{ name: 'a', id: 'make' }, { name: 'b' }, { name: 'c', id: '1' }, { name: 'd' }];
const chosen = (choice: Parameters<typeof chosenSteps>[1]) => [0, 1, 2, 3].filter(chosenSteps(STEPS, choice));

it.each([
  [{}, [0, 1, 2, 3]],
  [{ step: 'make' }, [0]],
  [{ step: '3' }, [3]],
  [{ step: '1' }, [2]], // an id counts more than a number
  [{ fromStep: '1' }, [2, 3]],
  [{ fromStep: '0' }, [0, 1, 2, 3]],
])('%j chooses %j', (choice, expected) => {
  expect(chosen(choice)).toEqual(expected);
});

it.each([[{ step: '4' }], [{ fromStep: 'nope' }], [{ step: '' }], [{ step: 'make', fromStep: 'make' }]])(
  'refuses %j',
  (choice) => {
    expect(() => chosen(choice)).toThrow();
  },
);
