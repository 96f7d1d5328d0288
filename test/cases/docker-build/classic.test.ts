import { readdir } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ImagesDoor, openImagesDoor } from '../docker-images/images-door.ts';
import { isRoot } from '../image-build/needs.ts';

let door: ImagesDoor;
beforeEach(async () => {
  door = await openImagesDoor();
});
afterEach(() => door.close());

const STEPS = `ARG BASE=scratch
FROM $BASE
ENV A=b
COPY a.txt /a
WORKDIR /w
ADD a.txt sub/
CMD ["/a"]
`;

async function tar(files: Record<string, string>): Promise<Buffer<ArrayBuffer>> {
  const packed = pack();
  for (const [name, text] of Object.entries(files)) packed.entry({ name, mtime: new Date(0) }, text);
  packed.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of packed) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The lines of a build's answer, or its status and message. */
async function build(query: string, body: Buffer<ArrayBuffer> | string) {
  const { status, body: answer } = await door.ask('POST', `/v1.41/build?${query}`, body);
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  const lines = text.split('\r\n').filter((line) => line !== '');
  return { status, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

/** As dockerd wrote them, ids and containers masked. */
function masked(lines: Record<string, unknown>[]): string[] {
  return lines.map((line) =>
    JSON.stringify(line)
      .replace(/\b[0-9a-f]{64}\b/g, 'DIGEST')
      .replace(/\b[0-9a-f]{12}\b/g, 'ID'),
  );
}

const step = (n: number, text: string) => [JSON.stringify({ stream: `Step ${n}/7 : ${text}` }), '{"stream":"\\n"}'];
const image = '{"stream":" ---> ID\\n"}';
const ran = ['{"stream":" ---> Running in ID\\n"}', '{"stream":"Removing intermediate container ID\\n"}', image];
const cached = ['{"stream":" ---> Using cache\\n"}', image];
const ended = [
  '{"aux":{"ID":"sha256:DIGEST"}}',
  '{"stream":"Successfully built ID\\n"}',
  '{"stream":"Successfully tagged x:latest\\n"}',
];

describe.skipIf(!isRoot)('a classic build', () => {
  it('is told in the lines of dockerd 20.10: first done, then from the cache, then done again without it', async () => {
    const body = await tar({ Dockerfile: STEPS, 'a.txt': 'a' });
    const told = (each: string[], copied: string[]) => [
      ...step(1, 'ARG BASE=scratch'),
      ...step(2, 'FROM $BASE'),
      '{"stream":" ---> \\n"}',
      ...step(3, 'ENV A=b'),
      ...each,
      ...step(4, 'COPY a.txt /a'),
      ...copied,
      ...step(5, 'WORKDIR /w'),
      ...each,
      ...step(6, 'ADD a.txt sub/'),
      ...copied,
      ...step(7, 'CMD ["/a"]'),
      ...each,
      ...ended,
    ];
    expect(masked((await build('version=1&t=x', body)).lines)).toEqual(told(ran, [image]));
    expect(masked((await build('version=1&t=x', body)).lines)).toEqual(told(cached, cached));
    expect(masked((await build('version=1&t=x&nocache=1', body)).lines)).toEqual(told(ran, [image]));
  });

  it('says of arguments that nobody takes, behind the id', async () => {
    const args = encodeURIComponent('{"UNUSED":"1"}');
    const { lines } = await build(`t=x&buildargs=${args}`, await tar({ Dockerfile: 'FROM scratch\nLABEL a=b\n' }));
    expect(masked(lines).slice(-4)).toEqual([
      ended[0],
      '{"stream":"[Warning] One or more build-args [UNUSED] were not consumed\\n"}',
      ended[1],
      ended[2],
    ]);
  });

  it('says the id alone when it is to be quiet', async () => {
    const { lines } = await build('q=1', await tar({ Dockerfile: 'FROM scratch\nLABEL a=b\n' }));
    expect(masked(lines)).toEqual(['{"stream":"sha256:DIGEST\\n"}']);
  });

  it('takes packed archives and a Dockerfile alone, and gives the same for the same', async () => {
    const body = await tar({ Dockerfile: STEPS, 'a.txt': 'a' });
    const id = async (bytes: Buffer<ArrayBuffer>) => (await build('q=1', bytes)).lines[0]?.['stream'];
    const first = await id(body);
    expect(await id(Buffer.from(gzipSync(body)))).toBe(first);
    expect(await id(body)).toBe(first);
    expect((await build('q=1', 'FROM scratch\nLABEL a=b\n')).lines).toHaveLength(1);
  });

  it('does not take the files of a build before for those of this one', async () => {
    const id = async (text: string) =>
      (await build('q=1', await tar({ Dockerfile: STEPS, 'a.txt': text }))).lines[0]?.['stream'];
    const [a, b] = [await id('a'), await id('b')];
    expect(b).not.toBe(a);
    expect(await id('a')).toBe(a);
  });

  it.each([
    ['', '', 400, 'an archive is expected as its body'],
    ['', 'FROM scratch\nFOO\n', 400, 'dockerfile parse error line 2: unknown instruction: FOO'],
    ['target=no', 'FROM scratch\nLABEL a=b', 400, 'failed to reach build target no in Dockerfile'],
    ['t=UPPER', 'FROM scratch\nLABEL a=b', 400, 'must be lowercase'],
    ['squash=1', 'FROM scratch\nLABEL a=b', 400, 'squash is only supported with experimental mode'],
    ['version=3', 'FROM scratch\nLABEL a=b', 400, 'invalid version "3"'],
    ['remote=some/where', '', 400, 'is no address of a repository or archive'],
    ['networkmode=container:x', 'FROM scratch\nLABEL a=b', 501, "can't join the network of a container"],
  ])('%s %j is refused before anything is built', async (query, body, status, message) => {
    const answer = await build(query, body);
    expect(answer).toMatchObject({ status, lines: [{ message: expect.stringContaining(message) }] });
  });

  it('fails in the stream when an instruction does, and tells which', async () => {
    const { status, lines } = await build('', await tar({ Dockerfile: 'FROM scratch\nCOPY missing /\n' }));
    expect(status).toBe(200);
    expect(masked(lines).slice(0, 5)).toEqual([
      '{"stream":"Step 1/2 : FROM scratch"}',
      '{"stream":"\\n"}',
      '{"stream":" ---> \\n"}',
      '{"stream":"Step 2/2 : COPY missing /"}',
      '{"stream":"\\n"}',
    ]);
    const message = expect.stringContaining(
      'COPY failed: file not found in build context or excluded by .dockerignore: stat missing',
    );
    expect(lines.at(-1)).toEqual({ errorDetail: { message }, error: message });
  });

  it('tells the FROM that names nothing in its turn', async () => {
    const { lines } = await build('', 'ARG X\nFROM $Y\nRUN true\n');
    expect(masked(lines).slice(0, 4)).toEqual([
      '{"stream":"Step 1/3 : ARG X"}',
      '{"stream":"\\n"}',
      '{"stream":"Step 2/3 : FROM $Y"}',
      '{"stream":"\\n"}',
    ]);
    expect(lines.at(-1)?.['error']).toMatch(/^base name \(\$Y\) should not be blank\n/);
  });

  it('leaves nothing behind when clients go away in the middle of their archives', async () => {
    const body = await tar({ Dockerfile: STEPS, 'a.txt': 'a'.repeat(1 << 20) });
    for (let n = 0; n < 50; n++) {
      const sent = request({ socketPath: door.socket, method: 'POST', path: '/v1.41/build' });
      sent.on('error', () => undefined);
      sent.write(body.subarray(0, 200_000));
      await sleep(2);
      sent.destroy();
    }
    const work = join(door.folder, 'docker');
    const contexts = async () => (await readdir(work)).filter((name) => name.startsWith('context-'));
    for (let n = 0; n < 100 && (await contexts()).length > 0; n++) await sleep(20);
    expect(await contexts()).toEqual([]);
    expect((await build('q=1', body)).status).toBe(200);
  });

  it('keeps a cut archive for nobody', async () => {
    const body = await tar({ Dockerfile: STEPS, 'a.txt': 'a'.repeat(5000) });
    const cut = body.subarray(0, 3000);
    expect((await build('', cut)).lines[0]?.['message']).toMatch(/truncated tar/);
    expect((await build('', cut)).lines[0]?.['message']).toMatch(/truncated tar/);
    expect((await build('q=1', body)).status).toBe(200);
  });
});

it('has its cancellation asked for by name, and forgets on request what builds made', async () => {
  expect(await door.ask('POST', '/v1.41/build/cancel?id=unknown')).toMatchObject({ status: 200 });
  expect(await door.ask('POST', '/v1.41/build/cancel')).toMatchObject({ status: 400 });
  const prune = (query: string) => door.ask('POST', `/v1.41/build/prune${query}`);
  expect(await prune('')).toEqual({ status: 200, body: { CachesDeleted: [], SpaceReclaimed: 0 } });
  expect(await prune('?all=1&filters=%7B%22until%22%3A%7B%2224h%22%3Atrue%7D%7D')).toMatchObject({ status: 200 });
  expect(await prune('?filters=%7B%22nonsense%22%3A%7B%221%22%3Atrue%7D%7D')).toMatchObject({ status: 400 });
});
