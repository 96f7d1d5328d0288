import { expect, it } from 'vitest';
import { soak } from '../fault/registry-soak/soak.ts';

const MINUTES = 20;

it(
  `keeps every promise through ${MINUTES} minutes of pushes, deletions, collection and kill -9`,
  async () => {
    const report = await soak(MINUTES * 60_000, Number(process.env['SLIPWAY_SEED'] ?? Date.now() % 1_000_000));
    console.log(JSON.stringify(report));
    expect(report.kills).toBeGreaterThan(MINUTES);
    expect(report.collected).toBeGreaterThan(100);
  },
  2 * MINUTES * 60_000,
);
