import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DetachKeys, parseDetachKeys } from './detach-keys.ts';

describe('detach keys', () => {
  it.each([
    [undefined, [16, 17]],
    ['', [16, 17]],
    ['ctrl-@,ctrl-a,x', [0, 1, 120]],
    ['ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_', [27, 28, 29, 30, 31]],
  ])('reads %j', (text, bytes) => {
    expect([...parseDetachKeys(text)]).toEqual(bytes);
  });

  it.each(['bogus-key', 'ctrl-', 'ctrl-ab', 'a,,b', 'ctrl-1'])('refuses %s in docker’s words', (text) => {
    expect(() => parseDetachKeys(text)).toThrow(`Invalid detach keys (${text}) provided`);
  });

  it('detaches wherever the input is cut, and passes on all that came before', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(97, 16, 17), { maxLength: 30 }), fc.nat(4), (bytes, size) => {
        const keys = new DetachKeys(Buffer.from([16, 17]));
        const typed = Buffer.from(bytes);
        const end = typed.indexOf(Buffer.from([16, 17]));
        const passed: Buffer[] = [];
        let detached = false;
        for (let at = 0; at < typed.length && !detached; at += size + 1) {
          const taken = keys.take(typed.subarray(at, at + size + 1));
          passed.push(taken.passed);
          detached = taken.detached;
        }
        expect(detached).toBe(end >= 0);
        const held = !detached && typed.at(-1) === 16 ? 1 : 0;
        expect(Buffer.concat(passed)).toEqual(typed.subarray(0, end >= 0 ? end : typed.length - held));
      }),
    );
  });
});
