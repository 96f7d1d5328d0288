import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { Semaphore } from '../../src/lib/semaphore.ts';
import { masked } from './gcloud-recorded/masks.ts';
import { mirrorConfig, missingForBuilds, TestServer } from './server.ts';

const why = await missingForBuilds('gcloud');
const IMAGE = 'europe-central2-docker.pkg.dev/demo/images/api';
const REGION = '--region=europe-central2';
/** gcloud takes two seconds of a processor to start; the machine has two. */
const atATime = new Semaphore(3);

/** Ways of gcloud that main-job doesn't go, one command each, as a person types them after `slipway env`. */
describe.skipIf(why !== '')(`gcloud builds, one of each kind${why}`, () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await TestServer.start({ config: await mirrorConfig() });
    await server.environment();
  });
  afterAll(() => server?.close());

  const gcloud = async (args: readonly string[], cwd = server.folder, env: NodeJS.ProcessEnv = {}) => {
    const { code, stdout, stderr } = await atATime.with(() => server.client('gcloud', args, { cwd, env }));
    return { code, stdout: masked(stdout), stderr: masked(stderr) };
  };
  const source = (name: string, config: string, more: Record<string, string> = {}) =>
    server.source(name, { 'cloudbuild.yaml': config, ...more });
  /** A build that ends at once, without gcloud; its id when it has. */
  const quick = async (more: object = {}): Promise<string> => {
    const steps = [{ name: 'gcr.io/cloud-builders/docker', args: ['version'] }];
    const base = '/v1/projects/demo/locations/europe-central2/builds';
    const { metadata } = (await server.post(base, { steps, ...more })) as { metadata: { build: { id: string } } };
    for (const { id } = metadata.build; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
      const { status } = (await server.get(`${base}/${id}`)) as { status: string };
      if (status === 'SUCCESS') return id;
    }
  };
  const CLOUD_LOGGING = { options: { logging: 'CLOUD_LOGGING_ONLY' } };

  describe.concurrent('each', () => {
    it('beta builds submit streams the log by gRPC, from its first line', async ({ expect }) => {
      const steps = '{steps: [{name: busybox, args: [sh, -c, "for i in 1 2 3; do echo line $$i; sleep 1; done"]}]';
      const cwd = await source('tail', `${steps}, options: {logging: CLOUD_LOGGING_ONLY}}\n`);
      const { code, stdout } = await gcloud(
        ['beta', 'builds', 'submit', '--no-source', '--config=cloudbuild.yaml'],
        cwd,
      );
      expect(code).toBe(0);
      expect(stdout).toMatch(/^---- REMOTE BUILD OUTPUT ----\nstarting build "<ID>"\n/);
      expect(stdout).toContain('\nline 1\nline 2\nline 3\n');
      expect(stdout).toMatch(/\nDONE\n---- BUILD FINISHED; TRUNCATING OUTPUT LOGS ----\n/);
    });

    it('builds log reads a log of Cloud Logging', async ({ expect }) => {
      const id = await quick(CLOUD_LOGGING);
      const { code, stdout } = await gcloud(['builds', 'log', id, REGION]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^---- REMOTE BUILD OUTPUT ----\nstarting build "<ID>"\n[\s\S]*\nDONE\n----$/);
    });

    it('builds list asks the server for what it filters by', async ({ expect }) => {
      const id = await quick({ tags: ['quick'] });
      const filter = 'status=SUCCESS AND tags:quick AND createTime>2020-01-01 AND status!=FAILURE';
      const { stdout } = await atATime.with(() =>
        server.clientOk('gcloud', [
          'builds',
          'list',
          REGION,
          `--filter=${filter}`,
          '--format=value(id)',
          '--page-size=1',
        ]),
      );
      expect(stdout.split('\n')).toContain(id);
      expect((await gcloud(['builds', 'list', REGION, '--filter=tags=nobody'])).stderr).toContain('Listed 0 items.');
    });

    it('builds describe says what is not there', async ({ expect }) => {
      expect(await gcloud(['builds', 'describe', 'nope', REGION])).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('ERROR: (gcloud.builds.describe) NOT_FOUND: Requested entity was not found.'),
      });
    });

    it('a step that fails ends a sync submit with 1, and says which', async ({ expect }) => {
      const cwd = await source('failing', 'steps: [{name: busybox, args: [sh, -c, "echo no; exit 3"]}]\n');
      const { code, stdout, stderr } = await gcloud(['builds', 'submit', '.', '--config=cloudbuild.yaml'], cwd);
      expect(code).toBe(1);
      expect(stdout).toMatch(
        /\nno\nERROR\nERROR: build step 0 "busybox" failed: step exited with non-zero status: 3\n/,
      );
      expect(stderr).toContain(
        'BUILD FAILURE: Build step failure: build step 0 "busybox" failed: step exited with non-zero status: 3\nERROR: (gcloud.builds.submit) build <ID> completed with status "FAILURE"',
      );
    });

    it('a build whose time is over ends with 1, and the advice', async ({ expect }) => {
      const cwd = await source('slow', "steps: [{name: busybox, args: [sleep, '120']}]\n");
      const flags = ['--no-source', '--config=cloudbuild.yaml', '--timeout=2s'];
      const { code, stdout, stderr } = await gcloud(['builds', 'submit', ...flags], cwd);
      expect(code).toBe(1);
      expect(stdout).toMatch(/\nTIMEOUT\nERROR: context deadline exceeded\n----$/);
      expect(stderr).toContain(
        'Your build timed out. Use the [--timeout=DURATION] flag to change the timeout threshold.',
      );
    });

    it('^C cancels', async ({ expect }) => {
      const cwd = await source('cancelled', "steps: [{name: busybox, args: [sleep, '120']}]\n");
      const env = { ...(await server.environment()), PYTHONUNBUFFERED: '1' };
      const seen = await atATime.with(async () => {
        const args = ['builds', 'submit', '--no-source', '--config=cloudbuild.yaml'];
        const child = spawn('gcloud', args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
        let [out, err] = ['', ''];
        child.stdout.on('data', (chunk) => {
          if (!out.includes('BUILD\n') && `${out}${chunk}`.includes('BUILD\n'))
            setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGINT'), 1000);
          out += chunk;
        });
        child.stderr.on('data', (chunk) => (err += chunk));
        const [code] = await once(child, 'close');
        return { code, stdout: masked(out), stderr: masked(err) };
      });
      expect(seen.code).toBe(1);
      expect(seen.stdout).toMatch(/\nCANCELLED\nERROR: context canceled\n----$/);
      expect(seen.stderr).toContain(
        'Cancelling..\nCancelled [<SERVER>/v1/projects/demo/locations/global/builds/<ID>].',
      );
      expect(seen.stderr).toContain('completed with status "CANCELLED"');
    });

    it('--tag builds the folder and pushes', async ({ expect }) => {
      const cwd = await server.source('tagged', { Dockerfile: 'FROM scratch\nCOPY a /\n', a: 'a\n' });
      const { code, stdout } = await gcloud(['builds', 'submit', '.', '--tag', `${IMAGE}:tagged`], cwd);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`\\nDONE\\n----\\nID .*\\n<ID>.*${IMAGE}:tagged  SUCCESS$`));
    });

    it('get-default-service-account names one', async ({ expect }) => {
      const { code } = await gcloud(['builds', 'get-default-service-account', REGION]);
      expect(code).toBe(0);
    });

    it('logging read shows a log as entries', async ({ expect }) => {
      const id = await quick();
      const filter = `resource.type=build AND resource.labels.build_id=${id} AND textPayload:DONE`;
      const { stdout } = await gcloud(['logging', 'read', filter, '--format=value(textPayload,severity)']);
      expect(stdout).toBe('DONE\tINFO');
    });

    it('without a proxy, gRPC reaches the port by TLS', async ({ expect }) => {
      const id = await quick(CLOUD_LOGGING);
      const port = server.host.split(':')[1];
      const env = {
        CLOUDSDK_PROXY_TYPE: undefined,
        CLOUDSDK_PROXY_ADDRESS: undefined,
        CLOUDSDK_PROXY_PORT: undefined,
        CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING: `https://localhost:${port}/`,
      };
      const { stdout } = await gcloud(['beta', 'builds', 'log', '--stream', id, REGION], server.folder, env);
      expect(stdout).toContain('starting build "<ID>"');
    });
  });
});
