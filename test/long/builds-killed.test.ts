import { killedBuilds } from '../fault/builds/killed-builds.ts';
import { PHASES } from '../fault/builds/phases.ts';

killedBuilds(PHASES);
