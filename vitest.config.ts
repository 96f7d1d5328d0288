import { defineConfig } from 'vitest/config';

/**
 * Five kinds of tests: `unit` lives beside the code, needs no root and no network, and is part of `npm run check`.
 * `system` has the cases, folders that a user would recognise, run against the real engine, and the real clients against a
 * running server; two files at a time, because each has data folders of its own and counts only what belongs to these.
 * `fault` kills, fills disks and measures memory: one file at a time, when nothing else runs. `peers` asks other builders
 * what they make of the cases and is run by itself (`npm run test:peers`), as is `long`: what takes minutes
 * (`npm run test:long`).
 */
export default defineConfig({
  test: {
    reporters: ['default', './test/count-reporter.ts'],
    testTimeout: 30_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts', 'test/house/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['test/{suites,cases,wire}/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 240_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'fault',
          include: ['test/fault/**/*.test.ts'],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 240_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'peers',
          include: ['test/peers/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: ['test/long/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 1_200_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
