import { dockerfileFuzz } from '../suites/dockerfile-fuzz.ts';

dockerfileFuzz({
  runs: Number(process.env['FUZZ_RUNS'] ?? 20_000),
  seed: Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31),
});
