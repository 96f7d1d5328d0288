import { dockerfileFuzz, hostileTexts } from '../../test/suites/dockerfile-fuzz.ts';

/** `FUZZ_SEED=... npx vitest run src/dockerfile/fuzz.test.ts` runs a failure again; test/long has the long form. */
dockerfileFuzz({ runs: 300, seed: Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31) });
hostileTexts();
