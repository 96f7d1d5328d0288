import { expect, it } from 'vitest';
import { machineOf } from './machine-type.ts';

it.each([
  ['e2-medium', 2, 4],
  ['e2-standard-4', 4, 16],
  ['E2_HIGHCPU_8', 8, 8],
  ['N1_HIGHCPU_32', 32, 28.8],
  ['n2d-highmem-16', 16, 128],
])('%s has %d processors and %d GB', (type, vcpus, memoryGb) => {
  const machine = machineOf(type);
  expect([machine.vcpus, machine.memoryGb]).toEqual([vcpus, expect.closeTo(memoryGb)]);
});

it.each(['', 'e2', 'e2-standard-0', 'e2-standard', 'z9-standard-4', 'c2-highmem-4', '__proto__-standard-4'])(
  'there is no machine type %j',
  (type) => {
    expect(() => machineOf(type)).toThrow('there is no machine type');
  },
);
