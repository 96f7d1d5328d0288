import { defineConfig } from 'vitest/config';

/**
 * Five kinds of tests: `unit` lives beside the code, needs no root and no network, and is part of `npm run check`;
 * `cases` are folders a user would recognise, run against the real engine; `wire` and `fault` drive the real clients
 * against a running server, one file at a time because they share the machine's network namespaces and mounts. `peers` asks
 * other builders what they make of the cases and is run by itself (`npm run test:peers`), as is `long`: what takes minutes
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
          include: ['test/{suites,cases,wire,fault}/**/*.test.ts'],
          fileParallelism: false,
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
