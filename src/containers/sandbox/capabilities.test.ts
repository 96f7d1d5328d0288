import { expect, test } from 'vitest';
import { capabilitiesOf } from './capabilities.ts';
import { seccompFor } from './seccomp.ts';

test('what is added stays when all are dropped; what is dropped goes when all are added', () => {
  expect(capabilitiesOf({ add: ['kill', 'CAP_CHOWN'], drop: ['all'] }).sort()).toEqual(['CAP_CHOWN', 'CAP_KILL']);
  const all = capabilitiesOf({ add: ['ALL'], drop: ['KILL'] });
  expect(all).toContain('CAP_SYS_ADMIN');
  expect(all).not.toContain('CAP_KILL');
  expect(capabilitiesOf({ add: ['CHOWN'], drop: ['MKNOD'] })).toHaveLength(13);
});

test('a name that is none is a complaint', () => {
  expect(() => capabilitiesOf({ add: [], drop: ['FLY'] })).toThrow('invalid CapDrop: unknown capability: "CAP_FLY"');
});

test('a capability opens its calls in the filter, and no rule stands against them', () => {
  const rulesFor = (name: string, capabilities: string[]) =>
    seccompFor('x64', capabilities)?.syscalls.filter(({ names }) => names.includes(name)) ?? [];
  expect(rulesFor('settimeofday', [])).toEqual([]);
  expect(rulesFor('settimeofday', ['CAP_SYS_TIME'])).toMatchObject([{ action: 'SCMP_ACT_ALLOW' }]);
  expect(rulesFor('clone3', ['CAP_SYS_ADMIN'])).toMatchObject([{ action: 'SCMP_ACT_ALLOW' }]);
  const clone = rulesFor('clone', ['CAP_SYS_ADMIN']);
  expect([clone.length, clone[0]?.args]).toEqual([1, undefined]);
});
