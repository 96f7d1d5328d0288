import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOk } from '../../../src/lib/run.ts';
import { missingForBuilds, TestServer } from '../server.ts';
import { commandLessons } from './command-lessons.ts';
import { unexplained } from './compare-conversations.ts';
import { Conversation } from './conversation.ts';
import { setUps } from './docker-clients.ts';
import { readConversation } from './golden-conversations.ts';
import { setUpsOf } from './lesson-set-ups.ts';
import { goThrough, lessons } from './lessons.ts';

const HOST = 'europe-central2-docker.pkg.dev';
const why = await missingForBuilds('tmux', 'gcloud');
const lacks = `${why}${setUps.length === 0 ? ': no docker' : ''}`;

/** The lessons' commands, by whichever docker is installed: the answers are dockerd's, which `npm run test:peers` asks again. */
describe.skipIf(lacks !== '')(`the lessons by docker${lacks}`, () => {
  let server: TestServer;
  let example: string;
  let token: string;
  beforeAll(async () => {
    server = await TestServer.start();
    example = await server.seed();
    token = (await server.clientOk('gcloud', ['auth', 'print-access-token'])).stdout;
  });
  afterAll(() => server?.close());

  describe.each([...lessons, ...commandLessons])('$name', (lesson) => {
    it.each(setUpsOf(lesson))('$name', async (setUp) => {
      const golden = await readConversation(lesson.name, setUp.name);
      // an answer to another version of the client says nothing about this one
      if (golden === undefined) return;
      const folder = join(server.folder, `${lesson.name}-${setUp.name}`);
      await mkdir(folder);
      const copy = join(folder, 'live-coding');
      await cp(example, copy, { recursive: true });
      // as in any checkout, whatever the umask of this one was
      await runOk('chmod', ['-R', 'u=rwX,go=rX', copy]);
      const engine = { host: `unix://${join(server.data, 'docker.sock')}` };
      const talk = new Conversation(engine, setUp, join(folder, 'config'), folder);
      const repository = `${HOST}/demo/lesson-${lesson.name}-${setUp.name.replaceAll('.', '-')}`;
      await goThrough(lesson, talk, { example: copy, registry: HOST, repository, token });
      expect(unexplained(golden.exchanges, talk.exchanges)).toEqual([]);
    });
  });
});
