import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../src/lib/run.ts';
import { commandLessons } from '../wire/docker-lessons/command-lessons.ts';
import { Conversation } from '../wire/docker-lessons/conversation.ts';
import { writeConversation } from '../wire/docker-lessons/golden-conversations.ts';
import { setUpsOf } from '../wire/docker-lessons/lesson-set-ups.ts';
import { goThrough, lessons } from '../wire/docker-lessons/lessons.ts';
import { missingForBuilds, TestServer } from '../wire/server.ts';
import { type DockerDaemon, hasDocker, startDocker } from './docker-daemon.ts';

const why = await missingForBuilds('tmux', 'gcloud');
const HOST = 'europe-central2-docker.pkg.dev';

/** Goes through the lessons with a real dockerd, which has our registry behind Google's name, and writes what it answers. */
describe.skipIf(!hasDocker || why !== '')(`docker's answers to the lessons${why}`, () => {
  let server: TestServer;
  let example: string;
  let docker: DockerDaemon;
  let token: string;
  beforeAll(async () => {
    server = await TestServer.start();
    example = await server.seed();
    token = (await server.clientOk('gcloud', ['auth', 'print-access-token'])).stdout;
    const mirror =
      /http:\/\/127\.0\.0\.1:\d+/.exec(await readFile(join(server.data, 'slipway.yaml'), 'utf8'))?.[0] ?? '';
    docker = await startDocker({
      flags: ['--registry-mirror', mirror],
      env: { HTTPS_PROXY: server.url, SSL_CERT_FILE: join(server.data, 'ca.pem') },
    });
  });
  afterAll(async () => {
    await docker?.stop();
    await server?.close();
  });

  describe.each([...lessons, ...commandLessons])('$name', (lesson) => {
    it.each(setUpsOf(lesson))('$name', async (setUp) => {
      const folder = join(server.folder, `${lesson.name}-${setUp.name}`);
      await mkdir(folder);
      const copy = join(folder, 'live-coding');
      await cp(example, copy, { recursive: true });
      // as in any checkout, whatever the umask of this one was
      await runOk('chmod', ['-R', 'u=rwX,go=rX', copy]);
      const engine = { host: docker.host, buildFlags: setUp.builder === '1' ? ['--network=none'] : [] };
      const talk = new Conversation(engine, setUp, join(folder, 'config'), folder);
      const repository = `${HOST}/demo/lesson-${lesson.name}-${setUp.name.replaceAll('.', '-')}`;
      await goThrough(lesson, talk, { example: copy, registry: HOST, repository, token });
      expect(talk.exchanges.length).toBeGreaterThan(5);
      await writeConversation(lesson.name, setUp.name, {
        date: new Date().toISOString().slice(0, 10),
        dockerd: docker.version,
        client: setUp.client.version,
        exchanges: talk.exchanges,
      });
    });
  });
});
