import { expect, it } from 'vitest';
import { progressBar } from './progress-bar.ts';

it('draws what dockerd draws', () => {
  expect(progressBar(33792, 1982256)).toBe(`[>${' '.repeat(50)}]  33.79kB/1.982MB`);
  expect(progressBar(1016832, 1982256)).toBe(`[${'='.repeat(25)}>${' '.repeat(25)}]  1.017MB/1.982MB`);
  expect(progressBar(2121728, 1982256)).toBe(`[${'='.repeat(50)}>]  2.122MB`);
  expect(progressBar(12, undefined)).toBe('     12B');
});
