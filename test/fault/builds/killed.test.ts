import { killedBuilds } from './killed-builds.ts';
import { PHASES } from './phases.ts';

const SHORT = ['claimed, its process not yet started', 'a step that runs', 'push'];

// the whole table takes minutes: test/long/builds-killed.test.ts
killedBuilds(PHASES.filter(({ name }) => SHORT.includes(name)));
