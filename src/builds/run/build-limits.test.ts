import { expect, it } from 'vitest';
import type { BuildOptions } from '../request/request.ts';
import { limitsOf } from './build-limits.ts';

const GIB = 2 ** 30;
const machine = { cpus: 16, memoryBytes: 32 * GIB };
const limits = (options: BuildOptions, defaults = {}, pool?: Parameters<typeof limitsOf>[1]) =>
  limitsOf({ options }, pool, { logBytes: 1, ...defaults }, machine);

it('takes the machine type at its word, as far as the machine goes', () => {
  expect(limits({ machineType: 'E2_HIGHCPU_8' })).toEqual({ cpus: 8, memoryBytes: 8 * GIB });
  expect(limits({ machineType: 'N1_HIGHCPU_8' })).toEqual({ cpus: 8, memoryBytes: Math.round(7.2 * GIB) });
  expect(limits({ machineType: 'E2_HIGHCPU_32' })).toEqual({});
  expect(limits({ machineType: 'N1_HIGHCPU_32' })).toEqual({ memoryBytes: Math.round(28.8 * GIB) });
});

it('leaves builds that ask for nothing what slipway.yaml gives, which is everything', () => {
  expect(limits({})).toEqual({});
  expect(limits({ machineType: 'UNSPECIFIED', diskSizeGb: '0' })).toEqual({});
  const defaults = { cpus: 2, memoryBytes: GIB, diskBytes: 5 };
  expect(limits({}, defaults)).toEqual(defaults);
  expect(limits({ diskSizeGb: '100' }, defaults)).toEqual({ ...defaults, diskBytes: 100 * GIB });
});

it("has a pool's word count more than the machine type's", () => {
  const pool = { vcpus: 2, memoryGb: 4, diskSizeGb: 10, publicEgress: true };
  expect(limits({ machineType: 'E2_HIGHCPU_8', diskSizeGb: '100' }, {}, pool)).toEqual({
    cpus: 2,
    memoryBytes: 4 * GIB,
    diskBytes: 10 * GIB,
  });
});
