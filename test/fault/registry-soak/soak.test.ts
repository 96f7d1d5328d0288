import { expect, it } from 'vitest';
import { soak } from './soak.ts';

const MS = 75_000;

it(`keeps every promise through ${MS / 1000} s of pushes, deletions, collection and kill -9`, async () => {
  const seed = Number(process.env['SLIPWAY_SEED'] ?? Date.now() % 1_000_000);
  const report = await soak(MS, seed);
  console.log(JSON.stringify(report));
  expect(report.kills).toBeGreaterThan(0);
  expect(report.collected).toBeGreaterThan(0);
});
