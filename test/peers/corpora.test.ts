import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasBusybox } from '../cases/image-build/busybox-base.ts';
import { hasRunc } from '../cases/image-build/needs.ts';
import { answerDifferences, type BuildAnswer } from './compare.ts';
import { type Agreement, key, type Outcomes, writeReport } from './corpora-report.ts';
import { ALIASES, type CorpusEntry, hasCorpora, readCorpora, toBuildCase } from './corpus.ts';
import { buildByDocker } from './docker-builds.ts';
import { type DockerDaemon, hasDocker, startDocker } from './docker-daemon.ts';
import { reasonFor } from './known-differences.ts';
import { type OurBuilds, openOurBuilds } from './our-builds.ts';

const entries = readCorpora();

/** What docker 20.10 says of words that it is too old for. */
const TOO_OLD =
  /nknown flag|unknown instruction|unexpected key|not support(?:ed)? (?:on|by)|unsupported modifier|missing ':' in substitution|only supported|invalid field|ONBUILD with/;

describe.skipIf(!hasDocker || !hasBusybox || !hasRunc || !hasCorpora)("other builders' Dockerfiles", () => {
  const outcomes: Outcomes = {};
  let ours: OurBuilds;
  let docker: DockerDaemon;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-corpus-'));
    ours = await openOurBuilds();
    for (const name of ALIASES) await ours.nameBase(name);
    docker = await startDocker();
    const base = await ours.saveBase(ALIASES.map((name) => (name.includes(':') ? name : `${name}:latest`)));
    const loaded = await docker.docker(['load', '--input', base.path]);
    await base.remove();
    expect(loaded.stderr).toBe('');
  });
  afterAll(async () => {
    if (Object.keys(outcomes).length === entries.filter(({ skip }) => skip === undefined).length)
      await writeReport(entries, outcomes, docker.version);
    await docker?.stop();
    await ours?.close();
    await rm(folder, { recursive: true });
  });

  const runnable = entries.filter(({ skip }) => skip === undefined).map((entry) => ({ ...entry, label: key(entry) }));
  it.each(runnable)('$label', async (entry) => {
    const each = await toBuildCase(entry, await mkdtemp(join(folder, 'case-')));
    const theirs = await buildByDocker(docker, 'buildkit', each, ours.base);
    const found = await ours.build(each);
    const { agreement, unexplained } = compare(entry, theirs, found);
    outcomes[key(entry)] =
      'image' in found
        ? { builds: true, agreement }
        : { builds: false, agreement, error: found.error.replace(/\/\S+\/slipway-\S+/g, '...').slice(0, 200) };
    expect(unexplained).toEqual([]);
  });
});

function compare(
  entry: CorpusEntry,
  theirs: BuildAnswer,
  ours: BuildAnswer,
): { agreement: Agreement; unexplained: string[] } {
  const asksRegistry = 'error' in theirs && /no such host|dial tcp/.test(theirs.error);
  if ('error' in theirs && 'error' in ours)
    return { agreement: asksRegistry ? 'both ask a registry' : 'refused by both', unexplained: [] };
  if ('error' in theirs && 'image' in ours && TOO_OLD.test(theirs.error))
    return { agreement: 'newer than docker 20.10', unexplained: [] };
  const lines = answerDifferences(theirs, ours);
  const reasons = lines.map((line) => ({ line, reason: reasonFor(key(entry), line) }));
  const unexplained = reasons.filter(({ reason }) => reason === undefined).map(({ line }) => line);
  const told = [...new Set(reasons.map(({ line, reason }) => reason ?? line))];
  return { agreement: told.length === 0 ? 'the same image' : { differs: told.join(' ') }, unexplained };
}
