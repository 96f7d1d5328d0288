import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mirrorConfig, missingForBuilds, slipway } from '../../wire/server.ts';

const why = await missingForBuilds();

/** The schema as docs/progress.md shows it to whoever reads the lines. */
async function schema(): Promise<z.ZodType> {
  const text = await readFile(join(import.meta.dirname, '../../../docs/progress.md'), 'utf8');
  const json = /^```json schema\n([\s\S]*?)^```/m.exec(text)?.[1] ?? '';
  return z.fromJSONSchema(JSON.parse(json) as Parameters<typeof z.fromJSONSchema>[0]);
}

describe.skipIf(why !== '')(`slipway build --progress json${why}`, () => {
  let folder: string;
  let context: string;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-json-'));
    context = join(folder, 'context');
    const data = join(folder, 'data');
    await mkdir(data, { mode: 0o700 });
    await mkdir(context);
    await writeFile(join(data, 'slipway.yaml'), await mirrorConfig());
    env = { ...process.env, SLIPWAY_DATA: data };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function lines(dockerfile: string) {
    await writeFile(join(context, 'Dockerfile'), dockerfile);
    const args = [
      'build',
      '--progress',
      'json',
      '--network',
      'none',
      '--build-arg',
      'NOBODY=1',
      '-t',
      'json:1',
      context,
    ];
    const { code, stdout, stderr } = await slipway(args, { env });
    const all = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    return { code, events: all.slice(0, -1), last: all.at(-1), stderr };
  }

  it('prints what its documentation says, and the result last', async () => {
    const { code, events, last, stderr } = await lines('FROM busybox\nCOPY . /all\nRUN echo out; echo err >&2\n');
    expect([code, stderr]).toEqual([0, '']);
    const documented = await schema();
    for (const event of events)
      expect(documented.safeParse(event), JSON.stringify(event)).toMatchObject({ success: true });
    expect(new Set(events.map(({ kind }) => kind))).toEqual(
      new Set(['vertex', 'output', 'note', 'status', 'end', 'warning']),
    );
    expect(last).toMatchObject({ result: { images: [{ tags: ['json:1'] }], pushed: [] } });
    const begun = events.filter(({ kind }) => kind === 'vertex').map(({ id }) => id);
    expect(begun).toEqual(begun.map((_, i) => i + 1));
    expect(events.filter(({ kind }) => kind === 'end').map(({ id }) => id)).toHaveLength(begun.length);
    // the Dockerfile is not sent along with every line
    expect(JSON.stringify(events)).not.toContain('FROM busybox\\n');
  });

  it('ends with the problem of a build that failed', async () => {
    const { code, events, last, stderr } = await lines('FROM busybox\nRUN exit 4\n');
    expect(code).toBe(1);
    expect(last).toMatchObject({ problem: { code: 'failed', exitCode: 4, place: { file: 'Dockerfile' } } });
    expect(events.filter(({ status }) => status === 'error')).toHaveLength(1);
    expect(stderr).toMatch(/^error: /);
  });

  it('finds a line that is not documented', async () => {
    const documented = await schema();
    expect(documented.safeParse({ kind: 'vertex', id: 0 }).success).toBe(false);
    expect(documented.safeParse({ kind: 'other' }).success).toBe(false);
  });
});
