import { expect, it } from 'vitest';
import { dataFolder } from './data-folder.ts';

it('says how much too long a path is, because the kernel would only say EINVAL', () => {
  expect(dataFolder(`/${'x'.repeat(93)}`).socket).toHaveLength(107);
  expect(() => dataFolder(`/${'x'.repeat(95)}`)).toThrow('2 bytes too long');
});
