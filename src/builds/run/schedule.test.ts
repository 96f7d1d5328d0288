import { describe, expect, it } from 'vitest';
import { findCircle, planOf } from '../request/plan.ts';
import type { BuildStepRequest } from '../request/request.ts';
import { type StepProgress, startable } from './schedule.ts';

const [W, R, E]: StepProgress[] = ['waiting', 'running', 'ended'];
const a: BuildStepRequest = { name: 'x', id: 'a' };
const b: BuildStepRequest = { name: 'x', id: 'b' };

describe('planOf and startable', () => {
  it.each<[string, BuildStepRequest[], (StepProgress | undefined)[], number[]]>([
    ['one after the other', [a, b], [W, W], [0]],
    ['the second waits while the first runs', [a, b], [R, W], []],
    ['the second follows', [a, b], [E, W], [1]],
    ['"-" starts at once', [a, { ...b, waitFor: ['-'] }], [W, W], [0, 1]],
    ['"-" beside names still starts at once', [a, { ...b, waitFor: ['a', '-'] }], [R, W], [1]],
    ['two after one', [a, { ...b, waitFor: ['a'] }, { name: 'x', waitFor: ['a'] }], [E, W, W], [1, 2]],
    ['nothing said waits for all', [a, { ...b, waitFor: ['-'] }, { name: 'x' }], [E, R, W], []],
    ['an empty list waits for all', [a, { ...b, waitFor: [] }], [R, W], []],
    ['all ended', [a, b], [E, E], []],
  ])('%s', (_, steps, progress, expected) => {
    expect(startable(planOf(steps), progress as StepProgress[])).toEqual(expected);
  });

  it('labels steps as the log names them', () => {
    expect(planOf([a, { name: 'x' }]).map((step) => step.label)).toEqual(['Step #0 - "a"', 'Step #1']);
  });
});

describe('findCircle', () => {
  it.each<[string, BuildStepRequest[], string[] | undefined]>([
    [
      'a pair',
      [
        { ...a, waitFor: ['b'] },
        { ...b, waitFor: ['a'] },
      ],
      ['a', 'b', 'a'],
    ],
    ['itself', [{ ...a, waitFor: ['a'] }], ['a', 'a']],
    [
      'three, entered from outside',
      [
        { ...a, waitFor: ['b'] },
        { ...b, waitFor: ['c'] },
        { name: 'x', id: 'c', waitFor: ['b'] },
      ],
      ['b', 'c', 'b'],
    ],
    ['none', [a, { ...b, waitFor: ['a', '-'] }], undefined],
  ])('%s', (_, steps, expected) => {
    expect(findCircle(steps)).toEqual(expected);
  });
});
