import { ALIASES, type CorpusEntry, readCorpora } from '../../peers/corpus.ts';
import type { DockerDaemon } from '../../peers/docker-daemon.ts';
import type { OurBuilds } from '../../peers/our-builds.ts';

/** Of moby's suite; those with `skip` say why they can't be built here. */
export function mobyEntries(): CorpusEntry[] {
  return readCorpora().filter(({ corpus }) => corpus === 'moby');
}

/** Brings the base into an engine under every name that the suite's Dockerfiles ask for. */
export async function loadBases(engine: DockerDaemon, ours: OurBuilds): Promise<void> {
  const base = await ours.saveBase(ALIASES.map((name) => (name.includes(':') ? name : `${name}:latest`)));
  try {
    const { exitCode, stderr } = await engine.docker(['load', '--input', base.path]);
    if (exitCode !== 0) throw new Error(stderr);
  } finally {
    await base.remove();
  }
}
