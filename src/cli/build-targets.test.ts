import { describe, expect, it } from 'vitest';
import { buildTargets } from './build-targets.ts';

describe('targets of slipway build', () => {
  it('is the last stage with every tag when none is named', () => {
    expect(buildTargets([], ['a', 'b'])).toEqual([{ tags: ['a', 'b'] }]);
  });
  it('is one stage with the tags and its own name', () => {
    expect(buildTargets(['api'], ['a'])).toEqual([{ stage: 'api', tags: ['a'] }]);
    expect(buildTargets(['api=host:5000/b:1'], ['a'])).toEqual([{ stage: 'api', tags: ['a', 'host:5000/b:1'] }]);
  });
  it('is several, each with its names', () => {
    expect(buildTargets(['api=a:1', 'worker', 'api=a:2'], [])).toEqual([
      { stage: 'api', tags: ['a:1', 'a:2'] },
      { stage: 'worker', tags: [] },
    ]);
  });
  it('refuses a tag that could mean any of several, and half a pair', () => {
    expect(() => buildTargets(['api', 'worker'], ['a'])).toThrow('there are 2 targets');
    expect(() => buildTargets(['=a'], [])).toThrow('a stage and a name');
    expect(() => buildTargets(['api='], [])).toThrow('a stage and a name');
  });
});
